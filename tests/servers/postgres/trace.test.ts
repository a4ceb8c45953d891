/** The trace of access with the table in PostgreSQL: who is who is asked there, and what comes while nobody answers is kept when somebody does. */
import '../on-postgresql.ts';

import { chmodSync, chownSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import t from 'tap';

const { postgresql } = await import('../on-postgresql.ts');
const { traceDirectory } = await import('../../../bridge/trace/trace-files.ts');
const { traced } = await import('../../../bridge/trace/trace-reading.ts');
const { dovecotVersion } = await import('../../../config/lab/dovecot-version.ts');
const { readFragment } = await import('../../../config/lab/fragment.ts');
const { systemUser } = await import('../../../config/lab/system-ids.ts');
const { waitFor } = await import('../../../config/lab/wait.ts');
const { must } = await import('../../cli/desk.ts');
const { at, startSite } = await import('../site.ts');

const LIMIT_MS = 60_000;
const version = dovecotVersion();
const directory = mkdtempSync(path.join(os.tmpdir(), 'mandat-events-'));
chmodSync(directory, 0o755);
t.teardown(() => rmSync(directory, { recursive: true, force: true }));
const log = path.join(directory, 'dovecot-events.log');
writeFileSync(log, '', { mode: 0o640 });
if (version === '2.4') chownSync(log, systemUser('dovecot').uid, 0);

const site = await startSite({
  users: ['alice', 'bob'],
  postfix: false,
  senderRules: false,
  extraDovecot: `${await readFragment(`dovecot/${version}/events-log.conf`, { '/var/log/dovecot-events.log': log })}
${await readFragment(`dovecot/${version}/trace.conf`)}`,
  extraToml: `[events]\nlisten = "off"\nlog = "${log}"\n[trace]\nenabled = true\n[schedule]\nsweep_interval_minutes = 1440\nfolder_look_seconds = 0\n`,
});
t.teardown(() => site.stop());
await site.register('alice', 'bob');
const running = await site.run();
t.teardown(() => running.end());
await site.settled();
const SHARED = `shared/${at('alice')}`;

const months = traceDirectory({ privateDirectory: path.join(site.lab.directory, 'private') });
/** What bob has asked for in alice's mailbox: the folder's number, as what, by which delegation. */
const asked = () =>
  existsSync(months)
    ? [...traced(months, {})]
        .filter(({ folder }) => /^N\d+$/.test(folder ?? ''))
        .map(({ folder, relation, delegation }) => [Number(folder?.slice(1)), relation, delegation] as const)
    : [];
const until = (what: string, count: number) => waitFor(what, LIMIT_MS, () => asked().length === count);
/** In a session of its own: a grant and a revoke end those that are open. */
const ask = async (...numbers: readonly number[]) => {
  const bob = await site.login('bob');
  for (const n of numbers) await bob.command(`SELECT ${SHARED}/N${n}`);
  bob.close();
};

t.test('who is who is asked of PostgreSQL, as it is when something is done', async (t) => {
  await ask(1);
  await until('the attempt of a stranger', 1);
  await must(site.mandat('grant', at('alice'), at('bob')));
  await ask(2, 3);
  await until('what the delegate did', 3);
  t.same(asked(), [
    [1, 'other', null],
    [2, 'delegate', 1],
    [3, 'delegate', 1],
  ]);
});

t.test('while PostgreSQL is away it waits, and is kept in order when it is back', async (t) => {
  await postgresql.halt();
  await ask(4, 5, 6);
  await waitFor('it is said that it can’t be kept', LIMIT_MS, () =>
    running
      .log()
      .some(({ msg, trouble }) => /trace of access is in trouble/.test(String(msg)) && trouble !== undefined),
  );
  t.equal(asked().length, 3, 'nothing is guessed');
  await postgresql.start();
  await until('all of it, each once', 6);
  t.same(
    asked().slice(3),
    [4, 5, 6].map((n) => [n, 'delegate', 1]),
  );
});

t.test('after the end of the delegation it is theirs no more; all of it is proven', async (t) => {
  await waitFor('the sidecar is back', LIMIT_MS, async () => {
    const { status } = await site.mandat('revoke', at('alice'), at('bob'), '--yes');
    return status === 0;
  });
  await ask(7);
  await until('the attempt', 7);
  t.same(asked().at(-1), [7, 'other', null]);
  const shown = await must(site.mandat('trace', '--delegate', at('bob'), '--mailbox', at('alice')));
  t.match(shown.stdout, /bob@lab\.test +delegate +alice@lab\.test/);
  t.match(await site.mandat('trace', 'verify'), { status: 0, stdout: /^the trace of access is intact/ });
});
