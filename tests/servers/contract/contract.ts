/**
 * What a delegation is, the same on every server: R10-R12, R29-R36 and R46-R49 of the guide, each tried through raw sessions, of the delegate above
 * all. What a server can't do stands in {@link Grounds}, as the table of docs/install-other-servers.md says it.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import t, { type Test } from 'tap';
import { SENDER_FILE } from '../../../bridge/store/published/sender-map.ts';
import { quoted, type RawImap } from '../../../config/lab/raw-imap.ts';
import { sync, verify } from '../inside.ts';
import { grantRow } from '../rows.ts';
import { at, type Ground, password, type Site } from '../site.ts';
import { does, list, SPECIALS, sorted, withLogin, words } from '../wire.ts';

export interface ContractSite extends Site<Ground> {
  /** An owner's own name of a folder; of none, the INBOX. */
  own(...folder: readonly string[]): string;
  /** A delegate's name of it. */
  shared(owner: string, ...folder: readonly string[]): string;
}

export interface Grounds {
  readonly skip?: string | false;
  /** With these users, and `[sessions]`. */
  start(users: readonly string[]): Promise<ContractSite>;
  /** Whether delegates may delete and rename folders: not by default where a folder could be carried off. */
  readonly deletesFolders: boolean;
  /** Whether the owner sees as read what a delegate has read. */
  readonly sharesSeen: boolean;
  /** Whether a delegate may write a mailbox's comment (METADATA), as no right keeps them from it. */
  readonly comments: boolean;
}

type Path = readonly string[];
const INBOX: Path = [];
const FOLDERS: readonly Path[] = [INBOX, ['Work'], ['Work', 'Sub'], ...SPECIALS.map((name) => [name])];

export async function holds(grounds: Grounds): Promise<void> {
  await t.test('the contract', { skip: grounds.skip ?? false }, async (t) => {
    const site = await grounds.start(['alice', 'bob', 'carol']);
    t.teardown(() => site.stop());
    await does(site, 'alice', `CREATE ${quoted(site.own('Work'))}`, `CREATE ${quoted(site.own('Work', 'Sub'))}`);
    await mail(site, 'alice', site.own('Work'), 'one', 'two', 'three');
    const own = await withLogin(site, 'bob', (bob) => list(bob, '*'));
    await site.register('alice', 'bob', 'carol');
    await site.register('carol');
    await grantRow(site, 'alice', 'bob');
    await settled(t, site);

    await t.test('R10, R11, R46: the whole mailbox, special folders included', (t) => whole(t, site, grounds, own));
    await t.test('R12: no address book, no calendar', (t) => mailOnly(t, site));
    await t.test('R29, R30: reads, flags, files, moves, deletes', (t) => used(t, site, grounds));
    await t.test('R11, R32: folders made by anybody', (t) => folders(t, site, grounds));
    await t.test('R33-R36: and nothing beyond', (t) => nothingBeyond(t, site, grounds));
    await t.test('R31: the right to send, while it is delegated', (t) => sends(t, site, true));
    await t.test('R47: several delegations of one delegate', (t) => several(t, site));
    await t.test('R48, R49: removal asks first, is final, and ends what is open', (t) => removed(t, site, own));
    await t.test('R31: and no longer', (t) => sends(t, site, false));
  });
}

async function settled(t: Test, site: ContractSite): Promise<void> {
  t.same((await sync(site)).failures, []);
  t.same(await verify(site), []);
}

async function mail(site: ContractSite, name: string, folder: string, ...texts: readonly string[]): Promise<void> {
  await withLogin(site, name, async (imap) => {
    for (const text of texts) {
      const { status } = await imap.append(folder, `Subject: ${text}\r\n\r\n${text}\r\n`);
      if (status !== 'OK') throw new Error(`${name} can't file into ${folder}`);
    }
  });
}

const others = async (imap: RawImap, own: readonly string[]) =>
  (await list(imap, '*')).filter((name) => !own.includes(name)).sort();

async function rightsOn(imap: RawImap, name: string): Promise<string> {
  const { lines } = await imap.command(`MYRIGHTS ${quoted(name)}`);
  return sorted(lines.map(words).find(([, kind]) => kind === 'MYRIGHTS')?.[3] ?? '');
}

