/** A grant and a revoke, each interrupted at each of its changes, and taken up again: they end as if nothing had been. */
import type { Test } from 'tap';
import { passUntil } from './crash.ts';
import { sync, verify } from './inside.ts';
import { grantRow, revokeRow, type Variant } from './rows.ts';
import { at, type Site, startSite } from './site.ts';
import { does, entries, granted, SPECIALS, seen, sharedName, subscribed } from './wire.ts';

const bob = at('bob');
const MOST = 40;

/** `done`: whether the server still does the change at which all stops. */
export async function interruptions(t: Test, variant: Variant, done: boolean): Promise<void> {
  const site = await startSite({ ...variant, users: ['alice', 'bob', 'carol'], postfix: false });
  t.teardown(async () => {
    await Promise.all(open.splice(0).map((close) => close()));
    await site.stop();
  });
  await does(
    site,
    'alice',
    'CREATE Projets',
    'CREATE Affaires',
    ...SPECIALS.map((name) => `STATUS ${name} (MESSAGES)`),
  );
  await does(site, 'alice', `SETACL Affaires ${bob} lrs`, `SETACL Projets ${at('carol')} lr`);
  await does(site, 'bob', `SUBSCRIBE "${sharedName('alice', 'Affaires')}"`);
  await site.register('alice', 'bob');
  const before = await look(site);
  let went = true;
  for (let change = 1; went; change++) {
    if (change > MOST) throw new Error('a grant and a revoke never come to an end');
    went = await once(t, site, { change, done }, before);
  }
}

/** What the passes that were stopped still hold: closed at the end, so that none of them goes on. */
const open: (() => Promise<void>)[] = [];

async function look(site: Site) {
  return { entries: await entries(site, 'alice'), subscribed: subscribed(site, 'alice', 'bob') };
}

/** False when neither the grant nor the revoke has so many changes. */
async function once(
  t: Test,
  site: Site,
  stop: { readonly change: number; readonly done: boolean },
  before: Awaited<ReturnType<typeof look>>,
): Promise<boolean> {
  const keep = (close: () => Promise<void>) => open.push(close);
  const how = stop.done ? 'after' : 'before';
  await grantRow(site, 'alice', 'bob');
  const grant = await passUntil(site, stop, keep);
  const where = grant === undefined ? 'a grant that nothing stopped' : `a grant killed ${how} ${grant.trim()}`;
  await does(site, 'alice', 'CREATE Neuf', 'CREATE Affaires/Dessous');
  t.same((await sync(site)).failures, [], where);
  const folders = ['Projets', 'Affaires', 'Neuf', 'Affaires/Dessous'];
  t.strictSame(await seen(site, 'alice', 'bob'), granted(...folders), 'they have all of it');
  t.same(subscribed(site, 'alice', 'bob'), Object.keys(granted(...folders)).sort(), 'and is subscribed to it');

  await revokeRow(site, 'alice', 'bob');
  const revoke = await passUntil(site, stop, keep);
  t.same((await sync(site)).failures, [], revoke === undefined ? 'a whole revoke' : `a revoke killed ${how} ${revoke}`);
  t.same((await entries(site, 'alice')).Neuf, {}, 'what was born meanwhile carries nothing');
  await does(site, 'alice', 'DELETE Neuf', 'DELETE Affaires/Dessous');
  t.strictSame(await look(site), before, 'everything is as it was before the grant');
  t.equal(await site.sql('SELECT count(*) FROM pending'), '0\n');
  t.same(await verify(site), []);
  return grant !== undefined || revoke !== undefined;
}
