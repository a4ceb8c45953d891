/** The socketmap's server by itself: clients of every kind, its place, and when it can't tell. */
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import t, { type Test } from 'tap';
import { pack, unpack } from '../../bridge/sender/netstring.ts';
import { type Patience, startSocketmap } from '../../bridge/sender/socketmap.ts';
import { openSenderMap, prepareSenderMap, SENDER_FILE } from '../../bridge/store/published/sender-map.ts';
import { systemGroup, systemUser } from '../../config/lab/system-ids.ts';
import { waitFor } from '../../config/lab/wait.ts';

const GROUP = systemGroup('postfix');
const ALICE = { address: 'alice@x.y', login: 'alice@x.y' };
const BOB = { address: 'alice@x.y', login: 'bob@x.y' };

async function place(t: Test, patience?: Patience) {
  const base = mkdtempSync(path.join(os.tmpdir(), 'mandat-map-')); // short: a socket's path has its limit
  chmodSync(base, 0o711);
  t.teardown(() => rmSync(base, { recursive: true, force: true }));
  const [directory, socket] = [path.join(base, 'sender'), path.join(base, 's.sock')];
  prepareSenderMap(directory, GROUP);
  const map = openSenderMap(directory);
  t.teardown(map.close);
  map.publish(1, [ALICE]);
  const start = () =>
    startSocketmap({
      directory,
      place: { path: socket, gid: GROUP, mode: 0o660, setting: '[sender_rules] socketmap_path' },
      identity: false,
      ...(patience === undefined ? {} : { patience }),
    });
  return { directory, socket, map, start };
}

/** Sends bytes, and gathers what comes until so many replies are there or the server hangs up. */
async function talk(socket: string, bytes: string | Buffer, count: number): Promise<readonly string[]> {
  const client = net.connect({ path: socket });
  client.on('error', () => {});
  const replies: string[] = [];
  let rest = Buffer.alloc(0);
  client.write(bytes);
  for await (const chunk of client) {
    const found = unpack(Buffer.concat([rest, chunk]));
    replies.push(...found.requests);
    rest = Buffer.from(found.rest);
    if (replies.length >= count) break;
  }
  client.destroy();
  return replies;
}
const ask = async (socket: string, key = 'alice@x.y') => (await talk(socket, pack(`sender ${key}`), 1))[0];

t.test('what was published is the next answer', async (t) => {
  const { socket, map, start } = await place(t);
  const server = await start();
  t.teardown(server.close);
  t.equal(await ask(socket), 'OK alice@x.y');
  for (let turn = 0; turn < 20; turn++) {
    map.publish(1, [ALICE, BOB]);
    t.equal(await ask(socket), 'OK alice@x.y,bob@x.y');
    map.publish(1, [ALICE]);
    t.equal(await ask(socket), 'OK alice@x.y');
  }
});

