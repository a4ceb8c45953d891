/** Copies for owners' Sent folders, from Postfix's queue into real mailboxes: once, whole, and what becomes of those that fail. */
import { execFile } from 'node:child_process';
import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { pino } from 'pino';
import t from 'tap';
import { copyListener, copyRoute } from '../../bridge/doctor/copies.ts';
import { openSubject } from '../../bridge/doctor/examined-site.ts';
import { dataFiles } from '../../bridge/store/files/data-files.ts';
import { openSubmissions, type SubmissionStore } from '../../bridge/store/submissions/submission-db.ts';
import { existingSealKey } from '../../bridge/store/trail/sealing.ts';
import { type Bookkeeping, openBookkeeping } from '../../bridge/submission/bookkeeping.ts';
import { type CopyTicket, copyKey, copyTicket, writtenTicket } from '../../bridge/submission/copy-address.ts';
import { rfc5322 } from '../../config/lab/deliver.ts';
import { waitFor } from '../../config/lab/wait.ts';
import type { Config } from '../../config/schema.ts';
import { type Mend, postfixDirectory, rewritten } from '../doctor/breakage.ts';
import { configOf } from './inside.ts';
import { quota } from './quota.ts';
import { at, type Site, startSite } from './site.ts';
import { submissionAs } from './submission.ts';

const COPY_DOMAIN = 'mandat-copy.invalid';
const LIMIT_MS = 60_000;

/** alice's folder has the special use, in a language of its own; bob's has a name that is known; dave has none. */
const FOLDERS = `
namespace inbox {
  mailbox Sent {
    auto = no
    special_use =
  }
  mailbox Gesendete {
    auto = no
    special_use = \\Sent
  }
}
`;
const QUOTA = quota('30M');
const DOVECOT = { '2.3': QUOTA['2.3'] + FOLDERS, '2.4': QUOTA['2.4'] + FOLDERS };

let site: Site;
let store: SubmissionStore;
let key: Buffer;
let reception: Bookkeeping | undefined;
const lines: Record<string, unknown>[] = [];

