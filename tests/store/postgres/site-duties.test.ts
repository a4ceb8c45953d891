/** What is the site's: done by one at a time, and by another when the one that had it hangs. */
import t from 'tap';
import { siteDuties } from '../../../bridge/store/postgres/site-duties.ts';
import { migrateState } from '../../../bridge/store/postgres/state-db.ts';
import { takeWork } from '../../../bridge/store/postgres/take-work.ts';
import { waitFor } from '../../../config/lab/wait.ts';
import { freshDatabase, psql } from '../on-postgresql.ts';

const WANTED = { as: 'sidecar', leaseMs: 60_000, again: async () => {} } as const;

t.test('whoever hangs has them no longer when their lease is over, and knows it when they wake', async (t) => {
  const settings = await freshDatabase();
  await migrateState(settings);
  const [mx1, mx2] = await Promise.all(['mx1', 'mx2'].map((server) => takeWork(settings, { ...WANTED, server })));
  let now = 0;
  const one = siteDuties(settings, mx1?.token, () => now);
  let its = 0;
  const two = siteDuties(settings, mx2?.token, () => its);
  t.teardown(async () => {
    for (const each of [one, two, mx1, mx2]) await each?.release();
  });
  t.ok(await one.ours());
  t.notOk(await two.ours());
  now += 60_000;
  t.ok(await one.ours(), 'it asks, and has them still');
  its += 60_000;
  t.notOk(await two.ours(), 'nobody takes them from who works');
  await psql(settings, "UPDATE mandat_private.workers SET until = now() WHERE server = 'mx1'");
  await waitFor('the other one has them', 10_000, () => {
    its += 60_000;
    return two.ours();
  });
  now += 60_000;
  t.notOk(await one.ours(), 'who slept asks before it does anything');
  its += 60_000;
  t.ok(await two.ours());
  await two.release();
  await waitFor('and has them again when they are free', 10_000, async () => {
    now += 60_000;
    return one.ours();
  });
});
