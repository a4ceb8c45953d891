/** The submission filter as a process: `mandat filter` alone, and in `mandat run`, where SIGHUP changes its rules. R1, R31. */
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import t, { type Test } from 'tap';
import { openSubject } from '../../bridge/doctor/examined-site.ts';
import { submissionFilter } from '../../bridge/doctor/filter.ts';
import { systemGroup } from '../../config/lab/system-ids.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { loadConfig } from '../../config/load.ts';
import { type Desk, desk, WITH_SENDERS } from './desk.ts';
import { type Lasting, LIMIT_MS, lasting } from './lasting.ts';

const BOB = 'bob@x.test';
const ALICE = 'alice@x.test';

/** Takes every message, as Postfix's re-injection service would. */
const messages: string[] = [];
const taker = net.createServer((socket) => {
  let rest = '';
  let inData = false;
  socket.on('error', () => {}).write('220 taker\r\n');
  socket.setEncoding('latin1').on('data', (text: string) => {
    rest += text;
    for (;;) {
      const end = rest.indexOf(inData ? '\r\n.\r\n' : '\r\n');
      if (end < 0) return;
      const whole = rest.slice(0, end);
      rest = rest.slice(end + (inData ? 5 : 2));
      if (inData) messages.push(whole);
      const data: boolean = !inData && whole === 'DATA';
      socket.write(data ? '354 go\r\n' : '250 2.0.0 ok\r\n');
      inData = data;
    }
  });
});

let here: Desk;
let taking = 0;

const SUBMISSION = (listen: string, more = '') =>
  `${WITH_SENDERS}[submission]\nlisten = "${listen}"\ncopy_listen = "copy.sock"\nreinject = "127.0.0.1:${taking}"\n${more}`;
const configure = (text: string) => writeFileSync(here.configFile, text);
const file = (name: string) => path.join(here.directory, 'data/run', name);

t.before(async () => {
  await new Promise<void>((done) => taker.listen(0, '127.0.0.1', done));
  taking = (taker.address() as net.AddressInfo).port;
  here = await desk(t, { config: SUBMISSION('filter.sock') });
  here.sql(`INSERT INTO mailbox (address) VALUES ('${ALICE}'), ('${BOB}');
    INSERT INTO delegate (id, login) VALUES ('${BOB}', '${BOB}');
    INSERT INTO delegation (mailbox, delegate) VALUES ('${ALICE}', '${BOB}')`);
});
t.teardown(() => taker.close());

async function start(t: Test, command: 'filter' | 'run'): Promise<Lasting> {
  const started = await lasting(t, here.configFile, command);
  await started.said('filtering submissions');
  return started;
}

/** A session, each line sent when the one before has been answered. */
async function open(to: net.NetConnectOpts = { path: file('filter.sock') }) {
  const socket = net.connect(to);
  let heard = '';
  socket.on('error', () => {});
  socket.setEncoding('utf8').on('data', (text: string) => {
    heard += text;
  });
  const answer = () =>
    waitFor('an answer', LIMIT_MS, () => {
      const found = /^\d{3} .*\r\n/m.exec(heard);
      if (found === null) return socket.closed ? 'closed' : undefined;
      heard = heard.slice(found.index + found[0].length);
      return found[0].trim();
    });
  await answer();
  const say = async (line: string) => {
    socket.write(`${line}\r\n`);
    return answer();
  };
  return { socket, say };
}

const letter = (from: string) =>
  `Received: from c (unknown [127.0.0.1])\r\n\t(Authenticated sender: ${BOB})\r\n\tby mx (Postfix) with ESMTPA; Mon, 23 Nov 2026 08:00:00 +0000 (UTC)\r\nFrom: <${from}>\r\n\r\nBonjour\r\n`;

/** The answer to a message, and what was handed on. */
async function send(from: string, to?: net.NetConnectOpts) {
  const { socket, say } = await open(to);
  for (const line of ['EHLO c', `MAIL FROM:<${BOB}>`, 'RCPT TO:<d@y.test>', 'DATA']) await say(line);
  const answer = await say(`${letter(from)}.`);
  socket.destroy();
  return { answer, text: messages.at(-1) ?? '' };
}

t.test('without [submission]: a sentence, and 2', async (t) => {
  configure(WITH_SENDERS);
  const { status, stderr } = await here.mandat('filter');
  t.equal(status, 2);
  t.match(stderr, /^mandat: \[submission\] is not configured\n {8}add the section to .*mandat\.toml\n$/);
});

