/** Straight at the filter, without Postfix: hostile clients, and a re-injection port in every kind of trouble. R31. */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import t from 'tap';
import { type Filter, startFilter } from '../../bridge/submission/filter.ts';
import { LONGEST_HEADER } from '../../bridge/submission/header-block.ts';
import { waitFor } from '../../config/lab/wait.ts';

const BOB = 'bob@x.test';
const TOP = `Received: from c (unknown [127.0.0.1])\r\n\t(Authenticated sender: ${BOB})\r\n\tby mx (Postfix) with ESMTPA; Mon, 23 Nov 2026 08:00:00 +0000 (UTC)\r\n`;
const LETTER = `${TOP}From: <${BOB}>\r\n\r\nBonjour\r\n`;

/** What the fake re-injection server does at a stage: an answer, silence, or hanging up. */
type Stage = 'greeting' | 'EHLO' | 'MAIL' | 'RCPT' | 'DATA' | 'dot';
type Trouble = { readonly at: Stage; readonly does: string | 'hang' | 'close' } | undefined;

let trouble: Trouble;
let lines: string[] = [];
let messages: string[] = [];
let octets = 0;
let keep = true;
/** Reads nothing after DATA. */
let deaf = false;
const sockets = new Set<net.Socket>();

const fake = net.createServer((socket) => {
  sockets.add(socket);
  socket.on('close', () => sockets.delete(socket)).on('error', () => {});
  let data: string | undefined;
  let rest = '';
  const say = (at: Stage, usual: string) => {
    if (trouble?.at !== at) return socket.write(`${usual}\r\n`);
    if (trouble.does === 'close') return socket.destroy();
    if (trouble.does !== 'hang') return socket.write(`${trouble.does}\r\n`);
    return false;
  };
  say('greeting', '220 fake');
  socket.setEncoding('latin1').on('data', (text: string) => {
    octets += text.length;
    rest += text;
    for (;;) {
      if (data !== undefined) {
        const end = rest.indexOf('\r\n.\r\n');
        if (end < 0) {
          if (keep) return;
          rest = rest.slice(-4);
          return;
        }
        messages.push(rest.slice(0, end + 2));
        rest = rest.slice(end + 5);
        data = undefined;
        say('dot', '250 2.0.0 queued');
        continue;
      }
      const end = rest.indexOf('\r\n');
      if (end < 0) return;
      const line = rest.slice(0, end);
      rest = rest.slice(end + 2);
      lines.push(line);
      const verb = line.slice(0, 4).toUpperCase();
      if (verb === 'EHLO') say('EHLO', '250-fake\r\n250-PIPELINING\r\n250 XFORWARD NAME ADDR');
      else if (verb === 'MAIL') say('MAIL', '250 ok');
      else if (verb === 'RCPT') say('RCPT', '250 ok');
      else if (verb === 'DATA') {
        if (trouble?.at !== 'DATA') data = '';
        say('DATA', '354 go');
        if (deaf) socket.pause();
      } else socket.write('250 ok\r\n');
    }
  });
});

let directory = '';
let socketFile = '';
let filter: Filter;
let port = 0;

const REPLY_MS = 1500;

/** As `mandat filter` starts it, with shorter limits. */
const filterAt = (file: string, limits: { readonly replyMs: number; readonly clientMs?: number }) =>
  startFilter({
    door: { kind: 'socket', path: file, group: 'postfix' },
    reinject: { host: '127.0.0.1', port },
    authority: {
      rights: async () => ({ self: BOB, standing: (one) => ({ kind: one === BOB ? 'own' : 'stranger' }) }),
    },
    rules: { mode: 'on-behalf', onMismatch: 'reject', onImitation: 'reject', hideLogin: true },
    log: pino({ level: 'silent' }),
    ...limits,
  });

t.before(async () => {
  directory = await mkdtemp(path.join(os.tmpdir(), 'mandat-filter-'));
  socketFile = path.join(directory, 'filter.sock');
  await new Promise<void>((done) => fake.listen(0, '127.0.0.1', done));
  port = (fake.address() as net.AddressInfo).port;
  filter = await filterAt(socketFile, { replyMs: REPLY_MS });
});
t.teardown(async () => {
  for (const socket of sockets) socket.destroy();
  fake.close();
  await filter?.close();
  await rm(directory, { recursive: true, force: true });
});
t.beforeEach(() => {
  trouble = undefined;
  lines = [];
  messages = [];
  octets = 0;
  keep = true;
  deaf = false;
});

