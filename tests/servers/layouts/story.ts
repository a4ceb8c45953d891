/**
 * One story, told on every layout that administrators run, through raw sessions: a grant, its use by both sides, and its end, with a
 * session of the delegate's open. What the layouts differ in stands in {@link Layout}; the story is the same for all.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { quoted, type RawImap } from '../../../config/lab/raw-imap.ts';
import { examined } from '../../doctor/breakage.ts';
import { sync, verify } from '../inside.ts';
import { grantRow, revokeRow } from '../rows.ts';
import { at, type Site, type SiteOptions, startSite } from '../site.ts';
import { does, list, SPECIALS, sorted, withLogin, words } from '../wire.ts';
import { type Names, namesOf, type Path, type Writing } from './names.ts';

export interface Layout {
  readonly site?: Partial<Omit<SiteOptions, 'users'>>;
  readonly writing?: Writing;
  /** Folders that the owner has beside the special ones, before the grant. The first holds the mail of the story, and takes folders below it. */
  readonly folders?: readonly Path[];
  /** Their special folders, whatever says so. */
  readonly specials?: readonly string[];
  /** Whether this layout has subscriptions for delegates at all. Default: yes. */
  readonly subscriptions?: boolean;
  /** The owner's names of folders in other private namespaces that delegates reach too. */
  readonly apart?: readonly string[];
  /** Before the grant, and after the end. */
  readonly before?: (site: Site, names: Names) => Promise<void>;
  readonly granted?: (t: Test, site: Site, names: Names) => Promise<void>;
  readonly revoked?: (t: Test, site: Site, names: Names) => Promise<void>;
}

const INBOX: Path = ['INBOX'];
const ALL = sorted('lrswipkxte');
const ALL_BUT_X = sorted('lrswipkte');

export function tell(layout: Layout): Promise<unknown> {
  const names = namesOf(layout.writing ?? {});
  const folders = layout.folders ?? [['Work'], ['Work', 'Sub'], ['Plain name']];
  const specials = layout.specials ?? SPECIALS;
  const [work = INBOX] = folders;
  return t.test('grant, use, revoke', async (t) => {
    const site = await startSite({ postfix: false, senderRules: false, ...layout.site, users: ['alice', 'bob'] });
    t.teardown(() => site.stop());
    await does(site, 'alice', ...folders.map((folder) => `CREATE ${quoted(names.own(folder))}`));
    await withLogin(site, 'alice', (alice) => alice.append(names.own(work), 'Subject: one\r\n\r\nthe first\r\n'));
    await layout.before?.(site, names);
    const mine = await withLogin(site, 'bob', (bob) => list(bob, '*'));

    await site.register('alice', 'bob');
    await grantRow(site, 'alice', 'bob');
    t.same((await sync(site)).failures, [], 'granted');
    t.same(await verify(site), [], 'verified');
    const all = [INBOX, ...folders, ...specials.map((name) => [name])];
    await granted(t, site, names, all, specials);
    if (layout.subscriptions !== false) await subscribed(t, site, names, all);
    await used(t, site, names, work);

    const below = [...work, 'By bob'];
    await does(site, 'bob', `CREATE ${quoted(names.shared('alice', below))}`);
    await does(site, 'alice', `CREATE ${quoted(names.own(['By alice']))}`);
    t.same((await sync(site)).failures, [], 'folders of both');
    t.same(await verify(site), []);
    const more = [...all, below, ['By alice']];
    await granted(t, site, names, more, specials);
    if (layout.subscriptions !== false) await subscribed(t, site, names, more);
    await ownerSubscribed(t, site, names, below);
    await guarded(t, site, names, specials);
    await explained(t, site, [...more.map(names.own), ...(layout.apart ?? [])]);
    await layout.granted?.(t, site, names);

    const open = await site.login('bob');
    t.equal((await open.command(`SELECT ${quoted(names.shared('alice', work))}`)).status, 'OK');
    await revokeRow(site, 'alice', 'bob');
    t.same((await sync(site)).failures, [], 'revoked');
    await open.waitForBye(10_000);
    await revoked(t, site, names, more, mine);
    await layout.revoked?.(t, site, names);
    await probed(t, site, names);
    t.notMatch(site.lab.logs().dovecot, /signal 11/, 'no process of the server has died of a question');
  });
}

/** Listed, with these rights and no others, and each can be opened. */
async function granted(t: Test, site: Site, names: Names, folders: readonly Path[], specials: readonly string[]) {
  await withLogin(site, 'bob', async (bob) => {
    const there = await listed(bob, names);
    t.same(there, folders.map((folder) => names.shared('alice', folder)).sort(), 'listed, and nothing else');
    for (const folder of folders) {
      const name = names.shared('alice', folder);
      const special = folder.length === 1 && specials.includes(folder[0] ?? '');
      t.equal(await rightsOn(bob, name), special ? ALL_BUT_X : ALL, `rights on ${name}`);
      t.equal((await bob.command(`SELECT ${quoted(name)}`)).status, 'OK', `opens ${name}`);
    }
  });
}

/** Selectable folders of the owner's; the root as a folder of its own is the INBOX under its other name. */
async function listed(bob: RawImap, names: Names): Promise<readonly string[]> {
  const root = names.root('alice');
  const inbox = names.shared('alice', INBOX);
  const found = await list(bob, '*');
  const more = await list(bob, `${root}*`); // a namespace with list = no shows only when it is asked for
  return [...new Set([...found, ...more])]
    .filter((name) => name.startsWith(root) && (name !== root || inbox === root))
    .sort();
}

