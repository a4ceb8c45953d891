/** The copy that a mail client saves itself in the owner's Sent, before ours or minutes after it: ours takes its place, and nothing else goes. Real Postfix and Dovecot. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { waitFor } from '../../config/lab/wait.ts';
import { must } from '../cli/desk.ts';
import { grantRow } from './rows.ts';
import { at, type Site, startSite } from './site.ts';
import { submissionAs } from './submission.ts';

const LIMIT_MS = 60_000;

let site: Site;
t.before(async () => {
  site = await startSite({
    users: ['alice', 'bob', 'carol'],
    chroot: false,
    filter: true,
    extraSubmission: 'copy_delay_seconds = 0\n',
  });
  await site.register('alice', 'bob', 'carol');
  for (const delegate of ['bob', 'carol']) await grantRow(site, 'alice', delegate);
  await site.run();
  await site.settled();
});
t.teardown(() => site?.stop());

let count = 0;
/** As a mail client writes it; what it saves itself has the Bcc line, and never was on its way. */
function letter(from = `"Dr Alice" <${at('alice')}>`) {
  const id = `<m${++count}@lab.test>`;
  const rest = `From: ${from}\r\nTo: <patient@far.test>\r\nSubject: secret\r\nMessage-ID: ${id}\r\n\r\nBonjour ${count}\r\n.\r\n`;
  return { id, sent: rest, saved: `Bcc: <hidden@far.test>,\r\n <other@far.test>\r\n${rest}` };
}

async function send(name: string, message: string): Promise<void> {
  const session = await submissionAs(site, name);
  const { code, text } = await session.sendMail(at('alice'), 'patient@far.test', message);
  session.close();
  if (code !== 250) throw new Error(`${code} ${text}`);
}

/** Into the owner's Sent, by a delegate's mail client. */
async function save(name: string, message: string, flags: readonly string[] = []): Promise<void> {
  const imap = await site.login(name);
  const folder = name === 'alice' ? 'Sent' : `${site.sharedPrefix}${at('alice')}/Sent`;
  await imap.append(folder, message);
  await imap.command(`SELECT "${folder}"`);
  if (flags.length > 0) await imap.command(`STORE * +FLAGS.SILENT (${flags.join(' ')})`);
  imap.close();
}

/** What lies there of this message, each with its flags. */
async function lying(id: string, folder = 'Sent'): Promise<readonly string[]> {
  const imap = await site.login('alice');
  await imap.command(`EXAMINE "${folder}"`);
  const { lines } = await imap.command('FETCH 1:* (FLAGS BODY.PEEK[])');
  imap.close();
  return lines.filter((line) => / FETCH /.test(line) && line.includes(`Message-ID: ${id}\r\n`));
}

const nowLying = (id: string, number: number, like: RegExp) =>
  waitFor(`${number} of ${id}, ${like}`, LIMIT_MS, async () => {
    const found = await lying(id);
    return found.length === number && found.some((one) => like.test(one)) && found;
  });

const OURS = /\r\nSender: <bob@lab\.test>\r\n/;

async function inRecord<T>(work: (database: Database.Database) => T): Promise<T> {
  const database = new Database(path.join(site.lab.directory, 'private/submission.db'), { timeout: 5000 });
  try {
    return work(database);
  } finally {
    database.close();
  }
}
const LOOKED_FOR = "json_extract(look, '$.messageId') = ?";
const looksOf = (id: string) =>
  inRecord((on) => on.prepare(`SELECT sum(looks) FROM copies WHERE ${LOOKED_FOR}`).pluck().get(id) as number);

/** As if the time of the next look had come. */
async function due(id: string): Promise<void> {
  const before = await looksOf(id);
  const dated = await inRecord(
    (on) => on.prepare(`UPDATE copies SET look_at = '2020-01-01T00:00:00.000Z' WHERE ${LOOKED_FOR}`).run(id).changes,
  );
  if (dated === 0) throw new Error(`${id} is not looked for`);
  await waitFor(`a look for ${id}`, LIMIT_MS, async () => (await looksOf(id)) >= before + dated);
}

t.test('saved before ours comes: ours takes its place, with its flags', async (t) => {
  const marked = letter();
  await save('alice', marked.saved, ['\\Deleted']);
  const { id, sent, saved } = letter();
  await save('bob', saved, ['\\Flagged', 'urgent']);
  await send('bob', sent);
  const [ours = ''] = await nowLying(id, 1, OURS);
  t.match(ours, /^\* \d+ FETCH \(FLAGS \((?=[^)]*\\Seen)(?=[^)]*\\Flagged)(?=[^)]*urgent)/);
  t.notMatch(ours, /hidden@far/);
  t.match(ours, /\r\nReceived: /, 'as the recipients got it');
  t.equal((await lying(marked.id)).length, 1, 'what others have marked as deleted stays');
});

