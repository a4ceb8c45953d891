/** What must come through the filter and two Postfix services as it was written, and what must never come out as two messages. R31. */
import { createHash, createSign, createVerify, generateKeyPairSync, randomBytes } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pino } from 'pino';
import t from 'tap';
import { openSenderMap } from '../../bridge/store/published/sender-map.ts';
import { type Submission, startSubmission } from '../../bridge/submission/service.ts';
import type { RawSmtp } from '../../config/lab/raw-smtp.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { configOf } from './inside.ts';
import { at, password, type Site, startSite } from './site.ts';
import { submissionAs } from './submission.ts';

const OUT = 'patient@elsewhere.test';
const MOST = 200_000;
/** smtpd_timeout, in seconds. */
const TIMEOUT = 3;
const LIMIT_MS = 60_000;

let site: Site;
let filter: Submission;
t.before(async () => {
  site = await startSite({
    users: ['alice', 'bob'],
    chroot: false,
    filter: true,
    extraSubmission: 'sent_copy = "none"',
    extraMain: `smtputf8_enable = yes\nmessage_size_limit = ${MOST}\nmailbox_size_limit = 0\nvirtual_mailbox_limit = 0`,
    submissionOptions: [`smtpd_timeout=${TIMEOUT}s`],
  });
  await site.register('alice', 'bob');
  await site.sql(`INSERT INTO delegation (mailbox, delegate) VALUES ('${at('alice')}', '${at('bob')}')`);
  const map = openSenderMap(site.lab.senderDirectory);
  map.publish(
    1,
    [at('alice'), at('bob')].map((login) => ({ address: at('alice'), login })),
  );
  map.close();
  filter = await startSubmission(configOf(site), pino({ level: 'silent' }));
});
t.teardown(async () => {
  await filter?.close();
  await site?.stop();
});

const sessions: RawSmtp[] = [];
t.afterEach(() => {
  for (const session of sessions.splice(0)) session.close();
});

async function bob(): Promise<RawSmtp> {
  const session = await submissionAs(site, 'bob');
  sessions.push(session);
  return session;
}

/** Of bob for alice, in this mode from now on. */
async function inMode(mode: 'on-behalf' | 'send-as'): Promise<void> {
  const { submission, ...rest } = configOf(site);
  if (submission === undefined) throw new Error('the site has no [submission]');
  await filter.reload({ ...rest, submission: { ...submission, mode } });
}

async function outside(mark: string): Promise<readonly Buffer[]> {
  const names = await readdir(site.lab.outside).catch(() => []);
  const all = await Promise.all(names.map((name) => readFile(path.join(site.lab.outside, name))));
  return all.filter((message) => message.includes(mark));
}

async function arrived(mark: string): Promise<Buffer> {
  return waitFor(`${mark} has left`, LIMIT_MS, async () => (await outside(mark))[0]);
}

const marked = () => `m${randomBytes(6).toString('hex')}`;

/** The answers to an envelope and its message; the dots are the caller's. */
async function say(session: RawSmtp, mail: string, rcpt: string, bytes: string | Buffer) {
  for (const line of [mail, rcpt]) {
    const answer = await session.command(line);
    if (answer.code !== 250) return answer;
  }
  const data = await session.command('DATA');
  return data.code === 354 ? session.dataBytes(bytes) : data;
}

const MAIL = `MAIL FROM:<${at('alice')}>`;
const RCPT = `RCPT TO:<${OUT}>`;