async function receive(
  change: { readonly delay?: number; readonly imap?: Partial<Config['imap']> } = {},
): Promise<void> {
  const { imap, submission, ...rest } = configOf(site);
  if (submission === undefined) throw new Error('the site has no [submission]');
  const log = pino({ level: 'debug' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  reception = await openBookkeeping(
    {
      ...rest,
      imap: { ...imap, ...change.imap },
      submission: { ...submission, copyDelaySeconds: change.delay ?? 0 },
    },
    {},
    log,
  );
}

t.before(async () => {
  site = await startSite({
    users: ['alice', 'bob', 'carol', 'dave'],
    copies: true,
    extraDovecot: DOVECOT,
    extraToml: '[submission]\ncopy_listen = "copy.sock"\nsent_folders = "Sent, Envoyés"\n',
    extraMain: 'message_size_limit = 60000000\nmailbox_size_limit = 0\nvirtual_mailbox_limit = 0',
  });
  for (const owner of ['alice', 'bob', 'carol', 'dave']) await site.register(owner);
  for (const [name, folder] of [
    ['alice', 'Gesendete'],
    ['bob', 'Envoy&AOk-s'],
  ] as const) {
    const imap = await site.login(name);
    await imap.command(`CREATE "${folder}"`);
    imap.close();
  }
  const files = dataFiles(configOf(site).dataDir);
  store = openSubmissions(files.submissions);
  key = copyKey(existingSealKey(files.sealKey));
  await receive();
});
t.teardown(async () => {
  await reception?.close();
  store?.close();
  await site?.stop();
});

/** The mailbox ids are those of {@link site}.register, in order. */
const ID: Readonly<Record<string, number>> = { alice: 1, bob: 2, carol: 3, dave: 4 };

const ticketFor = (owner: string, messageId: string | undefined, sentAt = new Date()) =>
  copyTicket(key, { mailboxId: ID[owner] ?? 0, messageId, sentAt });

const idOf = (message: string) => /^Message-ID: (.*)$/im.exec(message)?.[1]?.trim();
const letter = (body = 'On behalf.') => rfc5322({ from: at('alice'), to: 'x@far.test', subject: 'Letter', body });

/** Sends as the owner to somebody far away, and to the ticket. */
async function send(owner: string, message: string, ticket: CopyTicket, domain = COPY_DOMAIN): Promise<void> {
  const smtp = await submissionAs(site, owner);
  for (const line of [
    `MAIL FROM:<${at(owner)}> BODY=8BITMIME`,
    'RCPT TO:<patient@far.test>',
    `RCPT TO:<${writtenTicket(ticket)}@${domain}> NOTIFY=NEVER`,
    'DATA',
  ]) {
    const { code, text } = await smtp.command(line);
    if (code >= 400) throw new Error(`${line}: ${code} ${text}`);
  }
  const { code, text } = await smtp.dataBytes(`${message.replace(/^\./gm, '..')}.\r\n`);
  if (code !== 250) throw new Error(`${code} ${text}`);
  smtp.close();
}

/** What lies in the folder, a literal whole. */
async function inFolder(owner: string, folder: string, items = 'FLAGS INTERNALDATE'): Promise<readonly string[]> {
  const imap = await site.login(owner);
  await imap.command(`EXAMINE "${folder}"`);
  const { lines: fetched } = await imap.command(`FETCH 1:* (${items})`);
  imap.close();
  return fetched.filter((line) => / FETCH /.test(line));
}

const nowIn = (owner: string, folder: string, count: number) =>
  waitFor(
    `${count} in ${folder} of ${owner}`,
    LIMIT_MS,
    async () => {
      const found = await inFolder(owner, folder);
      return found.length === count && found;
    },
    () => lines.map((line) => JSON.stringify(line)).join('\n'),
  );

async function queue(): Promise<readonly { reason: string; address: string; queue: string }[]> {
  const { stdout } = await promisify(execFile)('postqueue', ['-c', postfixDirectory(site), '-j']);
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))
    .flatMap(({ queue_name, recipients }) =>
      recipients.map((one: { delay_reason?: string; address: string }) => ({
        reason: one.delay_reason ?? '',
        address: one.address,
        queue: queue_name,
      })),
    );
}
const flush = () => promisify(execFile)('postqueue', ['-c', postfixDirectory(site), '-f']);
const emptied = () => waitFor('the queue is empty', LIMIT_MS, async () => (await queue()).length === 0);
async function deferred(matching: RegExp) {
  let seen: Awaited<ReturnType<typeof queue>> = [];
  const look = async () => {
    seen = await queue();
    return seen.find((one) => one.queue === 'deferred' && matching.test(one.reason));
  };
  return waitFor(`deferred, ${matching}`, LIMIT_MS, look, () => JSON.stringify(seen));
}

t.test('the copy stands in Sent, read, with the date of sending, byte for byte what the recipients got', async (t) => {
  const body = `.a dot\n8 bits: é\n${'x'.repeat(1500)}`;
  const message = letter(body);
  const sentAt = new Date(Date.now() - 3_600_000);
  await send('alice', `Bcc: hidden@far.test\r\n${message}`, ticketFor('alice', idOf(message), sentAt));
  const [found = ''] = await nowIn('alice', 'Gesendete', 1);
  t.match(found, /\\Seen/);
  const date = /INTERNALDATE "([^"]*)"/.exec(found)?.[1] ?? '';
  t.ok(Math.abs(Date.parse(date) - sentAt.getTime()) < 2000, date);
  const [whole = ''] = await inFolder('alice', 'Gesendete', 'BODY.PEEK[]');
  t.ok(whole.includes(message.slice(0, -2)), 'the message whole, long line unbroken');
  t.notMatch(whole, new RegExp(COPY_DOMAIN), 'without the extra recipient');
  t.notMatch(whole, /hidden@far/, 'nor the Bcc line, which Postfix takes out of every message');
  const outside = await waitFor('it has left', LIMIT_MS, async () => (await readdir(site.lab.outside))[0]);
  const left = await readFile(path.join(site.lab.outside, outside), 'utf8');
  t.ok(left.includes('patient@far.test'), 'the recipient got it');
  t.notMatch(left, new RegExp(COPY_DOMAIN), 'and saw nothing of the extra one');
  t.same(await store.missing(), []);
});