async function whole(t: Test, site: ContractSite, { deletesFolders }: Grounds, own: readonly string[]): Promise<void> {
  await withLogin(site, 'bob', async (bob) => {
    t.same(await others(bob, own), FOLDERS.map((folder) => site.shared('alice', ...folder)).sort(), 'listed');
    for (const folder of FOLDERS) {
      const name = site.shared('alice', ...folder);
      const protectedOne = !deletesFolders || SPECIALS.includes(folder[0] ?? '');
      t.equal(await rightsOn(bob, name), sorted(protectedOne ? 'lrswipkte' : 'lrswipkxte'), `rights on ${name}`);
      const { lines } = await bob.command(`STATUS ${quoted(name)} (MESSAGES UNSEEN)`);
      t.match(lines.join(), folder.join() === 'Work' ? /MESSAGES 3.*UNSEEN 3/ : /MESSAGES 0/, 'counted');
      t.equal((await bob.command(`SELECT ${quoted(name)}`)).status, 'OK');
    }
    const subscribed = (await bob.command(`LSUB "" ${quoted(`${site.shared('alice')}*`)}`)).lines.map(words);
    const named = subscribed.filter(([, , flags]) => !/noselect/i.test(flags ?? '')).map((one) => one[4] ?? '');
    t.same(named.sort(), FOLDERS.map((folder) => site.shared('alice', ...folder)).sort(), 'subscribed');
  });
}

async function mailOnly(t: Test, site: ContractSite): Promise<void> {
  await withLogin(site, 'bob', async (bob) => {
    for (const name of ['#addressbooks', '#calendars', '#sieve']) {
      const folder = quoted(site.shared('alice', name));
      t.equal((await bob.command(`SELECT ${folder}`)).status, 'NO', name);
      t.equal((await bob.command(`SELECT ${quoted(site.shared('alice', name, 'Default'))}`)).status, 'NO');
    }
  });
}

async function used(t: Test, site: ContractSite, { sharesSeen }: Grounds): Promise<void> {
  const work = site.shared('alice', 'Work');
  await mail(site, 'bob', work, 'four');
  await withLogin(site, 'bob', async (bob) => {
    await bob.command(`SELECT ${quoted(work)}`);
    t.match((await bob.command('FETCH 1 BODY[TEXT]')).lines.join('\n'), 'one', 'reads');
    t.equal((await bob.command('STORE 1 +FLAGS (\\Answered \\Flagged)')).status, 'OK', 'flags');
    t.equal((await bob.command(`COPY 1 ${quoted(site.shared('alice', 'Sent'))}`)).status, 'OK', 'files elsewhere');
    t.equal((await bob.command('MOVE 2 INBOX')).status, 'OK', 'moves into their own mailbox');
    t.equal((await bob.command(`MOVE 2 ${quoted(site.shared('alice', 'Trash'))}`)).status, 'OK', 'and within');
    t.equal((await bob.command('STORE 2 +FLAGS (\\Deleted)')).status, 'OK');
    t.match((await bob.command('EXPUNGE')).lines.join(), /EXPUNGE/, 'deletes');
    await bob.command('SELECT INBOX');
    t.equal((await bob.command(`MOVE 1 ${quoted(site.shared('alice'))}`)).status, 'OK', 'and back');
  });
  await withLogin(site, 'alice', async (alice) => {
    await alice.command(`SELECT ${quoted(site.own('Work'))}`);
    const { lines } = await alice.command('FETCH 1:* (FLAGS BODY.PEEK[TEXT])');
    t.equal(/\\Seen/.test(lines.join('\n')), sharesSeen, 'what the delegate has read');
    t.match(lines.join('\n'), /\\Answered/);
    t.equal(lines.length, 1, 'and what is left');
    t.match((await alice.command('STATUS INBOX (MESSAGES)')).lines.join(), /MESSAGES 1/);
  });
}

async function folders(t: Test, site: ContractSite, { deletesFolders }: Grounds): Promise<void> {
  const made = [['By bob'], ['Work', 'By bob'], ['Sent', 'By bob'], ['By alice'], ['Work', 'By alice']];
  for (const folder of made) {
    const byBob = folder.at(-1) === 'By bob';
    const name = byBob ? site.shared('alice', ...folder) : site.own(...folder);
    await does(site, byBob ? 'bob' : 'alice', `CREATE ${quoted(name)}`);
  }
  await settled(t, site);
  await withLogin(site, 'bob', async (bob) => {
    for (const folder of made) {
      const name = site.shared('alice', ...folder);
      t.equal((await bob.command(`SELECT ${quoted(name)}`)).status, 'OK', `opens ${name}`);
      t.equal(await rightsOn(bob, name), sorted(deletesFolders ? 'lrswipkxte' : 'lrswipkte'), 'with all rights');
    }
    await bob.command('UNSELECT');
    const may = deletesFolders ? 'OK' : 'NO';
    const below = quoted(site.shared('alice', 'Work', 'By bob'));
    t.equal((await bob.command(`RENAME ${below} ${quoted(site.shared('alice', 'Work', 'Anew'))}`)).status, may);
    t.equal((await bob.command(`DELETE ${quoted(site.shared('alice', 'By bob'))}`)).status, may, 'deletes a folder');
    for (const special of SPECIALS) {
      const name = quoted(site.shared('alice', special));
      t.equal((await bob.command(`DELETE ${name}`)).status, 'NO', `${special} stays`);
      t.equal((await bob.command(`RENAME ${name} ${quoted(site.shared('alice', 'Other'))}`)).status, 'NO');
    }
    for (const folder of [['Work'], []]) {
      const away = `RENAME ${quoted(site.shared('alice', ...folder))} ${quoted(site.own('Mine'))}`;
      t.equal((await bob.command(away)).status, 'NO', 'nothing is carried off');
    }
  });
  await withLogin(site, 'alice', async (alice) => {
    t.ok((await list(alice, '*')).includes(site.own('Sent', 'By bob')), "the owner sees the delegate's folders");
  });
}