t.test('SMTPUTF8: header, address and body in UTF-8 arrive as they were written', async (t) => {
  const mark = marked();
  const to = 'Zoë@bücher.test';
  const header = [
    `From: "Dr Élodie Müller" <${at('alice')}>`,
    `To: Zoë Ångström <${to}>`,
    'Subject: Résultats — 診療',
    `Message-ID: <${mark}@lab.test>`,
    'Date: Mon, 23 Nov 2026 08:00:00 +0000',
  ];
  const body = 'Déjà vu ☂\r\n';
  const message = Buffer.from(`${header.join('\r\n')}\r\n\r\n${body}.\r\n`);
  const answer = await say(await bob(), `${MAIL} BODY=8BITMIME SMTPUTF8`, `RCPT TO:<${to}>`, message);
  t.equal(answer.code, 250, answer.text);
  const text = (await arrived(mark)).toString('utf8');
  for (const line of header) t.ok(text.includes(`\n${line}\n`), line);
  t.ok(text.endsWith(`\n\n${body.replace('\r\n', '\n')}`), 'the body');
  t.match(text, `X-Original-To: ${to}`, 'the envelope');
  t.match(text, `\nSender: <${at('bob')}>\n`);

  const forged = Buffer.from(`From: <chef@bücher.test>\r\n\r\nx\r\n.\r\n`);
  const refused = await say(await bob(), `${MAIL} BODY=8BITMIME SMTPUTF8`, RCPT, forged);
  t.match(refused, { code: 550, text: /^5\.7\.1 <chef@bücher\.test>: bob@lab\.test may not send/ });
  const unannounced = await say(
    await bob(),
    `${MAIL} BODY=8BITMIME`,
    RCPT,
    Buffer.from(message.toString().replace(mark, `un${mark}`)),
  );
  t.equal(unannounced.code, 250, unannounced.text);
  const encoded = (await arrived(`un${mark}`)).toString('utf8');
  t.match(encoded, `\nFrom: =?utf-8?Q?Dr_=C3=89lodie_M=C3=BCller?= <${at('alice')}>\n`, 'the name in From, encoded');
  t.ok(encoded.includes(`\n${header[2]}\n`), 'and the subject as it came');
});

// RFC 6376 section 3.4, one line a rule; `h=` names fields from the bottom up.
type Canon = 'simple' | 'relaxed';
const fold = (text: string) => text.replace(/[ \t]*\r\n/g, '\r\n').replace(/[ \t]+/g, ' ');
const bodyOf = (message: string, canon: Canon) => {
  const body = message.slice(message.indexOf('\r\n\r\n') + 4);
  return `${(canon === 'relaxed' ? fold(body) : body).replace(/(?:\r\n)*$/, '')}\r\n`;
};
const fieldOf = (raw: string, canon: Canon) => {
  if (canon === 'simple') return raw;
  const [, name = '', value = ''] = /^([^:]+?)[ \t]*:([\s\S]*)$/.exec(raw.replace(/\r\n(?=[ \t])/g, '')) ?? [];
  return `${name.toLowerCase()}:${value.replace(/[ \t]+/g, ' ').trim()}\r\n`;
};
function signedPart(message: string, names: readonly string[], canon: Canon): string {
  const fields = message.slice(0, message.indexOf('\r\n\r\n') + 2).split(/(?<=\r\n)(?![ \t])/);
  return names
    .map((name) => {
      const found = fields.findLastIndex((raw) => raw.toLowerCase().startsWith(`${name}:`));
      return found < 0
        ? ''
        : fields
            .splice(found, 1)
            .map((raw) => fieldOf(raw, canon))
            .join('');
    })
    .join('');
}
const hashOf = (message: string, canon: Canon) =>
  createHash('sha256').update(bodyOf(message, canon), 'latin1').digest('base64');

const key = generateKeyPairSync('rsa', { modulusLength: 2048 });
const PREFIX = 'DKIM-Signature: ';

function sign(message: string, names: readonly string[], canon: Canon): string {
  const tags = `${PREFIX}v=1; a=rsa-sha256; c=${canon}/${canon}; d=lab.test; s=x;\r\n\th=${names.join(':')};\r\n\tbh=${hashOf(message, canon)};\r\n\tb=`;
  const part = signedPart(message, names, canon) + fieldOf(`${tags}\r\n`, canon).replace(/\r\n$/, '');
  return `${tags}${createSign('sha256').update(part, 'latin1').sign(key.privateKey, 'base64')}\r\n${message}`;
}

function verifies(message: string): boolean {
  const [field = ''] = /^DKIM-Signature:(?:.*\r\n)(?:[ \t].*\r\n)*/m.exec(message) ?? [];
  const canon = /c=(simple|relaxed)\//.exec(field)?.[1] as Canon;
  const names = /\th=([^;]+);/.exec(field)?.[1]?.split(':') ?? [];
  if (/bh=([^;]+);/.exec(field)?.[1] !== hashOf(message, canon)) return false;
  const unsigned = fieldOf(field.replace(/\tb=[\s\S]*$/, '\tb=\r\n'), canon).replace(/\r\n$/, '');
  return createVerify('sha256')
    .update(signedPart(message, names, canon) + unsigned, 'latin1')
    .verify(key.publicKey, /\tb=([^;]+)\r\n$/.exec(field)?.[1] ?? '', 'base64');
}