t.test('once only: where a client has saved it, where we have stored it, and not by half a Message-ID', async (t) => {
  const message = letter('saved by the client');
  const alice = await site.login('alice');
  await alice.append('Gesendete', message);
  alice.close();
  const mine = ticketFor('alice', idOf(message));
  await send('alice', message, mine);
  await emptied();
  await nowIn('alice', 'Gesendete', 2);
  t.ok(await store.isStored(mine.nonce), 'counts as stored');

  const other = letter('sent once, brought twice').replace(/^Message-ID: .*$/m, 'Message-ID: <a@lab.test>');
  const again = ticketFor('alice', '<a@lab.test>');
  await send('alice', other, again);
  await nowIn('alice', 'Gesendete', 3);
  await send('alice', other, again);
  await emptied();
  await nowIn('alice', 'Gesendete', 3);

  const part = letter('part of another').replace(/^Message-ID: .*$/m, 'Message-ID: <@lab.test>');
  await send('alice', part, ticketFor('alice', '<@lab.test>'));
  await nowIn('alice', 'Gesendete', 4);

  const none = letter('without').replace(/^Message-ID: .*\r\n/m, '');
  await send('alice', none, ticketFor('alice', undefined));
  await nowIn('alice', 'Gesendete', 5);
});

t.test('a folder is found by its name where none has the special use', async () => {
  const message = letter();
  await send('bob', message, ticketFor('bob', idOf(message)));
  await nowIn('bob', 'Envoy&AOk-s', 1);
});

t.test('nobody plants a message by writing to such an address', async (t) => {
  const message = letter('planted');
  const good = ticketFor('alice', idOf(message));
  const cases: readonly (readonly [CopyTicket, string])[] = [
    [{ ...good, mac: '0'.repeat(24) }, 'a MAC that is guessed'],
    [{ ...good, mailboxId: 2 }, "somebody else's mailbox"],
    [{ ...good, nonce: 'f'.repeat(16) }, 'another nonce'],
    [ticketFor('alice', '<another@lab.test>'), "another message's"],
    [ticketFor('alice', idOf(message), new Date(Date.now() - 11 * 86_400_000)), 'one kept for days'],
  ];
  for (const [ticket] of cases) await send('alice', message, ticket);
  await emptied();
  t.equal((await inFolder('alice', 'Gesendete')).length, 5);
  t.equal((await inFolder('bob', 'Envoy&AOk-s')).length, 1);
  t.same(await store.missing(), [], 'and fills no table');
  const log = await readFile(site.lab.logs().postfix, 'utf8');
  t.match(log, /status=bounced.*5\.7\.1 a copy was refused: mandat did not make/);
  t.notMatch(log, /from=<>/, 'no notice of it goes to anybody');
});

t.test('25 MB pass; a full mailbox keeps the copy in the queue until there is room', { timeout: 90_000 }, async (t) => {
  const big = letter(`${'A'.repeat(76)}\n`.repeat(340_000));
  await send('alice', big, ticketFor('alice', idOf(big)));
  await nowIn('alice', 'Gesendete', 6);
  const more = letter(`${'B'.repeat(76)}\n`.repeat(80_000));
  const mine = ticketFor('alice', idOf(more));
  await send('alice', more, mine);
  const waiting = await deferred(/4\.2\.2/);
  t.match(waiting.reason, /the mailbox is full: make room/);
  t.match(await store.missing(), [
    { nonce: mine.nonce, mailbox: at('alice'), state: 'waiting', attempts: 1, code: 'retry' },
  ]);
  const alice = await site.login('alice');
  await alice.command('SELECT "Gesendete"');
  await alice.command('STORE 6 +FLAGS.SILENT (\\Deleted)');
  await alice.command('EXPUNGE');
  alice.close();
  await flush();
  await nowIn('alice', 'Gesendete', 6);
  t.same(await store.missing(), []);
});

