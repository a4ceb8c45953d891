/**
 * A revoke waits for nothing: while the submission filter has more to do than it can, a directory is imported and renames everybody, and a
 * hundred thousand audit events come at once, the BYE comes before any of that is done. How long it takes: tests/bench/beside-load.ts.
 */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { startBusySite, worked } from './everything-at-once.ts';

const ROUNDS = 7;

const site = await startBusySite();
t.teardown(() => site.stop());

t.test('a filter that hangs', async (t) => {
  const hangs = () => /\) T /.test(readFileSync(`/proc/${site.filter}/stat`, 'latin1'));
  process.kill(site.filter, 'SIGSTOP');
  t.teardown(() => process.kill(site.filter, 'SIGCONT'));
  for (let round = 1; round <= ROUNDS; round++) {
    let then = false;
    await site.revoke(undefined, () => {
      then = hangs();
    });
    t.ok(then, 'the BYE came while it did');
  }
});

t.test('everything at once', async (t) => {
  const before = worked(site.filter);
  for (let round = 1; round <= ROUNDS; round++) await site.revoke();
  const between = worked(site.filter);
  const busy = await site.busy();
  t.teardown(() => busy.stop());
  let sameImport = 0;
  for (let round = 1; round <= ROUNDS; round++) {
    let began = { unsealed: 0, imports: 0 };
    let bye = began;
    const now = () => ({ unsealed: site.unsealed(), imports: busy.imports() });
    await site.revoke(
      () => {
        site.events();
        began = now();
      },
      () => {
        bye = now();
      },
    );
    t.ok(bye.unsealed > began.unsealed / 2, `of ${began.unsealed} events ${bye.unsealed} were left at the BYE`);
    if (bye.imports === began.imports) sameImport++;
  }
  t.ok(sameImport > ROUNDS / 2, `${sameImport} of ${ROUNDS} came before the import was over that went on`);
  t.ok(worked(site.filter) - between > 10 * (between - before), 'the filter has had much more to do');
});