async function nothingBeyond(t: Test, site: ContractSite, { comments }: Grounds): Promise<void> {
  await withLogin(site, 'bob', async (bob) => {
    for (const folder of FOLDERS) {
      const name = quoted(site.shared('alice', ...folder));
      for (const line of [
        `SETACL ${name} ${site.loginOf('carol')} lr`,
        `SETACL ${name} ${site.loginOf('bob')} lrswipkxtea`,
        `DELETEACL ${name} ${site.loginOf('alice')}`,
        `GETACL ${name}`,
      ])
        t.not((await bob.command(line)).status, 'OK', line);
    }
    const comment = `SETMETADATA ${quoted(site.shared('alice'))} (/shared/comment "by bob")`;
    t.equal((await bob.command(comment)).status === 'OK', comments, comment);
    for (const line of [
      `SETMETADATA ${quoted(site.shared('alice'))} (/shared/vendor/cmu/cyrus-imapd/sieve "x")`,
      `SETQUOTA ${quoted(site.shared('alice'))} (STORAGE 1)`,
    ])
      t.not((await bob.command(line)).status, 'OK', line);
  });
  await withLogin(site, 'alice', async (alice) => {
    const { lines } = await alice.command(`GETACL ${quoted(site.own())}`);
    t.notMatch(lines.join(), site.loginOf('carol'), 'nobody was let in');
  });
  await withLogin(site, 'carol', async (carol) => {
    t.equal((await carol.command(`SELECT ${quoted(site.shared('alice'))}`)).status, 'NO');
    const { status } = await carol.loginAs(site.loginOf('alice'), site.loginOf('carol'), password('carol'));
    t.not(status, 'OK', 'nobody logs in as the owner');
  });
}

/** By the sender map, where there is one: it is the same whatever the IMAP server is. */
async function sends(t: Test, site: ContractSite, delegated: boolean): Promise<void> {
  const file = path.join(site.lab.directory, 'sender', SENDER_FILE);
  if (!existsSync(file)) {
    t.pass('no [sender_rules] here');
    return;
  }
  const map = new Database(file, { readonly: true });
  const logins = map
    .prepare('SELECT login FROM sender_login WHERE address = ? ORDER BY login')
    .pluck()
    .all(at('alice'));
  map.close();
  t.same(logins, delegated ? [at('alice'), at('bob')] : [at('alice')]);
}

async function several(t: Test, site: ContractSite): Promise<void> {
  await grantRow(site, 'carol', 'bob');
  await settled(t, site);
  await withLogin(site, 'bob', async (bob) => {
    for (const owner of ['alice', 'carol']) {
      t.equal((await bob.command(`SELECT ${quoted(site.shared(owner, 'Sent'))}`)).status, 'OK', owner);
    }
  });
}

async function removed(t: Test, site: ContractSite, own: readonly string[]): Promise<void> {
  const asked = await site.mandat('revoke', at('alice'), at('bob'));
  t.equal(asked.status, 2, 'nobody to ask, and no --yes: nothing is done');
  t.same(await verify(site), [], 'all stands');

  const open = await site.login('bob');
  t.equal((await open.command(`SELECT ${quoted(site.shared('alice', 'Work'))}`)).status, 'OK');
  const { status, stdout, stderr } = await site.mandat('revoke', at('alice'), at('bob'), '--yes');
  t.equal(status, 0, stderr);
  t.match(stdout, /verified: they see nothing any more/, 'verified, and the cut proven');
  await open.waitForBye(10_000);
  await withLogin(site, 'bob', async (bob) => {
    t.same(
      (await others(bob, own)).filter((name) => name.startsWith(site.shared('alice'))),
      [],
      'nothing of hers is listed',
    );
    for (const folder of [...FOLDERS, ['By bob'], ['Work', 'By alice']]) {
      t.equal((await bob.command(`SELECT ${quoted(site.shared('alice', ...folder))}`)).status, 'NO');
    }
    t.equal((await bob.command(`SELECT ${quoted(site.shared('carol'))}`)).status, 'OK', 'the other delegation stays');
  });
  await withLogin(site, 'alice', async (alice) => {
    for (const name of (await list(alice, '*')).filter((one) => !own.includes(one) || one === 'INBOX')) {
      const { lines } = await alice.command(`GETACL ${quoted(name)}`);
      t.notOk(lines.flatMap(words).slice(3).includes(site.loginOf('bob')), `no entry is left in ${name}`);
    }
  });
  t.same(await verify(site), []);
}