t.test('no Sent, no IMAP server, a wrong login, no listener, no such mailbox', async (t) => {
  const message = letter();
  await send('dave', message, ticketFor('dave', idOf(message)));
  t.match((await deferred(/no folder for sent/)).reason, /none is called Sent/);
  t.match(await store.missing(), [{ mailbox: at('dave'), state: 'waiting', code: 'config', hint: /make one there/ }]);
  const dave = await site.login('dave');
  await dave.command('CREATE Sent');
  dave.close();
  await flush();
  await nowIn('dave', 'Sent', 1);

  const gone = letter('for nobody');
  await send('alice', gone, copyTicket(key, { mailboxId: 99, messageId: idOf(gone), sentAt: new Date() }));
  await emptied();
  t.match(await store.missing(), [{ mailbox: '(mailbox 99)', state: 'failed', code: 'absent' }]);

  await reception?.close();
  const later = letter('while nobody listens');
  await send('bob', later, ticketFor('bob', idOf(later)));
  await deferred(/copy\.sock/);
  for (const [wrong, reason] of [
    [{ port: 1 }, /4\.3\.0 the IMAP server at 127\.0\.0\.1:1 can't be reached/],
    [{ adminUser: 'nobody' }, /4\.3\.0 the IMAP server refused to log nobody in as bob@lab\.test/],
  ] as const) {
    await receive({ imap: wrong });
    await flush();
    await deferred(reason);
    await reception?.close();
  }
  t.match((await store.missing()).at(-1), { mailbox: at('bob'), attempts: 2, code: 'config', hint: /master passdb/ });
  await receive();
  t.equal((await stat(site.lab.copySocket)).mode & 0o777, 0o660);
  await flush();
  await nowIn('bob', 'Envoy&AOk-s', 2);
});

t.test('doctor looks at the route, and at where copies are taken', async (t) => {
  const subject = openSubject(configOf(site), {}, { postfixConfig: postfixDirectory(site) });
  t.teardown(() => subject.close());
  t.match(await copyListener.look(subject), { status: 'ok', seen: /copy\.sock, mode 660, root:postfix/ });
  const inPostfix = (file: string, from: RegExp, to: string) => () =>
    rewritten(path.join(postfixDirectory(site), file), (text) => text.replace(from, to));
  const rows: readonly (readonly [() => Promise<Mend>, 'ok' | 'warn' | 'fail', RegExp])[] = [
    [async () => () => {}, 'ok', /mandat-copy\.invalid goes to mandat-copy:unix:.*copy\.sock/],
    [inPostfix('main.cf', /mandat-copy\.invalid = .*\}\}/, '}'), 'fail', /to nobody: copies are lost/],
    [inPostfix('main.cf', /copy\.sock/, 'other.sock'), 'fail', /to mandat-copy:unix:.*other\.sock/],
    [
      inPostfix('main.cf', /^virtual_mailbox_domains = /m, '$&mandat-copy.invalid, '),
      'fail',
      /takes mail for it from anybody/,
    ],
    [inPostfix('master.cf', /^mandat-copy +unix/m, 'mandat-other unix'), 'fail', /no service mandat-copy/],
    [inPostfix('master.cf', /^(mandat-copy +unix +- +- +)n/m, '$1y'), 'fail', /chrooted/],
    [inPostfix('main.cf', /^message_size_limit = .*$/m, 'message_size_limit = 0'), 'warn', /octets is refused/],
  ];
  for (const [breaking, status, seen] of rows) {
    const mend = await breaking();
    const fresh = openSubject(configOf(site), {}, { postfixConfig: postfixDirectory(site) });
    t.match(await copyRoute.look(fresh), { status, seen });
    await fresh.close();
    await mend();
  }
  await reception?.close();
  t.match(await copyListener.look(subject), { status: 'warn', seen: /nobody takes copies/ });
  await receive();
});

t.test('a copy waits for what the mail client saves itself', async (t) => {
  await reception?.close();
  await receive({ delay: 3 });
  const message = letter('saved a moment later');
  const mine = ticketFor('bob', idOf(message));
  await send('bob', message, mine);
  const bob = await site.login('bob');
  await bob.append('Envoy&AOk-s', message);
  bob.close();
  await waitFor('it is settled', LIMIT_MS, () => store.isStored(mine.nonce));
  t.equal((await inFolder('bob', 'Envoy&AOk-s')).length, 3);
});