t.test('saved minutes after ours: ours stays alone, as soon as it is looked again', async (t) => {
  const { id, sent, saved } = letter();
  await send('bob', sent);
  await nowLying(id, 1, OURS);
  await save('bob', saved, ['\\Answered']);
  await nowLying(id, 2, OURS);
  await due(id);
  const [ours = ''] = await nowLying(id, 1, OURS);
  t.match(ours, /FLAGS \([^)]*\\Answered/);
  const next = await inRecord((on) => on.prepare(`SELECT look_at FROM copies WHERE ${LOOKED_FOR}`).pluck().get(id));
  t.ok(Date.parse(String(next)) > Date.now() + 60_000, `and is looked again at ${next}`);
  const entries = JSON.parse((await must(site.mandat('--json', 'audit', '--mailbox', at('alice')))).stdout);
  const replaced = entries.filter(({ action }: { action: string }) => action === 'copy-replaced');
  t.match(replaced.at(-1), { actor: 'mandat', mailbox: at('alice'), detail: JSON.stringify({ message_id: id }) });
  t.notMatch(JSON.stringify(replaced), /secret|patient|hidden/);
});

t.test('though From is written anew on the way', async (t) => {
  const written = `=?utf-8?q?Dr_Alice?=\r\n <${at('alice')}> (of the lab)`;
  const { id, sent, saved } = letter(written);
  await send('bob', sent);
  const [first = ''] = await nowLying(id, 1, OURS);
  t.notOk(first.includes(written), 'it is');
  await save('bob', saved);
  await due(id);
  await nowLying(id, 1, OURS);
});

t.test('another text under the same Message-ID does not keep the true one out, and stays', async (t) => {
  const { id, sent, saved } = letter();
  const other = saved.replace('Bonjour', 'Adieu');
  await save('bob', other);
  await send('bob', sent);
  await nowLying(id, 2, OURS);
  await save('bob', saved.replace('Subject: secret', 'Subject: Secret'));
  await save('bob', saved.replace('Dr Alice', 'Alice'));
  await due(id);
  const found = await nowLying(id, 4, OURS);
  t.equal(found.filter((one) => /Adieu/.test(one)).length, 1);
});

t.test('what somebody else has sent is no twin, though it says the same', async (t) => {
  const { id, sent } = letter();
  await send('bob', sent);
  await nowLying(id, 1, OURS);
  await send('carol', sent);
  await nowLying(id, 2, /\r\nSender: <carol@lab\.test>\r\n/);
  await due(id);
  await nowLying(id, 2, OURS);
  t.ok(true, 'both stay');
});

t.test('where ours is not seen any more, nothing is taken away', async (t) => {
  const { id, sent, saved } = letter();
  await send('bob', sent);
  await nowLying(id, 1, OURS);
  const alice = await site.login('alice');
  await alice.command('CREATE Filed');
  await alice.command('SELECT Sent');
  await alice.command(`UID MOVE ${/UID (\d+)/.exec((await alice.command('FETCH * (UID)')).lines.join())?.[1]} Filed`);
  alice.close();
  t.equal((await lying(id)).length, 0);
  await save('alice', saved);
  await due(id);
  await nowLying(id, 1, /hidden@far/);
  t.equal((await lying(id, 'Filed')).length, 1);
});

t.test('a restart forgets no look', async (t) => {
  const { id, sent, saved } = letter();
  await send('bob', sent);
  await nowLying(id, 1, OURS);
  await site.stopSidecars();
  await save('bob', saved);
  await inRecord((on) =>
    on.prepare(`UPDATE copies SET look_at = '2020-01-01T00:00:00.000Z' WHERE ${LOOKED_FOR}`).run(id),
  );
  await site.run();
  await nowLying(id, 1, OURS);
  t.ok(true, 'ours is alone');
});

t.test('the mail server is away at the time: it is looked later', async (t) => {
  const { id, sent, saved } = letter();
  await send('bob', sent);
  await nowLying(id, 1, OURS);
  await save('bob', saved);
  await site.lab.stopDovecot();
  await inRecord((on) =>
    on.prepare(`UPDATE copies SET look_at = '2020-01-01T00:00:00.000Z' WHERE ${LOOKED_FOR}`).run(id),
  );
  const lookAt = () => inRecord((on) => on.prepare(`SELECT look_at FROM copies WHERE ${LOOKED_FOR}`).pluck().get(id));
  await waitFor('put off', LIMIT_MS, async () => Date.parse(String(await lookAt())) > Date.now());
  t.equal(await looksOf(id), 0, 'that one does not count');
  await site.lab.startDovecot();
  await due(id);
  await nowLying(id, 1, OURS);
});

t.test('many for one owner go into one session', async (t) => {
  const logins = async () => {
    const log = await readFile(site.lab.logs().dovecot, 'utf8');
    return log.split('\n').filter((line) => /imap-login: .*(?:Login|Logged in): user=<alice@lab\.test>/.test(line))
      .length;
  };
  await site.stopSidecars();
  await site.run();
  const letters = Array.from({ length: 20 }, () => letter());
  const before = await logins();
  await Promise.all(letters.map(({ sent }) => send('bob', sent)));
  const last = letters.at(-1)?.id ?? '';
  const open = () =>
    inRecord((on) => on.prepare("SELECT nonce, attempts, code, message FROM copies WHERE state <> 'stored'").all());
  const noted = () => inRecord((on) => on.prepare(`SELECT count(*) FROM copies WHERE ${LOOKED_FOR}`).pluck().get(last));
  await waitFor('all are stored', 3 * LIMIT_MS, async () => (await open()).length === 0 && (await noted()) === 1);
  const more = (await logins()) - before;
  t.ok(more > 0 && more < 10, `${more} logins for ${letters.length} copies`);
});
