/** From the delegate's mail client to the owner's Sent and the audit trail: Postfix, the filter in a running sidecar, Postfix again, Dovecot. */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import t from 'tap';
import { existingSubmissions } from '../../bridge/store/submissions/submission-db.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { must } from '../cli/desk.ts';
import { postfixDirectory, rewritten } from '../doctor/breakage.ts';
import { grantRow } from './rows.ts';
import { at, type Site, startSite } from './site.ts';
import { submissionAs } from './submission.ts';

const OUT = 'patient@far.test';
const LIMIT_MS = 60_000;
/** smtpd_recipient_limit. */
const MOST_RECIPIENTS = 1000;

let site: Site;
t.before(async () => {
  site = await startSite({
    users: ['alice', 'bob', 'carol', 'dave'],
    chroot: false,
    filter: true,
    extraSubmission: 'copy_delay_seconds = 0\n',
    extraToml: '[guard]\nmax_pairs = 1',
  });
  await site.register('alice', 'bob');
  await site.register('carol');
  await site.register('dave', 'bob');
  await grantRow(site, 'alice', 'bob');
  await grantRow(site, 'dave', 'bob');
  await site.run();
  await site.settled();
});
t.teardown(() => site?.stop());

let count = 0;

async function send(name: string, from: string, header: string) {
  const session = await submissionAs(site, name);
  try {
    const mark = `m${++count}@lab.test`;
    const message = `${header}Message-ID: <${mark}>\r\nTo: <${OUT}>\r\nSubject: secret\r\n\r\nBonjour\r\n`;
    return { mark, ...(await session.sendMail(from, OUT, message)) };
  } finally {
    session.close();
  }
}

async function inSent(owner: string): Promise<readonly string[]> {
  const imap = await site.login(owner);
  await imap.command('SELECT Sent');
  const { lines } = await imap.command('FETCH 1:* (FLAGS BODY.PEEK[])');
  imap.close();
  return lines.filter((line) => / FETCH /.test(line));
}

const inSentNow = (owner: string, number: number) =>
  waitFor(`${number} in Sent of ${owner}`, LIMIT_MS, async () => {
    const found = await inSent(owner);
    return found.length === number && found;
  });

async function outside(mark: string): Promise<string> {
  return waitFor(`${mark} has left`, LIMIT_MS, async () => {
    for (const name of await readdir(site.lab.outside).catch(() => [])) {
      const text = await readFile(path.join(site.lab.outside, name), 'utf8');
      if (text.includes(mark)) return text;
    }
    return undefined;
  });
}

interface Entry {
  readonly action: string;
  readonly detail: string;
  readonly sealed: boolean;
}

const entries = async (...args: readonly string[]) =>
  (JSON.parse((await must(site.mandat('--json', 'audit', ...args))).stdout) as Entry[])
    .filter(({ action }) => action.startsWith('send'))
    .map((entry) => ({ ...entry, detail: JSON.parse(entry.detail) }));

t.test(
  'what a delegate sends for an owner stands in the Sent of that owner, once, as the recipient got it',
  async (t) => {
    const sent = await send('bob', at('alice'), `From: Dr Alice <${at('alice')}>\r\n`);
    t.equal(sent.code, 250, sent.text);
    const [copy = ''] = await inSentNow('alice', 1);
    t.match(copy, /\\Seen/);
    t.match(copy, `From: Dr Alice <${at('alice')}>`);
    t.match(copy, `Sender: <${at('bob')}>`);
    const got = await outside(sent.mark);
    for (const [text, whose] of [
      [copy, 'the copy'],
      [got, "the recipient's"],
    ] as const) {
      t.notMatch(
        text.replace(/^(Delivered-To|X-Original-To):.*$/gm, ''),
        /mandat-copy/,
        `${whose} shows no extra recipient`,
      );
    }
    const told = (text: string) =>
      text
        .replaceAll('\r\n', '\n')
        .split('\n')
        .filter((line) => /^(From|Sender|Message-ID|To|Subject|Bonjour)/.test(line));
    t.same(told(copy), told(got));
  },
);

t.test('it is recorded: who, for whom, how large, to which domains; neither subject nor recipient', async (t) => {
  const [entry, ...others] = await entries('--mailbox', at('alice'));
  t.same(others, []);
  t.match(entry, {
    actor: `delegate:${at('bob')}`,
    action: 'send',
    mailbox: at('alice'),
    delegate: at('bob'),
    detail: { login: at('bob'), message_id: '<m1@lab.test>', recipients: 1, domains: ['far.test'], bytes: Number },
  });
  t.notMatch(JSON.stringify(entry), /patient|secret|mandat-copy/);
  await waitFor('the sidecar seals it', LIMIT_MS, async () => (await entries())[0]?.sealed === true);
});

t.test('what they send for themselves is nobody else’s business', async (t) => {
  const sent = await send('bob', at('bob'), `From: <${at('bob')}>\r\n`);
  t.equal(sent.code, 250);
  await outside(sent.mark);
  t.equal((await entries()).length, 1);
  t.equal((await inSent('bob')).length, 0);
});

t.test('a refused attempt is recorded, with the mailbox that it was about, and no stranger’s address', async (t) => {
  t.equal((await send('bob', at('bob'), `From: <${at('carol')}>\r\n`)).code, 550);
  t.equal((await send('carol', at('carol'), 'From: <255069999999934@patient.mssante.fr>\r\n')).code, 550);
  const [, about, stranger] = await entries();
  t.match(about, { actor: `delegate:${at('bob')}`, action: 'send-refused', mailbox: at('carol') });
  t.match(stranger, { actor: `login:${at('carol')}`, action: 'send-refused', mailbox: null });
  t.match(stranger?.detail.why, /^5\.7\.1 <\.\.\.>: carol@lab\.test may not send/);
  t.notMatch(JSON.stringify(stranger), /2550699/);
});