async function rightsOn(imap: RawImap, name: string): Promise<string> {
  const { lines } = await imap.command(`MYRIGHTS ${quoted(name)}`);
  return sorted(lines.map(words).find(([, kind]) => kind === 'MYRIGHTS')?.[3] ?? '');
}

async function subscribed(t: Test, site: Site, names: Names, folders: readonly Path[]): Promise<void> {
  const found = await withLogin(site, 'bob', (bob) => subscriptions(bob, names.root('alice')));
  t.same(found, folders.map((folder) => names.shared('alice', folder)).sort(), 'subscribed');
}

async function subscriptions(imap: RawImap, start: string): Promise<readonly string[]> {
  const { lines } = await imap.command(`LSUB "" ${quoted(`${start}*`)}`);
  const found = lines.map(words).filter(([, kind, flags]) => kind === 'LSUB' && !/noselect/i.test(flags ?? ''));
  return found.map((one) => one[4] ?? '').sort();
}

/** Read by the delegate, answered by a mail that they file, seen by the owner. */
async function used(t: Test, site: Site, names: Names, folder: Path): Promise<void> {
  await withLogin(site, 'bob', async (bob) => {
    await bob.command(`SELECT ${quoted(names.shared('alice', folder))}`);
    const { lines } = await bob.command('FETCH 1 BODY[TEXT]');
    t.match(lines.join('\n'), 'the first', 'the delegate reads');
    const filed = await bob.append(names.shared('alice', folder), 'Subject: two\r\n\r\nthe second\r\n');
    t.equal(filed.status, 'OK', 'and files');
  });
  await withLogin(site, 'alice', async (alice) => {
    await alice.command(`SELECT ${quoted(names.own(folder))}`);
    const { lines } = await alice.command('FETCH 1:* (FLAGS BODY.PEEK[TEXT])');
    t.match(
      lines.join('\n'),
      /FLAGS \([^)]*\\Seen[\s\S]*the first[\s\S]*the second/,
      'the owner sees both, one as read',
    );
  });
}

async function ownerSubscribed(t: Test, site: Site, names: Names, folder: Path): Promise<void> {
  const found = await withLogin(site, 'alice', (alice) => subscriptions(alice, names.own(folder)));
  t.same(found, [names.own(folder)], 'the owner is subscribed to what the delegate has made');
}

async function guarded(t: Test, site: Site, names: Names, specials: readonly string[]): Promise<void> {
  await withLogin(site, 'bob', async (bob) => {
    for (const name of specials) {
      const special = quoted(names.shared('alice', [name]));
      t.equal((await bob.command(`DELETE ${special}`)).status, 'NO', `${name} can't be deleted`);
      const elsewhere = quoted(names.shared('alice', [`${name}-moved`]));
      t.equal((await bob.command(`RENAME ${special} ${elsewhere}`)).status, 'NO', `nor renamed`);
    }
  });
}

async function explained(t: Test, site: Site, folders: readonly string[]): Promise<void> {
  const { stdout } = await site.mandat('explain', at('alice'), '--json');
  const [delegation] = JSON.parse(stdout) as readonly Explained[];
  const told = delegation?.folders ?? [];
  t.same(told.map(({ folder }) => folder).sort(), folders.toSorted(), "explain: by the owner's names");
  t.same(
    told.filter(({ sees, should }) => sees !== should),
    [],
    'explain: what they see is what they should',
  );
}

interface Explained {
  readonly folders: readonly { readonly folder: string; readonly sees: string; readonly should: string }[];
}

async function revoked(t: Test, site: Site, names: Names, folders: readonly Path[], mine: readonly string[]) {
  await withLogin(site, 'bob', async (bob) => {
    t.same(await list(bob, '*'), mine, 'nothing but their own is listed');
    t.same(await listed(bob, names), []);
    for (const folder of folders) {
      const name = names.shared('alice', folder);
      t.equal((await bob.command(`SELECT ${quoted(name)}`)).status, 'NO', `${name} can't be opened`);
    }
  });
  await withLogin(site, 'alice', async (alice) => {
    for (const folder of folders) {
      const { lines } = await alice.command(`GETACL ${quoted(names.own(folder))}`);
      t.notMatch(lines.join('\n'), at('bob'), `no entry is left in ${names.own(folder)}`);
    }
  });
  t.same(leftOver(site), [], 'no subscription is left');
  t.same(await verify(site), [], 'verify finds nothing');
}

/** The doctor shares a folder, and says what it is called on both sides. */
async function probed(t: Test, site: Site, names: Names): Promise<void> {
  const findings = await examined(site, { probe: at('alice'), probeAs: at('bob') });
  for (const name of ['separator', 'identity', 'shared namespace', 'inheritance'])
    t.not(findings.get(name)?.status, 'fail', `${name}: ${findings.get(name)?.seen}`);
  const { status, seen = '' } = findings.get('sharing') ?? {};
  t.equal(status, 'ok', seen);
  const [, own = '', theirs] = /(\S+) was (\S+) to them$/.exec(seen) ?? [];
  const probe = own.slice(names.own(['']).length);
  t.equal(theirs, names.shared('alice', [probe]), 'the doctor names what it sees');
}

/** Lines of the delegate's subscription files, wherever their mail is, that speak of the owner: over IMAP, Dovecot hides what leads nowhere. */
function leftOver(site: Site): readonly string[] {
  const mail = path.join(site.lab.directory, 'mail');
  return readdirSync(mail, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.split('/').some((part) => part === 'bob' || part === at('bob')))
    .filter((name) => path.basename(name) === 'subscriptions')
    .flatMap((name) => readFileSync(path.join(mail, name), 'utf8').split('\n'))
    .filter((line) => line.includes('alice'));
}
