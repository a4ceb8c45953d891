/**
 * Special folders on sites where nothing says what a folder is for, or something deep in the tree does: a delegate neither deletes nor
 * renames them, tried in sessions of theirs. R32.
 */
import t, { type Test } from 'tap';
import { folderName } from '../../bridge/imap/folder-name.ts';
import { quoted } from '../../config/lab/raw-imap.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { runInside, sync, verify } from './inside.ts';
import { grantRow } from './rows.ts';
import { type Site, startSite } from './site.ts';
import { does, FULL, SPECIAL, seen, sharedName, withLogin } from './wire.ts';

const mailboxes = (lines: readonly string[]) => `namespace inbox {\n${lines.join('\n')}\n}\n`;
/** The lab's folders of use, as on a site that says nothing of any. */
const NO_SPECIAL_USE = mailboxes(
  ['Sent', 'Drafts', 'Junk', 'Trash'].map((name) => `  mailbox ${name} {\n    auto = no\n    special_use =\n  }`),
);
const LOOKS = '[schedule]\nfolder_look_seconds = 1\nfolder_looks_per_second = 100\n';
const LIMIT_MS = 60_000;

const ACCENT = '\u0301'; // as macOS writes it: a letter, and the accent behind it
const PROTECTED = [
  `Envoye${ACCENT}s`,
  'Brouillons',
  'corbeille',
  'INBOX/Sent',
  'INBOX/Courrier indésirable',
  'Archives',
].map(folderName);
const ORDINARY = ['Projets', 'Projets/Sent', 'Sentiments', 'INBOX/Envoyés par moi'].map(folderName);
const shared = (folder: string) => quoted(sharedName('alice', folder));

for (const inherit of [true, false]) {
  t.test(`no SPECIAL-USE, ${inherit ? 'with' : 'without'} inheritance`, async (t) => {
    const site = await startSite({
      users: ['alice', 'bob'],
      inherit,
      postfix: false,
      extraDovecot: NO_SPECIAL_USE,
      extraToml: LOOKS,
    });
    t.teardown(() => site.stop());
    await does(site, 'alice', ...[...PROTECTED, ...ORDINARY].map((folder) => `CREATE ${quoted(folder)}`));
    await granted(t, site);
    const there = await seen(site, 'alice', 'bob');
    for (const folder of PROTECTED) t.equal(there[folder], SPECIAL, folder);
    for (const folder of ORDINARY) t.equal(there[folder], FULL, folder);
    await guarded(t, site, PROTECTED);

    await t.test('a Sent made after the grant', async (t) => {
      const sidecar = await runInside(site);
      t.teardown(() => sidecar.stop());
      await sidecar.idle();
      await does(site, 'alice', 'CREATE Sent', 'CREATE "Deleted Items"', 'CREATE Trash');
      await guardedSoon(site, 'Sent', 'Deleted Items', 'Trash');
      await guarded(t, site, ['Sent', 'Deleted Items', 'Trash']);
      await does(site, 'alice', 'DELETE Sent', 'CREATE Sent', 'RENAME Projets Papierkorb');
      await guardedSoon(site, 'Sent', 'Papierkorb');
      await guarded(t, site, ['Sent', 'Papierkorb']);
    });
    t.same(await verify(site), []);
  });
}

t.test('a special use deep in the tree: nor the folders that it lies in', async (t) => {
  const deep = ['  mailbox Courrier/Bon/Parti {\n    auto = subscribe\n    special_use = \\Sent\n  }'];
  const site = await startSite({
    users: ['alice', 'bob'],
    postfix: false,
    extraDovecot: `${NO_SPECIAL_USE}${mailboxes(deep)}`,
  });
  t.teardown(() => site.stop());
  await does(site, 'alice', 'CREATE Courrier', 'CREATE Courrier/Bon', 'CREATE Courrier/Autre', 'CREATE Sent');
  await granted(t, site);
  const there = await seen(site, 'alice', 'bob');
  const parts = ['Courrier', 'Courrier/Bon', 'Courrier/Bon/Parti'];
  for (const folder of parts) t.equal(there[folder], SPECIAL, folder);
  t.equal(there['Courrier/Autre'], FULL);
  t.equal(there.Sent, FULL, 'where the server says which it is, a name says nothing');
  await guarded(t, site, parts);
});

async function granted(t: Test, site: Site): Promise<void> {
  await site.register('alice', 'bob');
  await grantRow(site, 'alice', 'bob');
  t.same((await sync(site)).failures, []);
  t.same(await verify(site), []);
}

async function guardedSoon(site: Site, ...folders: readonly string[]): Promise<void> {
  await waitFor('they are guarded', LIMIT_MS, async () => {
    const there = await seen(site, 'alice', 'bob');
    return folders.every((folder) => there[folder] === SPECIAL);
  });
}

async function guarded(t: Test, site: Site, folders: readonly string[]): Promise<void> {
  await withLogin(site, 'bob', async (bob) => {
    for (const folder of folders) {
      t.equal((await bob.command(`DELETE ${shared(folder)}`)).status, 'NO', `${folder} can't be deleted`);
      for (const to of [shared('Projets/Ailleurs'), shared(`${folder}2`), 'Ailleurs'])
        t.equal((await bob.command(`RENAME ${shared(folder)} ${to}`)).status, 'NO', `nor renamed to ${to}`);
    }
  });
}
