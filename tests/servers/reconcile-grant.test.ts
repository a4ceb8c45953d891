/** A grant: the whole tree, the exact rights, what they allow and what they don't. R10, R11, R29, R30, R32, R33. */
import t, { type Test } from 'tap';
import { deliver, rfc5322 } from '../../config/lab/deliver.ts';
import { sync, verify } from './inside.ts';
import { grantRow, named, type Variant } from './rows.ts';
import { at, type Site, startSite } from './site.ts';
import { does, entries, granted, seen, sharedName, subscribed, withLogin } from './wire.ts';

const letter = { from: 'patient@example.org', to: at('alice'), subject: 'Bilan', body: 'Bonjour' };
const FOLDERS = ['Projets', 'Projets/2024', 'Un dossier'];
const shared = (folder: string) => `"${sharedName('alice', folder)}"`;

const variants: readonly Variant[] = [
  { inherit: true, impersonate: 'authzid' },
  { inherit: true, impersonate: 'suffix' },
  { inherit: false, impersonate: 'authzid' },
  { inherit: false, impersonate: 'suffix' },
];

for (const variant of variants) {
  t.test(named(variant), async (t) => {
    const site = await startSite({ ...variant, users: ['alice', 'bob', 'carol', 'dave'], postfix: false });
    t.teardown(() => site.stop());
    await does(site, 'alice', ...FOLDERS.map((folder) => `CREATE "${folder}"`));
    for (const folder of ['INBOX', 'INBOX', 'INBOX', 'Projets']) await deliver(site.lab, at('alice'), folder, letter);
    await site.register('alice', 'bob', 'carol');
    await grantRow(site, 'alice', 'bob', 'carol');
    t.same((await sync(site)).failures, []);

    await t.test('the whole tree, special folders that nobody had opened included', async (t) => {
      for (const delegate of ['bob', 'carol']) {
        t.strictSame(await seen(site, 'alice', delegate), granted(...FOLDERS));
        t.same(subscribed(site, 'alice', delegate), Object.keys(granted(...FOLDERS)).sort());
      }
      t.same(await verify(site), []);
    });

    await t.test('nobody else sees anything', async (t) => {
      t.same(await seen(site, 'alice', 'dave'), {});
      t.same(await seen(site, 'bob', 'carol'), {}, 'and delegates nothing of each other');
      const others = Object.values(await entries(site, 'alice')).flatMap(Object.keys);
      t.same(new Set(others), new Set([at('bob'), at('carol')]), 'no other identifier has an entry');
    });

    await t.test('what a delegate may do', (t) => may(t, site));
    await t.test('what they may not', (t) => mayNot(t, site));
    await t.test('what they have read is read for the owner too', (t) => seenIsShared(t, site));
  });
}

async function may(t: Test, site: Site): Promise<void> {
  await withLogin(site, 'bob', async (bob) => {
    const ok = async (line: string) => {
      const { status, text, lines } = await bob.command(line);
      t.equal(status, 'OK', `${line} ${text}`);
      return lines;
    };
    await ok(`SELECT ${shared('INBOX')}`);
    t.match(await ok('FETCH 1 (BODY[TEXT])'), [/Bonjour/], 'they read');
    t.match(await ok('STORE 1 +FLAGS (\\Flagged $Urgent)'), [/\\Flagged/], 'they set flags and keywords');
    await ok(`COPY 1 ${shared('Projets')}`);
    await ok(`MOVE 1 ${shared('Un dossier')}`);
    await ok('COPY 1 INBOX');
    await ok('STORE 1 +FLAGS (\\Deleted)');
    t.match(await ok('EXPUNGE'), [/EXPUNGE/], 'they delete');
    for (const folder of ['INBOX', 'Sent', 'Drafts', 'Trash', 'Junk', 'Projets/2024'])
      t.equal((await bob.append(sharedName('alice', folder), rfc5322(letter))).status, 'OK', `APPEND ${folder}`);
    for (const line of [
      `CREATE ${shared('Projets/De Bob')}`,
      `RENAME ${shared('Projets/De Bob')} ${shared('Projets/Rangé')}`.replace('é', '&AOk-'),
      `DELETE ${shared('Projets/Rang&AOk-')}`,
      `SELECT ${shared('Sent')}`,
      'STORE 1:* +FLAGS (\\Deleted)',
      'EXPUNGE',
    ])
      await ok(line);
  });
}

async function mayNot(t: Test, site: Site): Promise<void> {
  const before = await entries(site, 'alice');
  const refused: readonly (readonly [string, string])[] = [
    [`DELETE ${shared('Sent')}`, 'no x on special folders'],
    [`RENAME ${shared('Sent')} ${shared('Envoyes')}`, 'no x on special folders'],
    [`RENAME ${shared('Trash')} Corbeille`, 'nor out of the tree'],
    [`DELETE ${shared('INBOX')}`, 'the mailbox itself'],
    [`SETACL ${shared('INBOX')} ${at('dave')} lr`, 'no a: they can not share on'],
    [`SETACL ${shared('Projets')} ${at('bob')} lrswipkxtea`, 'nor give themselves more'],
    [`DELETEACL ${shared('INBOX')} ${at('carol')}`, 'nor shut a co-delegate out'],
    [`GETACL ${shared('INBOX')}`, 'nor look who else is in'],
    [`GETACL ${shared('Projets/2024')}`, 'in no folder'],
  ];
  await withLogin(site, 'bob', async (bob) => {
    for (const [line, why] of refused) t.equal((await bob.command(line)).status, 'NO', `${line}: ${why}`);
  });
  t.same(await entries(site, 'alice'), before, 'and nothing has changed');
}

async function seenIsShared(t: Test, site: Site): Promise<void> {
  const flags = (name: string, folder: string) =>
    withLogin(site, name, async (imap) => {
      await imap.command(`SELECT "${folder}"`);
      return (await imap.command('FETCH 1 (FLAGS)')).lines.join('\n');
    });
  await does(site, 'alice', 'SELECT Projets', 'STORE 1 -FLAGS (\\Seen)');
  await does(site, 'bob', `SELECT ${shared('Projets')}`, 'FETCH 1 (BODY[])');
  t.match(await flags('alice', 'Projets'), /\\Seen/, 'for the owner');
  t.match(await flags('carol', sharedName('alice', 'Projets')), /\\Seen/, 'for a co-delegate');
}
