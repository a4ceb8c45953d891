/** A delegation table from the past is obeyed where it takes away, not where it gives, until somebody accepts it. */
import { copyFile, rm } from 'node:fs/promises';
import t, { type Test } from 'tap';
import { passUntil } from './crash.ts';
import { dryRun, runInside, sync } from './inside.ts';
import { grantRow, revokeRow } from './rows.ts';
import { at, type Site, startSite } from './site.ts';
import { entriesOf, granted, seen } from './wire.ts';

async function site(t: Test): Promise<Site> {
  const started = await startSite({ users: ['alice', 'bob', 'carol', 'dave'], postfix: false });
  t.teardown(() => started.stop());
  await started.register('alice', 'bob', 'carol', 'dave');
  await grantRow(started, 'alice', 'bob', 'carol');
  await sync(started);
  await started.sql(`VACUUM INTO '${started.table}.yesterday'`);
  return started;
}

async function putBack(here: Site): Promise<void> {
  for (const beside of ['-wal', '-shm']) await rm(`${here.table}${beside}`, { force: true });
  await copyFile(`${here.table}.yesterday`, here.table);
}

t.test('yesterday, when carol was a delegate and dave was not', async (t) => {
  const here = await site(t);
  await revokeRow(here, 'alice', 'carol');
  await grantRow(here, 'alice', 'dave');
  await sync(here);
  await putBack(here);
  const rehearsed = await dryRun(here);
  t.notOk(
    rehearsed.steps.some((step) => step.login === at('carol')),
    'a dry run gives them nothing',
  );

  const sidecar = await runInside(here);
  t.teardown(() => sidecar.stop());
  await here.settled();
  await sidecar.idle();
  t.match(
    sidecar.log().filter(({ level }) => level === 50),
    [{ msg: /older.*restore accept/ }],
    'it is said',
  );
  t.same(await seen(here, 'alice', 'dave'), {}, 'what it takes away goes');
  t.same(await entriesOf(here, 'alice', 'dave'), {});
  t.same(await seen(here, 'alice', 'carol'), {}, 'what it would give is not given');
  t.strictSame(await seen(here, 'alice', 'bob'), granted(), 'and what it leaves stays');
  t.match(await here.mandat('status'), { stdout: /restore accept/ });
  await here.mandat('sync');
  t.same(await seen(here, 'alice', 'carol'), {}, 'a sweep gives nothing either');

  await here.sql(`DELETE FROM delegation WHERE delegate = '${at('bob')}'`);
  await here.settled();
  t.same(await entriesOf(here, 'alice', 'bob'), {}, 'a revoke works as ever');
  t.match((await here.mandat('restore', 'accept')).status, 2, 'nobody is asked, so nothing is accepted');
  t.match((await here.mandat('restore', 'accept', '--yes')).status, 0);
  await here.settled();
  t.strictSame(await seen(here, 'alice', 'carol'), granted(), 'until it is accepted');
  await grantRow(here, 'alice', 'bob');
  await here.settled();
  t.strictSame(await seen(here, 'alice', 'bob'), granted(), 'from then on it is obeyed in full');
});

t.test('yesterday, when the revoke in hand was not asked for yet', async (t) => {
  const here = await site(t);
  const close: (() => Promise<void>)[] = [];
  t.teardown(() => Promise.all(close.map((one) => one())));
  // Before the first thing is done on the server, after it, and in the midst of the tree.
  for (const stop of [
    { change: 1, done: false },
    { change: 1, done: true },
    { change: 3, done: true },
  ]) {
    await revokeRow(here, 'alice', 'carol');
    await passUntil(here, stop, (one) => close.push(one));
    for (const one of close.splice(0)) await one();
    await putBack(here);
    t.match(await sync(here), { failures: [] });
    t.same(await entriesOf(here, 'alice', 'carol'), {}, 'it goes on to its end');
    t.same(await seen(here, 'alice', 'carol'), {});
    t.strictSame(await seen(here, 'alice', 'bob'), granted());
    t.match((await here.mandat('restore', 'accept', '--yes')).status, 0);
    await sync(here);
    t.strictSame(await seen(here, 'alice', 'carol'), granted());
  }
});

t.test('another table in its place', async (t) => {
  const here = await site(t);
  const other = await startSite({ users: ['alice', 'dave'], postfix: false });
  t.teardown(() => other.stop());
  await other.register('alice', 'dave');
  await grantRow(other, 'alice', 'dave');
  await rm(`${here.table}.yesterday`);
  await other.sql(`VACUUM INTO '${here.table}.yesterday'`);
  await putBack(here);
  t.match(await sync(here), { failures: [] });
  t.same(await seen(here, 'alice', 'dave'), {}, 'gives nothing');
  t.same(await seen(here, 'alice', 'bob'), {}, 'and has no delegate of ours, who loses what they had');
});
