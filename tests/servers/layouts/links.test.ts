/**
 * Links in a Maildir: one folder by several names, with one id and one ACL. Rights are the folder's, the stricter ones where one of the names is a
 * special folder's. Links come and go after the grant too; a Maildir that was copied with its id is two folders all the same.
 */
import { execFile } from 'node:child_process';
import { rm, symlink } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import t, { type Test } from 'tap';
import { quoted } from '../../../config/lab/raw-imap.ts';
import { dryRun, sync, verify } from '../inside.ts';
import { grantRow, revokeRow } from '../rows.ts';
import { at, type Site, startSite } from '../site.ts';
import { does, entriesOf, FULL, granted, SPECIAL, SPECIALS, seen, sharedName, subscribed, withLogin } from '../wire.ts';

const maildir = (site: Site, folder = '') =>
  path.join(site.lab.directory, 'mail', at('alice'), 'Maildir', folder === '' ? '' : `.${folder}`);

/** `name` leads to `to`, both as people write them; the INBOX is the Maildir itself. */
const link = (site: Site, name: string, to: string) => symlink(to === 'INBOX' ? '.' : `.${to}`, maildir(site, name));

/** What differs by no folder between names, and ordinary folders. */
const LINKED = { 'Sent Items': SPECIAL, Envoyes: SPECIAL, Werk: FULL, Posteingang: FULL };
const RIGHT = { ...granted('Work', 'Plain'), ...LINKED };

async function settled(t: Test, site: Site, right: Record<string, string>, why: string): Promise<void> {
  // Whether INBOX's entry is inherited is known once somebody has been granted something.
  const rehearsed = await dryRun(site);
  const { failures, notices, steps } = await sync(site);
  t.same([failures, notices], [[], []], why);
  t.same(steps, rehearsed.steps, `${why}: as rehearsed`);
  t.same(await verify(site), [], `${why}: verified`);
  t.strictSame(await seen(site, 'alice', 'bob'), right, `${why}: rights`);
  t.same(subscribed(site, 'alice', 'bob'), Object.keys(right).sort(), `${why}: subscribed`);
  const again = await sync(site);
  t.same([again.failures, again.steps], [[], []], `${why}: and nothing to be done again`);
}

async function ownerSubscriptions(site: Site): Promise<readonly string[]> {
  const { lines } = await withLogin(site, 'alice', (alice) => alice.command('LSUB "" "*"'));
  return [...lines].sort();
}