t.test(
  'alone: it says where, is for its group only, replaces what a killed one left, and ends when asked',
  async (t) => {
    configure(SUBMISSION('filter.sock'));
    const first = await start(t, 'filter');
    t.equal(await first.end('SIGKILL'), null);
    t.ok(statSync(file('filter.sock')).isSocket(), 'a stale socket');

    const filter = await start(t, 'filter');
    t.match(await filter.said('filtering submissions'), {
      listen: file('filter.sock'),
      reinject: `127.0.0.1:${taking}`,
    });
    for (const name of ['filter.sock', 'copy.sock']) {
      const { mode, gid } = statSync(file(name));
      t.equal(mode & 0o777, 0o660, name);
      t.equal(gid, systemGroup('postfix'), name);
    }
    const { answer, text } = await send(ALICE);
    t.match(answer, /^250 2\.0\.0/);
    t.match(text, `Sender: <${BOB}>`);

    const second = await here.mandat('filter');
    t.equal(second.status, 2);
    t.match(second.stderr, /^mandat: another program listens on .*copy\.sock already\n {8}.*stop it first/);
    t.match((await send(ALICE)).answer, /^250/, 'the first one goes on');

    configure(SUBMISSION('filter.sock', 'mode = "send-as"\n'));
    filter.child.kill('SIGHUP');
    await filter.said('configuration reread');
    t.notMatch((await send(ALICE)).text, /Sender:/);
    configure(WITH_SENDERS);
    filter.child.kill('SIGHUP');
    t.match(await filter.said('the configuration could not be reread: the old one stays'), { err: /not configured/ });
    t.match((await send(ALICE)).answer, /^250/, 'and it does stay');

    t.equal(await filter.end('SIGTERM'), 0);
    t.notOk(existsSync(file('filter.sock')));
    t.notOk(filter.log().some(({ level }) => level === 60));
  },
);

t.test('a socket that somebody else listens on is left to them; so is what is no socket', async (t) => {
  configure(SUBMISSION('filter.sock'));
  const other = net.createServer((socket) => socket.end());
  await new Promise<void>((done) => other.listen(file('filter.sock'), done));
  const held = await here.mandat('filter');
  t.equal(held.status, 2);
  t.match(held.stderr, /^mandat: another program listens on .*filter\.sock already\n/);
  t.ok(statSync(file('filter.sock')).isSocket());
  await new Promise((done) => other.close(done));
  writeFileSync(file('filter.sock'), 'mine');
  const { status, stderr } = await here.mandat('filter');
  t.equal(status, 2);
  t.match(stderr, /^mandat: .*filter\.sock is there and is no socket\n/);
  t.equal(readFileSync(file('filter.sock'), 'utf8'), 'mine');
});

t.test('in the sidecar: SIGHUP changes the rules, the door too, and cuts nobody off', async (t) => {
  configure(SUBMISSION('door.sock'));
  const sidecar = await start(t, 'run');
  await sidecar.said('watching');
  const to = { path: file('door.sock') };
  t.match((await send('ceo@y.test', to)).answer, /^550 5\.7\.1/);

  const half = await open(to); // in the middle of its message
  for (const line of ['EHLO c', `MAIL FROM:<${BOB}>`, 'RCPT TO:<d@y.test>', 'DATA']) await half.say(line);
  half.socket.write(`${letter(ALICE)}half`);
  const early = await open(to); // and in the middle of its envelope
  for (const line of ['EHLO c', `MAIL FROM:<${BOB}>`]) await early.say(line);

  configure(SUBMISSION('door.sock', 'mode = "send-as"\non_mismatch = "rewrite"\n'));
  sidecar.child.kill('SIGHUP');
  await sidecar.said('configuration reread');

  t.match(await half.say(' and half\r\n.'), /^250 2\.0\.0/);
  t.match(messages.at(-1), /Sender: <bob@x\.test>\r\n\r\nBonjour\r\nhalf and half/, 'finished as it began');
  t.match(await early.say('RCPT TO:<d@y.test>'), /^250/);
  await early.say('DATA');
  t.match(await early.say(`${letter('ceo@y.test')}.`), /^250/);
  t.match(messages.at(-1), `From: <${BOB}>\r\n`, 'on_mismatch');
  t.notMatch((await send(ALICE, to)).text, /Sender:/, 'mode');
  for (const { socket } of [half, early]) socket.destroy();

  const port = await freePort();
  configure(SUBMISSION(`127.0.0.1:${port}`));
  sidecar.child.kill('SIGHUP');
  await sidecar.said('configuration reread', 2);
  t.notOk(existsSync(to.path), 'the old door is closed');
  const { answer, text } = await send(ALICE, { host: '127.0.0.1', port });
  t.match(answer, /^250/);
  t.match(text, `Sender: <${BOB}>`);
  const weaker = sidecar.log().find(({ msg }) => /listen is a port/.test(String(msg)));
  t.match(weaker, { level: 40, msg: /every user of this machine may send through it as anybody/ });
  const config = loadConfig({ path: here.configFile, env: {}, cwd: '/' });
  const subject = openSubject(config, {}, {});
  t.match(await submissionFilter.look(subject), {
    status: 'warn',
    seen: /on a port, where every user of this machine may claim any login/,
    remedy: 'a Unix socket in [submission] listen',
  });
  t.equal(await sidecar.end('SIGTERM'), 0);
});

async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}