/** A session that sends all of this at once after the greeting, and gives every answer up to the end. */
async function talk(...parts: readonly (string | Buffer)[]): Promise<readonly string[]> {
  const socket = net.connect({ path: socketFile });
  let heard = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    heard += text;
  });
  socket.on('error', () => {});
  const closed = new Promise<void>((done) => socket.on('close', () => done()));
  await waitFor('the greeting', 5000, () => heard.includes('220 '));
  for (const part of parts) if (!socket.write(part)) await new Promise((done) => socket.once('drain', done));
  socket.write('QUIT\r\n');
  await closed;
  return heard.split('\r\n').filter((line) => /^\d{3} /.test(line));
}

const envelope = (recipients = 1) =>
  `EHLO c\r\nMAIL FROM:<${BOB}>\r\n${'RCPT TO:<d@y.test>\r\n'.repeat(recipients)}DATA\r\n`;
/** The answer to the message. */
const sent = async (letter: string | Buffer) =>
  (await talk(envelope(), letter, '.\r\n')).find(
    (line) => !/^(220|221|354) |^250 (?:Accepted|OK)|^250 (?!2)/.test(line),
  );

/** Closes what the filter keeps open to the port, so that its next message meets a fresh connection. */
async function unconnected(): Promise<void> {
  for (const socket of sockets) socket.destroy();
  await waitFor('no connection is left', 5000, () => sockets.size === 0);
}

t.test('the socket is for its group alone', async (t) => {
  t.equal((await stat(socketFile)).mode & 0o777, 0o660);
});

t.test('commands are replayed as they were written', async (t) => {
  const mail = `MAIL FROM:<${BOB}> RET=HDRS ENVID=ab+2Bcd BODY=8BITMIME SIZE=100`;
  const rcpt = 'RCPT TO:<d@xn--bcher-kva.test> NOTIFY=FAILURE,DELAY ORCPT=rfc822;d+2B1@y.test';
  await talk(`EHLO c\r\nXFORWARD NAME=c ADDR=192.0.2.1\r\n${mail}\r\n${rcpt}\r\nDATA\r\n`, LETTER, '.\r\n');
  t.same(lines.slice(1, 5), ['XFORWARD NAME=c ADDR=192.0.2.1', mail, rcpt, 'DATA']);
});

t.test('trouble at every stage is 4xx, and nothing counts as sent', async (t) => {
  for (const at of ['greeting', 'EHLO', 'MAIL', 'RCPT', 'DATA', 'dot'] as const) {
    for (const does of ['421 4.3.0 busy', 'hang', 'close', '999 what', 'nonsense']) {
      await unconnected();
      trouble = { at, does };
      t.match(await sent(LETTER), /^4\d\d /, `${does} at ${at}`);
    }
  }
  trouble = { at: 'dot', does: '552 5.3.4 too big' };
  t.match(await sent(LETTER), /^552 5\.3\.4 too big/, 'a refusal is passed on');
  trouble = undefined;
  t.match(await sent(LETTER), /^250 2\.0\.0/, 'and then it works again');
});

t.test('end-of-data variants never make two messages of one', async (t) => {
  const second = `MAIL FROM:<ceo@y.test>\r\nRCPT TO:<d@y.test>\r\nDATA\r\n${LETTER}`;
  for (const end of [
    '\n.\n',
    '\n.\r\n',
    '\r.\r',
    '\r\n.\n',
    '\r\n.\r',
    '\r.\r\n',
    '\n..\n',
    '\r\n\0.\r\n',
    '\r\n.\0\r\n',
  ]) {
    lines = [];
    messages = [];
    await sent(`${LETTER}x${end}${second}`);
    t.ok(messages.length <= 1, JSON.stringify(end));
    t.notOk(
      lines.some((line) => line.includes('ceo@')),
      `${JSON.stringify(end)}: no second envelope`,
    );
    for (const message of messages) {
      t.notMatch(message, /(?<!\r)\n/, 'no bare LF is handed on');
    }
  }
});

t.test('dots and chunks: the body comes through byte for byte', async (t) => {
  const body = '\r\n..\r\n...\r\n..a\r\n\r\n..\r\nend\u00e9\0\r\n';
  const letter = Buffer.from(`${TOP}From: <${BOB}>\r\n${body}`, 'latin1');
  await talk(envelope(), ...[...letter].map((octet) => Buffer.from([octet])), '.\r\n');
  t.equal(messages[0]?.slice(messages[0].indexOf('\r\n\r\n') + 2), body, 'still stuffed');
  await talk(envelope(), letter, '.\r\n');
  t.equal(messages[1], messages[0], 'however it was cut');
});

