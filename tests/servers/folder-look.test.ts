/** Folders that come, go or are made anew while a sidecar runs: found by its looks, long before the next sweep. R11, R46. */
import t, { type Test } from 'tap';
import { quoted } from '../../config/lab/raw-imap.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { type Inside, runInside, verify } from './inside.ts';
import { grantRow, named, revokeRow, VARIANTS } from './rows.ts';
import { type Site, startSite } from './site.ts';
import { does, FULL, SPECIAL, seen, sharedName, subscribed, withLogin, words } from './wire.ts';

const LOOKS = '[schedule]\nfolder_look_seconds = 1\nfolder_looks_per_second = 100\n';
const LIMIT_MS = 60_000;
const shared = (folder: string) => quoted(sharedName('alice', folder));

for (const variant of VARIANTS) {
  t.test(named(variant), async (t) => {
    const site = await startSite({ ...variant, users: ['alice', 'bob', 'carol'], postfix: false, extraToml: LOOKS });
    t.teardown(() => site.stop());
    await does(site, 'alice', 'CREATE Projets', 'SUBSCRIBE Projets', 'CREATE "Projets/Vieux"', 'CREATE Classement');
    await site.register('alice', 'bob', 'carol');
    const first = await runInside(site);
    t.teardown(() => first.stop());
    await grantRow(site, 'alice', 'bob');
    await site.settled();
    await t.test('made by a delegate: the owner is subscribed', (t) => madeByADelegate(t, site));
    await t.test('what the owner unsubscribes stays so', (t) => unsubscribed(t, site, first));
    const second = await runInside(site);
    t.teardown(() => second.stop());
    await t.test('renamed by a delegate', (t) => renamed(t, site));
    await t.test('made below Sent', (t) => belowSent(t, site));
    await t.test('a Sent made anew', (t) => sentAnew(t, site));
    await t.test('at the top level', (t) => atTheTop(t, site, variant.inherit));
    await t.test('the status says how often', (t) => status(t, site));
    await t.test('without delegates: nobody is subscribed to anything', (t) => comingAndGoing(t, site));
  });
}

async function owned(site: Site): Promise<string[]> {
  return withLogin(site, 'alice', async (imap) => {
    const { lines } = await imap.command('LSUB "" "*"');
    return lines.map((line) => words(line)[4] ?? '').sort();
  });
}

async function owns(site: Site, ...folders: readonly string[]): Promise<boolean> {
  const there = await owned(site);
  return folders.every((folder) => there.includes(folder));
}

async function lookRound(site: Site): Promise<Record<string, unknown> | null> {
  const { stdout } = await site.mandat('--json', 'status');
  return (JSON.parse(stdout) as { folderLook: Record<string, unknown> | null }).folderLook;
}

/** Until the sidecar has seen to it, and `verify` agrees. */
async function repaired(t: Test, site: Site, what: string, done: () => Promise<boolean>): Promise<void> {
  await waitFor(what, LIMIT_MS, done);
  await waitFor('nothing to repair', LIMIT_MS, async () => (await verify(site)).length === 0);
  t.pass(what);
}

const STOOD = ['Drafts', 'Junk', 'Projets', 'Sent', 'Trash'];
const BORN = ['Projets/De Bob', 'Projets/De Bob/Plus bas'];

async function madeByADelegate(t: Test, site: Site): Promise<void> {
  t.same(await owned(site), STOOD, 'what stood before the first grant is left as it was');
  await does(site, 'bob', ...BORN.map((folder) => `CREATE ${shared(folder)}`));
  await repaired(t, site, 'found', () => owns(site, ...BORN));
  t.same(await owned(site), [...STOOD, ...BORN].sort());
  // In the same pass, a moment later.
  await waitFor('so is the delegate', LIMIT_MS, () => {
    const delegates = subscribed(site, 'alice', 'bob');
    return BORN.every((folder) => delegates.includes(folder));
  });
}