t.test(
  'a DKIM signature made before the filter verifies after it, unless it covers a Sender that changes',
  async (t) => {
    const covered = ['from', 'to', 'subject', 'date', 'message-id'];
    const verified = async (names: readonly string[], canon: Canon) => {
      const mark = marked();
      const message = sign(
        `FROM:  Dr Alice\r\n\t<${at('alice')}> \r\nTo: a@elsewhere.test,\r\n  b@elsewhere.test\r\nsubject:\t caf=  \r\nDate: Mon, 23 Nov 2026 08:00:00 +0000\r\nMessage-ID: <${mark}@lab.test>\r\nX-Odd:\t \r\n\r\n caf\u00e9  \t x \r\n\r\n..a\r\n${'y'.repeat(900)}\r\n\r\n\r\n`,
        names,
        canon,
      );
      t.ok(verifies(message), 'the verifier takes what was signed');
      const stuffed = `${message.replace(/^\./gm, '..')}.\r\n`;
      const answer = await say(await bob(), `${MAIL} BODY=8BITMIME`, RCPT, Buffer.from(stuffed, 'latin1'));
      t.equal(answer.code, 250, answer.text);
      const got = (await arrived(mark)).toString('latin1').replaceAll('\n', '\r\n');
      t.notOk(verifies(got.replace('caf', 'CAF')), 'and not what was changed');
      return verifies(got);
    };
    for (const mode of ['on-behalf', 'send-as'] as const) {
      await inMode(mode);
      for (const canon of ['simple', 'relaxed'] as const) t.ok(await verified(covered, canon), `${mode}, ${canon}`);
      t.equal(await verified([...covered, 'sender'], 'relaxed'), mode === 'send-as', `${mode}, over the absent Sender`);
    }
    await inMode('on-behalf');
  },
);

t.test('signed, and From not plain: refused rather than written anew, which would break the signature', async (t) => {
  for (const [from, code] of [
    [`"Dr, Alice"\r\n\t<${at('alice')}>`, 250],
    [`"Dr,\r\n Alice" <${at('alice')}>`, 550],
    [`Dr. Alice <${at('alice')}>`, 550],
    [`Alice (x) <${at('alice')}>`, 550],
  ] as const) {
    const unsigned = `From: ${from}\r\nMessage-ID: <${marked()}@lab.test>\r\n\r\nx\r\n`;
    const answer = await say(await bob(), MAIL, RCPT, Buffer.from(`${sign(unsigned, ['from'], 'simple')}.\r\n`));
    t.equal(answer.code, code, answer.text);
    if (code === 550) t.match(answer.text, /^5\.6\.0 From is not in the form .* a DKIM signature covers it/);
    t.equal((await say(await bob(), MAIL, RCPT, Buffer.from(`${unsigned}.\r\n`))).code, 250, 'unsigned it passes');
  }
});

const QUEUED = /^250 2\.0\.0 Ok: queued as/;
const answers = ({ transcript }: RawSmtp) =>
  transcript.utterances.flatMap(({ from, text }) => (from === 'server' ? [text] : []));

