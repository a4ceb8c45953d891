/** Subscriptions: made once per folder, the delegate's own from then on, taken back at the end. R46. */
import t, { type Test } from 'tap';
import { sync } from './inside.ts';
import { grantRow, named, revokeRow, VARIANTS } from './rows.ts';
import { at, type Site, startSite } from './site.ts';
import { does, sharedName, subscribed } from './wire.ts';

const shared = (folder: string) => `"${sharedName('alice', folder)}"`;
const ALL = ['Drafts', 'INBOX', 'Junk', 'Projets', 'Sent', 'Trash'];

for (const variant of VARIANTS) {
  t.test(named(variant), async (t) => {
    const site = await startSite({ ...variant, users: ['alice', 'bob', 'carol'], postfix: false });
    t.teardown(() => site.stop());
    await does(site, 'alice', 'CREATE Projets', `SETACL INBOX ${at('bob')} lr`);
    await does(site, 'bob', `SUBSCRIBE ${shared('INBOX')}`);
    await site.register('alice', 'bob', 'carol');
    await grantRow(site, 'alice', 'bob', 'carol');
    await sync(site);
    await t.test('once per folder', (t) => once(t, site));
    await t.test('at the end', (t) => atTheEnd(t, site));
  });
}

t.test('switched off', async (t) => {
  const extraToml = '[subscriptions]\nauto_subscribe = false';
  const site = await startSite({ users: ['alice', 'bob'], postfix: false, extraToml });
  t.teardown(() => site.stop());
  await site.register('alice', 'bob');
  await grantRow(site, 'alice', 'bob');
  await sync(site);
  t.same(subscribed(site, 'alice', 'bob'), []);
  await does(site, 'bob', `SUBSCRIBE ${shared('INBOX')}`);
  await revokeRow(site, 'alice', 'bob');
  await sync(site);
  t.same(subscribed(site, 'alice', 'bob'), ['INBOX'], 'and what is their own stays');
});

async function once(t: Test, site: Site): Promise<void> {
  for (const delegate of ['bob', 'carol']) t.same(subscribed(site, 'alice', delegate), ALL);
  await does(site, 'bob', `UNSUBSCRIBE ${shared('Junk')}`, `UNSUBSCRIBE ${shared('INBOX')}`);
  await does(site, 'alice', 'CREATE Neuf', `SETACL Projets ${at('bob')} lr`);
  await sync(site);
  await sync(site);
  t.same(subscribed(site, 'alice', 'bob'), ['Drafts', 'Neuf', 'Projets', 'Sent', 'Trash'], 'they decide');
  t.same(subscribed(site, 'alice', 'carol'), [...ALL, 'Neuf'].sort(), 'each for themselves');
  await does(site, 'bob', `UNSUBSCRIBE ${shared('Neuf')}`, `SUBSCRIBE ${shared('INBOX')}`);
  await sync(site);
  t.same(subscribed(site, 'alice', 'bob'), ['Drafts', 'INBOX', 'Projets', 'Sent', 'Trash'], 'a new one, once');
}

async function atTheEnd(t: Test, site: Site): Promise<void> {
  await revokeRow(site, 'alice', 'bob', 'carol');
  t.same((await sync(site)).failures, []);
  t.same(subscribed(site, 'alice', 'bob'), ['INBOX'], 'what they had before stays');
  t.same(subscribed(site, 'alice', 'carol'), []);
}