t.test('headers: 10,000 pass, too long is 552, hostile ones are refused', async (t) => {
  const many = 'X-A: b\r\n'.repeat(10_000);
  t.match(await sent(`${TOP}${many}From: <${BOB}>\r\n\r\nx\r\n`), /^250 2/);
  t.ok(messages[0]?.includes(many), 'untouched');
  t.match(await sent(`${TOP}X: ${'a'.repeat(LONGEST_HEADER)}\r\nFrom: <${BOB}>\r\n\r\nx\r\n`), /^552 5\.3\.4/);
  t.match(await sent(`From: <${BOB}>\r\n\r\nx\r\n`), /^554 5\.7\.1/, 'no Received on top');
  t.match(await sent(`${TOP}From: <ceo@y.test>\r\n\r\nx\r\n`), /^550 5\.7\.1/);
  t.equal(messages.length, 1);
});

t.test('1,000 recipients, and 200 sessions at once', async (t) => {
  await talk(envelope(1000), LETTER, '.\r\n');
  t.equal(lines.filter((line) => line.startsWith('RCPT')).length, 1000);
  messages = [];
  const all = await Promise.all(Array.from({ length: 200 }, () => sent(LETTER)));
  t.same(new Set(all), new Set(['250 2.0.0 queued']));
  t.equal(messages.length, 200);
});

t.test('a client that goes in the middle leaves nothing behind', async (t) => {
  const socket = net.connect({ path: socketFile }).on('error', () => {});
  await new Promise((done) => socket.once('data', done)); // the greeting
  socket.on('data', () => {});
  socket.write(envelope());
  socket.write(`${LETTER}${'x'.repeat(70)}\r\n`);
  socket.write(`${'y'.repeat(998)}\r\n`.repeat(200));
  await waitFor('some of it is handed back', 5000, () => octets > 100_000);
  socket.destroy();
  await waitFor('the half message is dropped', 5000, () => sockets.size === 0);
  t.equal(messages.length, 0);
});

t.test(
  'a client may be slow: the limits on Postfix are not theirs, and their own ends what they have begun',
  async (t) => {
    await unconnected();
    const file = path.join(directory, 'slow.sock');
    const impatient = await filterAt(file, { replyMs: 200, clientMs: 2000 });
    t.teardown(() => impatient.close());
    const begun = async () => {
      const socket = net.connect({ path: file }).on('error', () => {});
      const heard: string[] = [];
      socket.setEncoding('utf8').on('data', (text: string) => heard.push(text));
      const closed = new Promise<void>((done) => socket.on('close', () => done()));
      await waitFor('the greeting', 5000, () => heard.length > 0);
      octets = 0;
      socket.write(envelope());
      socket.write(`${LETTER}${'z'.repeat(998)}\r\n`);
      await waitFor('the beginning is handed back', 5000, () => octets > 1000);
      return { socket, heard, closed };
    };
    const slow = await begun();
    for (const part of ['a\r\n', 'b\r\n', '.\r\nQUIT\r\n']) {
      await new Promise((done) => setTimeout(done, 500)); // longer than Postfix may take
      slow.socket.write(part);
    }
    await slow.closed;
    t.match(slow.heard.join(''), /^250 2\.0\.0 queued/m);
    t.match(messages, [/z\r\na\r\nb\r\n$/], 'whole');

    const silent = await begun();
    await silent.closed;
    t.notMatch(silent.heard.join(''), /^250 2\.0\.0 queued/m);
    await waitFor('the half message is dropped', 5000, () => sockets.size === 0);
    t.equal(messages.length, 1);
  },
);

t.test('Postfix takes no more of a message in the middle: 4xx once its time is over', async (t) => {
  await unconnected();
  deaf = true;
  const line = Buffer.from(`${'x'.repeat(998)}\r\n`.repeat(1000));
  const answers = await talk(envelope(), LETTER, ...Array.from({ length: 20 }, () => line), '.\r\n');
  t.match(answers.at(-2), /^451 4\.3\.0 the message could not be handed back/);
  t.equal(messages.length, 0);
});

t.test('a large message is never held: memory does not grow with it', async (t) => {
  keep = false;
  const line = Buffer.from(`${'x'.repeat(998)}\r\n`.repeat(1000));
  const before = process.memoryUsage().rss;
  await talk(envelope(), LETTER, ...Array.from({ length: 100 }, () => line), '.\r\n');
  t.ok(octets > 99_000_000, 'all of it was handed back');
  const grown = process.memoryUsage().rss - before;
  t.ok(grown < 60_000_000, `${Math.round(grown / 1e6)} MB more for 100 MB`);
});

t.test('the port is down: 4xx', async (t) => {
  for (const socket of sockets) socket.destroy();
  await new Promise((done) => fake.close(done));
  t.match(await sent(LETTER), /^451 4\.3\.0/);
});
