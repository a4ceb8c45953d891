/**
 * A delegate opens a mailbox of their own while they have two others': what moves to their new login, in which order, and what whoever gets the old
 * login finds. Then a new version of the terms of use. R43, R54, R55.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import t from 'tap';
import { waitFor } from '../../config/lab/wait.ts';
import { must } from '../cli/desk.ts';
import { verify } from './inside.ts';
import { at, type Running, type Site, startSite } from './site.ts';
import { askSender, refusal, senderAnswer, submissionAs } from './submission.ts';
import { does, entriesOf, granted, seen, sharedName, subscribed, withLogin, words } from './wire.ts';

const TOML = `[accounts]\nterms_version = "1"\n[notices]\nport = 1\ntls = "none"\n`;
/** The login before, and the one after. */
const [OLD, NEW] = ['portal', 'bob'];

let site: Site;
let running: Running;

t.before(async () => {
  site = await startSite({ users: ['alice', 'erin', 'carol', OLD, NEW], extraToml: TOML });
  await does(site, 'alice', 'CREATE Projets');
  await site.register('alice', 'carol');
  await site.register('erin');
  await site.sql(`INSERT INTO delegate (id, login) VALUES ('bob-id', '${at(OLD)}');
    UPDATE delegates SET terms_version = '1', terms_at = '2026-01-01T00:00:00.000Z' WHERE identifier = 'bob-id';
    INSERT INTO delegation (mailbox, delegate) VALUES ('${at('alice')}', 'bob-id'), ('${at('alice')}', '${at('carol')}'), ('${at('erin')}', 'bob-id')`);
  running = await site.run();
  await site.settled();
  await does(site, OLD, `CREATE ${sharedName('alice', 'Neu')}`);
});
t.teardown(() => site?.stop());

const open = (...more: readonly string[]) => site.mandat('account', 'open-mailbox', 'bob-id', at(NEW), ...more);

/** Of the two, who stands there: in alice's INBOX as she sees it, in the map as Postfix reads it, and who can open her mailbox. */
interface Look {
  readonly entries: string;
  readonly senders: string;
  readonly opens: string;
}

/** Looks all the while, in fresh sessions where it matters; every look that differs from the one before. */
function watch(): { looked(): boolean; stop(): Promise<readonly Look[]> } {
  const map = new Database(path.join(site.lab.senderDirectory, 'sender.db'), { readonly: true });
  const logins = map.prepare('SELECT login FROM sender_login WHERE address = ? ORDER BY login').pluck();
  const both = (those: readonly string[]) => [OLD, NEW].filter((name) => those.includes(at(name))).join(' ');
  const looks: Look[] = [];
  const opens = async (name: string) =>
    withLogin(
      site,
      name,
      async (imap) => (await imap.command(`SELECT ${sharedName('alice', 'INBOX')}`)).status === 'OK',
    );
  let stopped = false;
  const watching = withLogin(site, 'alice', async (alice) => {
    while (!stopped) {
      const old = await opens(OLD); // first: what is open to them now must not be so once the other is in
      const { lines } = await alice.command('GETACL INBOX');
      const look = {
        entries: both(lines.flatMap(words)),
        senders: both(logins.all(at('alice')) as string[]),
        opens: [...(old ? [OLD] : []), ...((await opens(NEW)) ? [NEW] : [])].join(' '),
      };
      if (JSON.stringify(look) !== JSON.stringify(looks.at(-1))) looks.push(look);
      await sleep(1);
    }
  });
  return {
    looked: () => looks.length > 0,
    stop: async () => {
      stopped = true;
      await watching;
      map.close();
      return looks;
    },
  };
}

t.test('refused, and nothing moves', async (t) => {
  t.match(await site.mandat('account', 'open-mailbox', 'bob-id', at('erin')), {
    status: 3,
    stderr: /has been delegated|SELF/,
  });
  await site.sql(`UPDATE mailbox SET owner = 'erin-id' WHERE address = '${at('erin')}'`);
  t.match(await site.mandat('account', 'open-mailbox', 'bob-id', at('erin')), {
    status: 3,
    stderr: /somebody else.*NOT_HIS/,
  });
  t.match(await open('--login', at('carol')), {
    status: 3,
    stderr: /the login carol@lab\.test is that of another delegate/,
  });
  await site.settled();
  t.strictSame(await seen(site, 'alice', OLD), granted('Neu', 'Projets'));
});