t.test('sent for two owners together, it stands in the Sent of both, and in the record of both', async (t) => {
  const sent = await send('bob', at('alice'), `From: <${at('alice')}>, <${at('dave')}>, <${at('bob')}>\r\n`);
  t.equal(sent.code, 250, sent.text);
  const [copy = ''] = await inSentNow('dave', 1);
  t.match(copy, `From: <${at('alice')}>, <${at('dave')}>, <${at('bob')}>`);
  t.match(copy, `Sender: <${at('bob')}>`);
  await inSentNow('alice', 2);
  t.equal((await inSent('bob')).length, 0, 'their own is their mail client’s');
  t.notMatch(await outside(sent.mark), /mandat-copy/);
  const [own, other, ...more] = (await entries()).filter(({ detail }) => detail.message_id === `<${sent.mark}>`);
  t.same(more, []);
  t.match([own, other], [{ mailbox: at('alice') }, { mailbox: at('dave') }]);
  t.match([own, other], [{ action: 'send' }, { action: 'send' }]);
  t.same(own?.detail, other?.detail);
});

t.test('as many recipients as Postfix takes of a client, and the copy besides', async (t) => {
  const session = await submissionAs(site, 'bob');
  await session.command(`MAIL FROM:<${at('dave')}>`);
  for (let number = 1; number <= MOST_RECIPIENTS; number++) {
    const { code, text } = await session.command(`RCPT TO:<p${number}@far.test>`);
    if (code !== 250) throw new Error(`recipient ${number}: ${code} ${text}`);
  }
  t.match(await session.command('RCPT TO:<one-more@far.test>'), { code: 452 }, 'as many as it takes');
  await session.command('DATA');
  const message = `From: <${at('dave')}>\r\nMessage-ID: <many@lab.test>\r\n\r\nBonjour\r\n`;
  const { code, text } = await session.dataBytes(Buffer.from(`${message}.\r\n`));
  t.equal(code, 250, text);
  session.close();
  await inSentNow('dave', 2);
  const entry = (await entries('--mailbox', at('dave'))).at(-1);
  t.match(entry?.detail, { message_id: '<many@lab.test>', recipients: MOST_RECIPIENTS, domains: ['far.test'] });
});

t.test('a copy that Postfix does not take holds no message up, and status tells', async (t) => {
  const mend = await rewritten(path.join(postfixDirectory(site), 'master.cf'), (text) =>
    text.replace(
      '-o smtpd_recipient_restrictions=permit_mynetworks,reject',
      '-o { smtpd_recipient_restrictions = check_recipient_access inline:{mandat-copy.invalid=REJECT}, permit_mynetworks, reject }',
    ),
  );
  await site.lab.stopPostfix();
  await site.lab.startPostfix();
  const sent = await send('bob', at('alice'), `From: <${at('alice')}>\r\n`);
  t.equal(sent.code, 250, sent.text);
  await outside(sent.mark);
  const { status, stdout } = await site.mandat('status');
  t.equal(status, 1);
  t.match(stdout, /^alice@lab\.test: 1 copy not in Sent.*config: Postfix has not taken the copy's recipient/m);
  await mend();
  await site.lab.stopPostfix();
  await site.lab.startPostfix();
  t.equal((await send('bob', at('alice'), `From: <${at('alice')}>\r\n`)).code, 250);
  await inSentNow('alice', 3);
});

t.test(
  'delegations that have gone by accident: they keep their message until it is known whether it was one',
  async (t) => {
    const rows = `mailbox IN ('${at('alice')}', '${at('dave')}')`;
    await site.sql(`DELETE FROM delegation WHERE ${rows}`);
    await waitFor('the guard holds', LIMIT_MS, async () => (await site.mandat('status')).stdout.includes('held'));
    const kept = await send('bob', at('alice'), `From: <${at('alice')}>\r\n`);
    t.match(kept, {
      code: 451,
      text: /^4\.3\.0 <alice@lab\.test>: bob@lab\.test has lost the right .* together with many/,
    });
    for (const owner of ['alice', 'dave']) await grantRow(site, owner, 'bob');
    t.equal((await send('bob', at('alice'), `From: <${at('alice')}>\r\n`)).code, 250, 'as soon as the rows are back');
    await inSentNow('alice', 4);
    await site.settled();
  },
);

t.test('what was said to be sent is recorded though the sidecar is killed then', async (t) => {
  const before = (await entries()).length;
  const session = await submissionAs(site, 'bob');
  const message = `From: <${at('alice')}>\r\nMessage-ID: <killed@lab.test>\r\n\r\nx\r\n`;
  t.equal((await session.sendMail(at('alice'), OUT, message)).code, 250);
  await site.stopSidecars('SIGKILL');
  session.close();
  const all = await entries();
  t.equal(all.length, before + 1);
  t.equal(all.at(-1)?.detail.message_id, '<killed@lab.test>');
  await site.run();
  await waitFor('the copy comes after', LIMIT_MS, async () => {
    const store = existingSubmissions(path.join(site.lab.directory, 'private/submission.db'));
    const missing = ((await store?.missing()) ?? []).filter(({ state }) => state === 'waiting');
    store?.close();
    return missing.length > 0 || (await inSent('alice')).length === 5;
  });
});