t.test('whatever ends a line or a message for others: one DATA is never two messages', async (t) => {
  const ends = ['\n.\n', '\n.\r\n', '\r\n.\n', '\r.\r\n', '\r.\r', '\r\n.\r', '\n.\r', '\r\n\0.\r\n', '\r\n.\0\r\n'];
  const tried = ends.map((end) => ({ end, mark: marked(), taken: 0 }));
  await Promise.all(
    tried.map(async (one) => {
      const { end, mark } = one;
      const letter = (which: string) => `From: <${at('bob')}>\r\nMessage-ID: <${mark}.${which}@lab.test>\r\n\r\n`;
      const second = `MAIL FROM:<${at('bob')}>\r\n${RCPT}\r\nDATA\r\n${letter('second')}smuggled\r\n.\r\nQUIT\r\n`;
      const session = await bob();
      const bytes = Buffer.from(`${letter('first')}x${end}${second}`, 'latin1');
      await say(session, `MAIL FROM:<${at('bob')}>`, RCPT, bytes);
      await waitFor(`the end after ${JSON.stringify(end)}`, LIMIT_MS, () =>
        answers(session).some((line) => /^(221|421) /.test(line)),
      );
      one.taken = answers(session).filter((line) => QUEUED.test(line)).length;
    }),
  );
  for (const { end, taken } of tried) t.ok(taken <= 1, `${JSON.stringify(end)}: ${taken} queued`);
  for (const { end, mark, taken } of tried) {
    const got = await waitFor(`${JSON.stringify(end)} has left`, LIMIT_MS, async () => {
      const found = await outside(mark);
      return found.length >= taken && found;
    });
    t.equal(got.length, taken, JSON.stringify(end));
  }
});

t.test('too large: refused by SIZE at MAIL, by its bytes after the dot, and nothing of it leaves', async (t) => {
  const announced = await (await bob()).command(`MAIL FROM:<${at('bob')}> SIZE=${MOST + 1}`);
  t.match(announced, { code: 552, text: /^5\.3\.4 Message size exceeds fixed limit/ });
  const mark = marked();
  const session = await bob();
  const send = (lines: number) => {
    const body = `${'x'.repeat(98)}\r\n`.repeat(lines);
    const message = `From: <${at('bob')}>\r\nMessage-ID: <${mark}@lab.test>\r\n\r\n${body}`;
    return session.sendMail(at('bob'), OUT, message);
  };
  t.match(await send(MOST / 100), { at: 'DATA', code: 552, text: /^5\.3\.4 (?!Message size)/ }, 'by its bytes');
  t.equal((await send(MOST / 110)).code, 250, 'and a smaller one passes, in the same session');
  await arrived(mark);
  t.equal((await outside(mark)).length, 1);
});

t.test('a client that drips is waited for; one that stops is cut off, and nothing of theirs leaves', async (t) => {
  const steady = marked();
  const stopped = marked();
  const letter = (mark: string) => `From: <${at('bob')}>\r\nMessage-ID: <${mark}@lab.test>\r\n\r\n`;
  const began = performance.now();
  const [answer, end] = await Promise.all([
    drip([...(letter(steady).match(/[\s\S]{1,4}/g) ?? []), 'x\r\n', '.\r\n'], (heard) => /^250 2/m.test(heard)),
    drip([letter(stopped), 'half'], (heard) => /^4\d\d /m.test(heard)),
  ]);
  t.ok(performance.now() - began > 1000 * TIMEOUT, 'longer than Postfix waits for one that says nothing');
  t.match(answer, /^250 2\.0\.0 Ok: queued/m);
  t.match(end, /^421 4\.4\.2 .*timeout/m);
  await arrived(steady);
  t.same(await outside(stopped), []);
});

/** A message in these pieces, a moment between them. Answers what was said after DATA, when that is enough. */
async function drip(pieces: readonly string[], enough: (heard: string) => boolean): Promise<string> {
  const socket = net.connect({ ...site.lab.submission, noDelay: true });
  let heard = '';
  socket.on('error', () => {});
  socket.setEncoding('utf8').on('data', (text: string) => {
    heard += text;
  });
  const plain = Buffer.from(`\0${at('bob')}\0${password('bob')}`).toString('base64');
  for (const line of ['EHLO c', `AUTH PLAIN ${plain}`, `MAIL FROM:<${at('bob')}>`, RCPT, 'DATA']) {
    await waitFor('an answer', LIMIT_MS, () => /^\d{3} .*\r\n$/m.test(heard));
    heard = '';
    socket.write(`${line}\r\n`);
  }
  await waitFor('go', LIMIT_MS, () => heard.startsWith('354 '));
  heard = '';
  for (const piece of pieces) {
    socket.write(piece);
    await delay(150);
  }
  await waitFor('the answer', LIMIT_MS, () => enough(heard) || socket.closed);
  socket.destroy();
  return heard;
}
