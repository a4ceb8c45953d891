/** Delegated mailboxes below a name in the users' own language, with a space and accents: the whole story, on the wire in modified UTF-7. */
import t, { type Test } from 'tap';
import { quoted } from '../../config/lab/raw-imap.ts';
import { examined } from '../doctor/breakage.ts';
import { sync, verify } from './inside.ts';
import { grantRow, revokeRow, VARIANTS } from './rows.ts';
import { at, type Site, startSite } from './site.ts';
import { does, entriesOf, granted, list, seen, sharedName, subscribed, withLogin } from './wire.ts';

const PREFIX = 'Boîtes déléguées/';
const ON_THE_WIRE = 'Bo&AO4-tes d&AOk-l&AOk-gu&AOk-es/';
const FOLDERS = ['Projets', 'R&AOk-sultats', 'R&AOk-sultats/&AOk-t&AOk- 2024'];

for (const { inherit, impersonate } of VARIANTS) {
  t.test(`${inherit ? 'with' : 'without'} inheritance`, async (t) => {
    const users = ['alice', 'bob', 'carol'];
    const options = {
      inherit,
      impersonate,
      postfix: false,
      keepDeleted: true,
      storage: inherit ? 'maildir' : 'sdbox',
    } as const;
    const site = await startSite({ ...options, users, sharedPrefix: PREFIX });
    t.teardown(() => site.stop());
    await does(site, 'alice', ...FOLDERS.map((folder) => `CREATE ${quoted(folder)}`));
    await site.register('alice', 'bob', 'carol');
    await grantRow(site, 'alice', 'bob', 'carol');
    t.same((await sync(site)).failures, []);
    t.same(await verify(site), []);
    t.strictSame(await seen(site, 'alice', 'bob'), granted(...FOLDERS), 'listed, with all rights');
    t.same(subscribed(site, 'alice', 'bob'), Object.keys(granted(...FOLDERS)).sort());
    await wire(t, site);
    await deleted(t, site);
    const found = await examined(site);
    t.match(found.get('shared namespace'), { status: 'ok', seen: /Bo.*tes d.*gu.*es/ });
    t.match(found.get('deleted mail'), { status: 'ok' });

    await does(site, 'bob', `CREATE ${quoted(sharedName('alice', 'Projets/D&AOk-j&AOA-', ON_THE_WIRE))}`);
    t.same((await sync(site)).failures, []);
    t.same(await verify(site), []);
    t.ok(subscribed(site, 'alice', 'carol').includes('Projets/D&AOk-j&AOA-'));

    await revokeRow(site, 'alice', 'bob');
    t.same((await sync(site)).failures, []);
    t.same(await verify(site), []);
    t.same(await seen(site, 'alice', 'bob'), {});
    t.same(await entriesOf(site, 'alice', 'bob'), {});
    t.same(subscribed(site, 'alice', 'bob'), []);
    t.strictSame(await seen(site, 'alice', 'carol'), granted(...FOLDERS, 'Projets/D&AOk-j&AOA-'), 'carol keeps hers');
    const { status, stdout } = await site.mandat('verify');
    t.equal(status, 0, stdout);
  });
}

async function wire(t: Test, site: Site): Promise<void> {
  await withLogin(site, 'bob', async (bob) => {
    const { lines } = await bob.command('NAMESPACE');
    t.match(lines.join(), `(("${ON_THE_WIRE}" "/"))`);
    const root = sharedName('alice', 'INBOX', ON_THE_WIRE);
    t.match(await list(bob, `${ON_THE_WIRE}*`), [root], "an owner's name alone is the INBOX");
    for (const folder of ['INBOX', ...FOLDERS]) {
      const name = sharedName('alice', folder, ON_THE_WIRE);
      t.equal((await bob.command(`SELECT ${quoted(name)}`)).status, 'OK', name);
    }
    const { lines: subscriptions } = await bob.command(`LSUB "" ${quoted(`${ON_THE_WIRE}*`)}`);
    t.equal(subscriptions.length, Object.keys(granted(...FOLDERS)).length);
  });
}

async function deleted(t: Test, site: Site): Promise<void> {
  const messages = async (name: string, folder: string) =>
    withLogin(site, name, async (imap) => {
      const { lines } = await imap.command(`STATUS ${quoted(folder)} (MESSAGES)`);
      return Number(/MESSAGES (\d+)/.exec(lines.join())?.[1]);
    });
  const folder = FOLDERS.at(-1) ?? '';
  await withLogin(site, 'alice', (alice) => alice.append(folder, 'Subject: x\r\n\r\nx\r\n'));
  await withLogin(site, 'bob', async (bob) => {
    await bob.command(`SELECT ${quoted(sharedName('alice', folder, ON_THE_WIRE))}`);
    t.equal((await bob.command('MOVE 1 Trash')).status, 'OK');
  });
  t.same([await messages('alice', 'Trash'), await messages('bob', 'Trash')], [1, 0], `for ${at('alice')}`);
}