t.test('everything goes to the new login, nothing stays with the old one', async (t) => {
  const carols = await entriesOf(site, 'alice', 'carol');
  const before = await site.sql('SELECT id, mailbox_id, delegate_id, created_at FROM delegations ORDER BY id');
  t.not((await entriesOf(site, 'alice', OLD)).Neu, undefined, 'a copy of their own in the folder that they made');
  const imap = await site.login(OLD);
  t.equal((await imap.command(`SELECT ${sharedName('alice', 'Neu')}`)).status, 'OK');
  const smtp = await submissionAs(site, OLD);
  t.equal((await askSender(smtp, at('alice'))).code, 250);

  const watched = watch();
  await waitFor('the first look is taken', 20_000, async () => watched.looked());
  const { stdout } = await must(open('--wait', '60'));
  const looks = await watched.stop();
  t.match(
    stdout,
    /bob@lab\.test is the mailbox of bob-id; their delegations stay, and go from portal@lab\.test to bob@lab\.test\n {2}verified at 3 of 3 mailboxes: portal@lab\.test sees nothing of them any more\n.*in again as bob@lab\.test \(déconnectez-vous/,
  );
  t.same(looks.at(0), { entries: OLD, senders: OLD, opens: OLD });
  t.same(looks.at(-1), { entries: NEW, senders: NEW, opens: NEW });
  for (const kind of ['entries', 'senders', 'opens'] as const) {
    const seen = looks.map((look) => look[kind]);
    // A login that is let in may be turned away for a moment: their sessions are cut once at the grant, so that their clients look anew.
    const course = (kind === 'opens' ? seen.filter((one) => one !== '') : seen).filter(
      (one, index, all) => one !== all[index - 1],
    );
    t.ok(
      [`${OLD},${NEW}`, `${OLD},,${NEW}`].includes(course.join()),
      `${kind}: never both, never back: ${course.join(' > ')}`,
    );
  }

  await imap.waitForBye(5000);
  t.match(await askSender(smtp, at('alice')), refusal(OLD, at('alice')), 'in a session that was open');
  smtp.close();
  for (const owner of ['alice', 'erin']) {
    t.same(await entriesOf(site, owner, OLD), {}, 'no entry, in INBOX or below');
    t.same(subscribed(site, owner, OLD), []);
    t.match(await senderAnswer(site, OLD, at(owner)), { code: 553 });
    t.equal((await senderAnswer(site, NEW, at(owner))).code, 250);
  }
  t.strictSame(await seen(site, 'alice', NEW), granted('Neu', 'Projets'));
  t.strictSame(await seen(site, 'erin', NEW), granted());
  t.equal((await senderAnswer(site, NEW, at(NEW))).code, 250, 'from their own address too');
  t.same(await entriesOf(site, 'alice', 'carol'), carols, 'a colleague keeps what she has');
  t.equal(
    await site.sql('SELECT id, mailbox_id, delegate_id, created_at FROM delegations ORDER BY id'),
    before,
    'the same rows',
  );

  await site.sql(`INSERT INTO delegate (id, login) VALUES ('stranger', '${at(OLD)}')`);
  await must(site.mandat('sync'));
  for (const owner of ['alice', 'erin']) {
    t.same(await seen(site, owner, OLD), {}, 'a stranger who is given the old login');
    t.match(await senderAnswer(site, OLD, at(owner)), { code: 553 });
  }
  await withLogin(site, OLD, async (stranger) => {
    for (const folder of ['INBOX', 'Neu', 'Projets', 'Sent'])
      t.equal((await stranger.command(`SELECT ${sharedName('alice', folder)}`)).status, 'NO', folder);
  });
  t.same(await verify(site), []);
});

t.test('a new version of the terms suspends until it is accepted', async (t) => {
  writeFileSync(
    site.configFile,
    readFileSync(site.configFile, 'utf8').replace('terms_version = "1"', 'terms_version = "2"'),
  );
  process.kill(running.pid, 'SIGHUP');
  await waitFor('bob sees nothing', 20_000, async () => Object.keys(await seen(site, 'alice', NEW)).length === 0);
  await waitFor('bob may not send', 10_000, async () => (await senderAnswer(site, NEW, at('alice'))).code === 553);
  t.strictSame(await seen(site, 'alice', 'carol'), granted('Neu', 'Projets'), 'whoever was never asked stays');
  t.match(await site.mandat('explain', at('alice'), 'bob-id'), { stdout: /has not accepted the present terms of use/ });
  t.match(await site.mandat('--as', 'delegate:bob-id', 'account', 'accept-terms', 'bob-id', '1'), { status: 3 });
  await must(site.mandat('--as', 'delegate:bob-id', 'account', 'accept-terms', 'bob-id', '2'));
  await site.settled();
  t.strictSame(await seen(site, 'alice', NEW), granted('Neu', 'Projets'));
  t.equal((await senderAnswer(site, NEW, at('alice'))).code, 250);
});