t.test('many requests at once, in pieces, in order', async (t) => {
  const { socket, start } = await place(t);
  t.teardown((await start()).close);
  const keys = Array.from({ length: 500 }, (_, n) => (n % 3 === 0 ? 'alice@x.y' : `n${n}@x.y`));
  const wanted = keys.map((key) => (key === 'alice@x.y' ? 'OK alice@x.y' : 'NOTFOUND '));
  const bytes = keys.map((key) => pack(`sender ${key}`)).join('');
  t.same(await talk(socket, bytes, keys.length), wanted);
  const client = net.connect({ path: socket });
  let got = '';
  client.setEncoding('utf8').on('data', (text) => {
    got += text;
  });
  for (const byte of pack('sender alice@x.y')) {
    client.write(byte);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await waitFor('the answer', 5000, () => got !== '');
  t.equal(got, pack('OK alice@x.y'));
  client.destroy();
});

t.test('several hundred connections', async (t) => {
  const { socket, start } = await place(t);
  t.teardown((await start()).close);
  const clients = Array.from({ length: 600 }, () => net.connect({ path: socket }));
  const answers = clients.map(async (client) => {
    client.write(pack('sender alice@x.y'));
    const [bytes] = await once(client, 'data');
    return String(bytes);
  });
  t.same(new Set(await Promise.all(answers)), new Set([pack('OK alice@x.y')]));
  t.equal(await ask(socket), 'OK alice@x.y', 'and one more, while they stay');
  for (const client of clients) client.destroy();
});

t.test('what can’t be read is said once, and disturbs nobody else', async (t) => {
  const { socket, start } = await place(t);
  t.teardown((await start()).close);
  for (const bytes of [
    'GET / HTTP/1.1\r\n\r\n',
    '99999:',
    '5:abcde;',
    Buffer.from([0xff, 0xfe, 0]),
    '9'.repeat(100_000),
  ]) {
    const [reply = '', ...more] = await talk(socket, bytes, 2);
    t.match(reply, /^PERM the request is (malformed|too long)$/);
    t.same(more, []);
  }
  t.same(await talk(socket, `${pack('sender alice@x.y')}rubbish`, 3), [
    'OK alice@x.y',
    'PERM the request is malformed',
  ]);
  t.equal(await ask(socket), 'OK alice@x.y');
});

t.test('who is slow, silent, or fetches no reply is hung up on', async (t) => {
  const { socket, start } = await place(t, { requestMs: 150, idleMs: 400 });
  t.teardown((await start()).close);
  const closed = (client: net.Socket) => {
    client.on('error', () => {}); // or once() of node:events would reject: who writes meanwhile is reset
    return new Promise<boolean>((resolve) => client.once('close', () => resolve(true)));
  };
  const drip = net.connect({ path: socket });
  const dripping = setInterval(() => drip.write('1'), 40); // never silent, and never whole
  drip.write('4000:');
  drip.resume();
  t.ok(await closed(drip));
  clearInterval(dripping);
  const silent = net.connect({ path: socket });
  silent.resume();
  t.ok(await closed(silent));
  const deaf = net.connect({ path: socket });
  deaf.pause();
  const many = pack('sender alice@x.y').repeat(2000);
  let gone = false;
  deaf.on('error', () => {});
  deaf.once('close', () => {
    gone = true;
  });
  for (let n = 0; n < 200 && !gone; n++) {
    deaf.write(many);
    await new Promise((resolve) => setImmediate(resolve));
  }
  t.equal(await ask(socket), 'OK alice@x.y', 'meanwhile others are answered');
  await waitFor('the deaf one to be hung up on', 10_000, () => gone);
});

t.test(
  'its place: 0660 of the group, one that was killed leaves it to the next, nobody else loses theirs',
  async (t) => {
    const { socket, start } = await place(t);
    const first = await start();
    const { mode, gid } = statSync(socket);
    t.same([(mode & 0o7777).toString(8), gid], ['660', GROUP]);
    const as = (uid: number, groups: number) =>
      spawnSync(
        'setpriv',
        [
          `--reuid=${uid}`,
          `--regid=${groups}`,
          '--clear-groups',
          process.execPath,
          '-e',
          `require('net').connect({path:'${socket}'},()=>process.exit(0)).on('error',(e)=>{console.log(e.code);process.exit(1)})`,
        ],
        { encoding: 'utf8', env: {} },
      );
    t.match(as(systemUser('postfix').uid, GROUP), { status: 0 });
    t.match(as(65534, 65534), { status: 1, stdout: 'EACCES\n' });
    await t.rejects(start(), { code: 'config', message: /another program listens on .* already/ });
    t.equal(await ask(socket), 'OK alice@x.y', 'the first is unharmed');
    await first.close();
    t.notOk(existsSync(socket));
    const dead = net.createServer().listen(socket); // a socket that nobody answers on any more
    await once(dead, 'listening');
    renameSync(socket, `${socket}.kept`);
    dead.close();
    renameSync(`${socket}.kept`, socket);
    const second = await start();
    t.equal(await ask(socket), 'OK alice@x.y');
    await second.close();
    writeFileSync(socket, 'precious');
    await t.rejects(start(), { code: 'config', message: /is there and is no socket/ });
    rmSync(socket);
    mkdirSync(socket);
    await t.rejects(start(), { code: 'config' });
    rmSync(socket, { recursive: true });
  },
);

t.test('when nobody can tell: TEMP, neither yes nor no', async (t) => {
  const { directory, socket, start } = await place(t);
  t.teardown((await start()).close);
  const file = path.join(directory, SENDER_FILE);
  renameSync(file, `${file}.kept`);
  t.match(await ask(socket), /^TEMP /, 'the map is gone');
  writeFileSync(file, '');
  t.match(await ask(socket), /^TEMP /, 'another is there');
  renameSync(`${file}.kept`, file);
  t.equal(await ask(socket), 'OK alice@x.y', 'it is back');
  const other = new Database(file);
  other.exec('DROP TABLE sender_login');
  other.close();
  t.match(await ask(socket), /^TEMP /, 'no table');
});
