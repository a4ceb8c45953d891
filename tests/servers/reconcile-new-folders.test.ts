/** Folders that come, go and move after the grant, by anybody's hand: the delegates have them, and nobody keeps too much. R11, R32. */
import t, { type Test } from 'tap';
import { sync, verify } from './inside.ts';
import { grantRow, named, revokeRow, VARIANTS } from './rows.ts';
import { at, type Site, startSite } from './site.ts';
import { does, entries, entriesOf, granted, seen, sharedName, subscribed, withLogin } from './wire.ts';

const shared = (folder: string) => `"${sharedName('alice', folder)}"`;
const FIRST = ['Projets', 'Projets/2024'];

for (const variant of VARIANTS) {
  t.test(named(variant), async (t) => {
    const site = await startSite({ ...variant, users: ['alice', 'bob', 'carol'], postfix: false });
    t.teardown(() => site.stop());
    await does(site, 'alice', ...FIRST.map((folder) => `CREATE "${folder}"`));
    await site.register('alice', 'bob', 'carol');
    await grantRow(site, 'alice', 'bob', 'carol');
    await sync(site);

    await t.test('made by the owner', (t) => byTheOwner(t, site, variant.inherit));
    await t.test('made by a delegate', (t) => byADelegate(t, site, variant.inherit));
    await t.test('renamed and deleted', (t) => renamedAndDeleted(t, site));
    await t.test('a delegate who comes later gets them too, and takes nobody with them', (t) => later(t, site));
  });
}

async function sweep(t: Test, site: Site): Promise<void> {
  t.same((await sync(site)).failures, []);
  t.same(await verify(site), []);
}

async function byTheOwner(t: Test, site: Site, inherit: boolean): Promise<void> {
  const born = ['Neuf', 'Neuf/Dessous', 'Projets/2025', 'Sent/2023'];
  await does(site, 'alice', ...born.map((folder) => `CREATE "${folder}"`));
  if (inherit) {
    const there = await seen(site, 'alice', 'bob');
    t.same(
      born.filter((folder) => !there[folder]?.includes('r')),
      [],
      'there at once',
    );
  }
  await sweep(t, site);
  for (const delegate of ['bob', 'carol']) {
    t.strictSame(await seen(site, 'alice', delegate), granted(...FIRST, ...born));
    t.same(subscribed(site, 'alice', delegate), Object.keys(granted(...FIRST, ...born)).sort());
  }
}

async function byADelegate(t: Test, site: Site, inherit: boolean): Promise<void> {
  await does(site, 'bob', `CREATE ${shared('Projets/De Bob')}`, `CREATE ${shared('Projets/De Bob/Plus bas')}`);
  const born = ['Projets/De Bob', 'Projets/De Bob/Plus bas'];
  await withLogin(site, 'bob', async (bob) => {
    const { status } = await bob.command(`CREATE ${shared('En haut')}`);
    t.equal(status, inherit ? 'OK' : 'NO', 'at top level only where INBOX is inherited');
    if (status === 'OK') born.push('En haut');
  });
  for (const folder of born) {
    t.ok((await seen(site, 'alice', 'bob'))[folder]?.includes('r'), `${folder}: there at once for themselves`);
    t.ok((await seen(site, 'alice', 'carol'))[folder]?.includes('r'), `${folder}: there at once for a co-delegate`);
    await does(site, 'alice', `SELECT "${folder}"`);
  }
  await sweep(t, site);
  for (const delegate of ['bob', 'carol']) t.match(await seen(site, 'alice', delegate), granted(...FIRST, ...born));
}

async function renamedAndDeleted(t: Test, site: Site): Promise<void> {
  await does(site, 'alice', 'RENAME Projets Affaires', 'DELETE Neuf/Dessous', 'DELETE Neuf');
  await sweep(t, site);
  const there = await seen(site, 'alice', 'bob');
  t.match(there, granted('Affaires', 'Affaires/2024', 'Affaires/De Bob'));
  t.same(
    Object.keys(there).filter((folder) => /^(Projets|Neuf)/.test(folder)),
    [],
  );
  t.same(subscribed(site, 'alice', 'bob'), Object.keys(there).sort(), 'subscriptions follow');
}

async function later(t: Test, site: Site): Promise<void> {
  await revokeRow(site, 'alice', 'bob');
  await sweep(t, site);
  t.same(await entriesOf(site, 'alice', 'bob'), {}, 'no copy of their entry stays in any folder');
  const before = await entries(site, 'alice');
  await grantRow(site, 'alice', 'bob');
  await sweep(t, site);
  t.strictSame(await seen(site, 'alice', 'bob'), await seen(site, 'alice', 'carol'));
  await revokeRow(site, 'alice', 'bob');
  await sweep(t, site);
  t.same(await entries(site, 'alice'), before, "carol's entries are as they were");
  t.same(await seen(site, 'alice', 'bob'), {});
  t.same(subscribed(site, 'alice', 'bob'), []);
  t.equal(new Set(Object.values(await entries(site, 'alice')).flatMap(Object.keys)).has(at('bob')), false);
}