for (const inherit of [true, false]) {
  t.test(`${inherit ? 'with' : 'without'} inheritance`, async (t) => {
    const site = await startSite({ inherit, postfix: false, users: ['alice', 'bob', 'carol', 'dan'] });
    t.teardown(() => site.stop());
    await does(site, 'alice', 'CREATE Work', 'CREATE Plain', ...SPECIALS.map((name) => `SELECT ${name}`));
    await does(site, 'alice', 'SUBSCRIBE Work', `SETACL Work ${at('carol')} lr`);
    await link(site, 'Sent Items', 'Sent');
    await link(site, 'Envoyes', 'Sent');
    await link(site, 'Werk', 'Work');
    await link(site, 'Posteingang', 'INBOX');
    const own = await ownerSubscriptions(site);
    await site.register('alice', 'bob');
    await site.register('dan', 'carol');
    await grantRow(site, 'dan', 'carol');
    await sync(site);
    await grantRow(site, 'alice', 'bob');
    await settled(t, site, RIGHT, 'three names, two names, INBOX by another');
    await withLogin(site, 'bob', async (bob) => {
      for (const name of ['Sent', 'Sent Items', 'Envoyes'])
        t.equal((await bob.command(`DELETE ${quoted(sharedName('alice', name))}`)).status, 'NO', `${name} stays`);
    });
    const told = JSON.parse((await site.mandat('--json', 'verify')).stdout);
    t.match(told.others, [{ identifier: at('carol'), folders: 1 }], 'one folder counts once');
    const folders = JSON.parse((await site.mandat('--json', 'explain', at('alice'))).stdout)[0].folders;
    t.same(
      folders.filter((one: { sees: string; should: string }) => one.sees !== one.should),
      [],
    );

    await link(site, 'Corbeille', 'Trash');
    await link(site, 'Projets', 'Plain');
    const more = { ...RIGHT, Corbeille: SPECIAL, Projets: FULL };
    await settled(t, site, more, 'links made after the grant');
    t.same(await ownerSubscriptions(site), own, 'what the owner is subscribed to is as it was');
    await does(site, 'bob', `CREATE ${sharedName('alice', 'Work/New')}`);
    await sync(site);
    t.equal((await ownerSubscriptions(site)).length, own.length + 1, 'but for a folder that is new');
    await does(site, 'alice', 'UNSUBSCRIBE Work/New', 'DELETE Work/New');

    for (const name of ['Envoyes', 'Werk', 'Projets']) await rm(maildir(site, name));
    const { Envoyes: _, Werk: __, Projets: ___, ...less } = more;
    await settled(t, site, less, 'links taken away');
    await settled(t, site, less, 'and again');

    await revokeRow(site, 'alice', 'bob');
    const rehearsed = await dryRun(site);
    const revoked = await sync(site);
    t.same([revoked.failures, revoked.notices], [[], []]);
    t.same(revoked.steps, rehearsed.steps);
    t.same([await seen(site, 'alice', 'bob'), await entriesOf(site, 'alice', 'bob')], [{}, {}]);
    t.same(subscribed(site, 'alice', 'bob'), []);
    t.same(await verify(site), []);
  });

  t.test(`what stood before comes back, ${inherit ? 'with' : 'without'} inheritance`, async (t) => {
    const site = await startSite({ inherit, postfix: false, users: ['alice', 'bob'] });
    t.teardown(() => site.stop());
    const bob = at('bob');
    await does(site, 'alice', 'CREATE Work', 'SELECT Sent', 'CREATE Plain');
    await does(
      site,
      'alice',
      `SETACL INBOX ${bob} l`,
      `SETACL Sent ${bob} lr`,
      `SETACL Work ${bob} lrs`,
      `SETACL Plain ${bob} lri`,
    );
    await link(site, 'Posteingang', 'INBOX');
    await link(site, 'Sent Items', 'Sent');
    await promisify(execFile)('cp', ['-a', maildir(site, 'Plain'), maildir(site, 'Copie')]); // its id is copied as well
    await does(site, 'alice', `SETACL Copie ${bob} lrw`);
    const before = await entriesOf(site, 'alice', 'bob');
    t.match(before, { Posteingang: 'l', 'Sent Items': 'lr', Plain: 'ilr', Copie: 'lrw' });
    await site.register('alice', 'bob');
    await grantRow(site, 'alice', 'bob');
    t.same((await sync(site)).failures, []);
    t.same(await verify(site), []);
    await link(site, 'Werk', 'Work');
    t.same((await sync(site)).failures, []);
    t.same(await verify(site), []);
    await revokeRow(site, 'alice', 'bob');
    t.same((await sync(site)).failures, []);
    const { Drafts, Junk, Trash, ...after } = await entriesOf(site, 'alice', 'bob');
    t.same(after, { ...before, Werk: 'lrs' });
    t.notMatch([Drafts, Junk, Trash], /w/, 'special folders that were not there yet');
  });
}

t.test('a link that leads nowhere keeps nothing from being verified', async (t) => {
  for (const inherit of [true, false]) {
    const site = await startSite({ inherit, postfix: false, users: ['alice', 'bob'] });
    t.teardown(() => site.stop());
    await does(site, 'alice', 'CREATE Work');
    await link(site, 'Dangling', 'Nowhere');
    await site.register('alice', 'bob');
    await grantRow(site, 'alice', 'bob');
    t.same((await sync(site)).failures, []);
    t.same(await verify(site), []);
    t.match(await seen(site, 'alice', 'bob'), granted('Work'));
    await revokeRow(site, 'alice', 'bob');
    t.same((await sync(site)).failures, []);
    t.same(await seen(site, 'alice', 'bob'), {});
  }
});
