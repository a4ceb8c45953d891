/**
 * Colleagues who delegate to each other: whoever's sessions are cut is also the owner of a mailbox that is worked on, and a
 * delegate of others. Our own cuts must not keep us from our work.
 */
import t, { type Test } from 'tap';
import { runInside, sync, verify } from './inside.ts';
import { named, VARIANTS } from './rows.ts';
import { at, type Site, startSite } from './site.ts';
import { entries, granted, seen, subscribed } from './wire.ts';

const PRACTICE = ['alice', 'bob', 'carol'];
const EACH_TO_EACH =
  'INSERT INTO delegation (mailbox, delegate) SELECT m.address, d.id FROM mailbox m, delegate d WHERE m.address <> d.id';

for (const variant of VARIANTS) {
  t.test(named(variant), async (t) => {
    const site = await startSite({ ...variant, users: PRACTICE, postfix: false });
    t.teardown(() => site.stop());
    const people = PRACTICE.map((name) => `('${at(name)}')`).join(', ');
    await site.sql(`INSERT INTO mailbox (address) VALUES ${people}; INSERT INTO delegate (id) VALUES ${people}`);

    await t.test('by a running sidecar', async (t) => {
      const sidecar = await runInside(site);
      t.teardown(() => sidecar.stop());
      await sidecar.idle();
      for (const [change, check] of CHANGES) {
        await site.sql(change);
        await site.settled();
        await check(t, site);
      }
      t.same(
        sidecar.log().filter(({ level }) => Number(level) >= 50),
        [],
        'at the first attempt',
      );
    });
    await t.test('by one sync', async (t) => {
      for (const [change, check] of CHANGES.slice(0, 2)) {
        await site.sql(change);
        t.same((await sync(site)).failures, []);
        await check(t, site);
      }
      t.same((await sync(site)).steps, []);
    });
  });
}

const CHANGES: readonly (readonly [string, (t: Test, site: Site) => Promise<void>])[] = [
  [EACH_TO_EACH, all],
  ['DELETE FROM delegation', none],
  [EACH_TO_EACH, all],
  [`UPDATE delegate SET state = 'suspended'`, none],
  [`UPDATE delegate SET state = 'active'; DELETE FROM delegation`, none],
];

async function all(t: Test, site: Site): Promise<void> {
  for (const owner of PRACTICE) {
    for (const delegate of PRACTICE.filter((name) => name !== owner)) {
      t.strictSame(await seen(site, owner, delegate), granted(), `${delegate} has all of ${owner}'s`);
      t.same(subscribed(site, owner, delegate), Object.keys(granted()).sort());
    }
  }
  t.same(await verify(site), []);
}

async function none(t: Test, site: Site): Promise<void> {
  for (const owner of PRACTICE) {
    t.same(
      new Set(Object.values(await entries(site, owner)).flatMap(Object.keys)),
      new Set(),
      `nothing stays at ${owner}'s`,
    );
    for (const delegate of PRACTICE.filter((name) => name !== owner)) t.same(subscribed(site, owner, delegate), []);
  }
}