async function unsubscribed(t: Test, site: Site, sidecar: Inside): Promise<void> {
  await does(site, 'alice', 'UNSUBSCRIBE "Projets/De Bob"');
  await does(site, 'bob', `CREATE ${shared('Projets/Encore')}`);
  await repaired(t, site, 'another one is worked off', () => owns(site, 'Projets/Encore'));
  await sidecar.stop();
  const rest = ['Drafts', 'Junk', 'Projets', 'Projets/De Bob/Plus bas', 'Projets/Encore', 'Sent', 'Trash'];
  t.same(await owned(site), rest, 'the others are left alone');
}

/** A subscription is to a name, and the server leaves it with the old one. */
async function renamed(t: Test, site: Site): Promise<void> {
  const [made = '', below = ''] = BORN;
  await does(site, 'bob', `RENAME ${shared(made)} ${shared('Projets/Autre')}`);
  await does(site, 'bob', `RENAME ${shared('Projets/Encore')} ${shared('Projets/Toujours')}`);
  await repaired(t, site, 'found', () => owns(site, 'Projets/Toujours', below.replace('De Bob', 'Autre')));
  t.notOk((await owned(site)).includes('Projets/Autre'), 'the owner had unsubscribed this one');
  t.notOk((await owned(site)).includes('Projets/Vieux'), 'and was never subscribed to this one');
  const byItsNewName = () => subscribed(site, 'alice', 'bob').includes('Projets/Autre');
  await waitFor('the delegate has it by its new name', LIMIT_MS, byItsNewName);
}

/** The server copies the entry of Sent, which is one right short of what other folders have. */
async function belowSent(t: Test, site: Site): Promise<void> {
  await withLogin(site, 'bob', async (bob) => {
    const { status, text } = await bob.command(`CREATE ${shared('Sent/2023')}`);
    t.ok(status === 'OK' || /ALREADYEXISTS/.test(text), text); // docs/server-notes.md: beside a look at the very folder
  });
  await repaired(t, site, 'found', async () => (await seen(site, 'alice', 'bob'))['Sent/2023'] === FULL);
  t.ok(await owns(site, 'Sent/2023'));
}

/** Under the same name, and with another id: what inherits gives `x`, what doesn't gives nothing. */
async function sentAnew(t: Test, site: Site): Promise<void> {
  await does(site, 'alice', 'DELETE Sent/2023', 'DELETE Sent', 'CREATE Sent');
  await repaired(t, site, 'found', async () => (await seen(site, 'alice', 'bob')).Sent === SPECIAL);
}

async function atTheTop(t: Test, site: Site, inherit: boolean): Promise<void> {
  await withLogin(site, 'bob', async (bob) => {
    const answers = [`CREATE ${shared('En haut')}`, `RENAME ${shared('Classement')} ${shared('Rangement')}`];
    for (const line of answers) t.equal((await bob.command(line)).status, inherit ? 'OK' : 'NO', line);
  });
  const { stdout } = await site.mandat('verify');
  t.equal(/without inherit\.conf of config\/dovecot\/ no delegate can make or rename/.test(stdout), !inherit, stdout);
  await does(site, 'alice', 'CREATE Neuf');
  await repaired(t, site, 'found', async () => (await seen(site, 'alice', 'bob')).Neuf === FULL);
  await waitFor('subscribed', LIMIT_MS, () => owns(site, 'Neuf'));
  await waitFor('subscribed', LIMIT_MS, async () => subscribed(site, 'alice', 'bob').includes('Neuf'));
}

async function status(t: Test, site: Site): Promise<void> {
  await waitFor('a round of looks', LIMIT_MS, async () => (await lookRound(site)) !== null);
  t.match(await lookRound(site), { mailboxes: 1, everySeconds: Number, endedAt: String });
  t.match((await site.mandat('status')).stdout, /^folders +looked at every \d.*, in 1 delegated mailbox$/m);
}

async function comingAndGoing(t: Test, site: Site): Promise<void> {
  await revokeRow(site, 'alice', 'bob');
  await site.settled();
  await does(site, 'alice', 'CREATE Seule');
  await grantRow(site, 'alice', 'bob', 'carol');
  await site.settled();
  t.notOk(await owns(site, 'Seule'), 'it stood before this grant');
  await does(site, 'carol', `CREATE ${shared('Projets/De Carol')}`);
  await repaired(t, site, 'found', () => owns(site, 'Projets/De Carol'));
  t.notOk(await owns(site, 'Seule'));
}
