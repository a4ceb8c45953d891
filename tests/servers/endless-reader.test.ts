/** A program that begins to read the table and never ends: a sidecar that has nothing to do doesn't let the log of writes grow, and grants go on. */
import { statSync } from 'node:fs';
import Database from 'better-sqlite3';
import t from 'tap';
import { waitFor } from '../../config/lab/wait.ts';
import { configOf, runInside, sync } from './inside.ts';
import { grantRow, revokeRow } from './rows.ts';
import { at, startSite } from './site.ts';
import { granted, seen } from './wire.ts';

t.test('a reader that stays', async (t) => {
  const site = await startSite({ users: ['alice', 'bob'], postfix: false, senderRules: false });
  t.teardown(() => site.stop());
  await site.register('alice', 'bob');
  await grantRow(site, 'alice', 'bob');
  t.same((await sync(site)).failures, []);
  const reader = new Database(site.table, { readonly: true });
  t.teardown(() => reader.close());
  reader.exec('BEGIN');
  reader.prepare('SELECT count(*) FROM mailboxes').get();

  const log = (file: string) => statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  const sidecar = await runInside(site);
  t.teardown(() => sidecar.stop());
  await sidecar.idle();
  const sweep = async () => {
    const before = sidecar.log().filter(({ msg }) => msg === 'sweep done').length;
    await sidecar.sidecar.reload(configOf(site));
    await waitFor('a sweep', 20_000, () => sidecar.log().filter(({ msg }) => msg === 'sweep done').length > before);
  };
  await sweep();
  const before = log(site.table);
  for (let n = 0; n < 5; n++) await sweep();
  t.equal(log(site.table), before, 'five sweeps later not one page was added');

  const each: number[] = [];
  for (let n = 0; n < 3; n++) {
    const grown = log(site.table);
    await revokeRow(site, 'alice', 'bob');
    await site.settled();
    await grantRow(site, 'alice', 'bob');
    await site.settled();
    t.strictSame(await seen(site, 'alice', 'bob'), granted(), at('bob'));
    await sidecar.idle();
    each.push(log(site.table) - grown);
    t.comment(`${each.at(-1)} octets`);
  }
  t.ok(
    each.every((octets) => octets < 2_000_000),
    `a revoke and a grant: ${each} octets`,
  );
});
