/** The server by itself: its place, slow and rude clients, many at once, a socket that is handed over. */
import { once } from 'node:events';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import t, { type Test } from 'tap';
import { askShares } from '../../bridge/shares/asking.ts';
import { type DictTrouble, type Patience, startDictServer } from '../../bridge/shares/dict-server.ts';
import { handedSocket } from '../../bridge/shares/handed-socket.ts';
import { openShareStore } from '../../bridge/shares/share-store.ts';
import { systemGroup } from '../../config/lab/system-ids.ts';

const HELLO = 'H3\t2\t0\t\tmandat\n';
const TREE = 'shared/shared-boxes/';
const GROUP = systemGroup('mail');

async function place(t: Test, patience?: Patience) {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'mandat-dict-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const store = openShareStore(path.join(directory, 'shares.db'), (error) => void t.fail(String(error)));
  const socket = path.join(directory, 'dict');
  const troubles: DictTrouble[] = [];
  const server = await startDictServer({
    store,
    at: { path: socket, gid: GROUP, mode: 0o660, setting: '[shares] listen' },
    told: (trouble) => troubles.push(trouble),
    ...(patience === undefined ? {} : { patience }),
  });
  t.teardown(async () => {
    await server.close();
    store.close();
  });
  return { store, socket, troubles };
}

/** What comes until it hangs up, or until `enough`. */
async function talk(socket: string, bytes: string | Buffer, enough: RegExp): Promise<string> {
  const client = net.connect({ path: socket }).setEncoding('utf8');
  client.on('error', () => {});
  client.write(bytes);
  let said = '';
  for await (const part of client) {
    said += part;
    if (enough.test(said)) break;
  }
  client.destroy();
  return said;
}

t.test('asked as the doctor asks', async (t) => {
  const { store, socket } = await place(t);
  store.commit([{ share: { to: 'user/bob', from: 'alice' }, there: true }]);
  t.same(await askShares(socket, 'bob'), [`O${TREE}user/bob/alice\t1`]);
  t.same(await askShares(socket, 'nobody'), []);
  await t.rejects(askShares(`${socket}x`, 'bob'), /ENOENT/);
  const stat = statSync(socket);
  t.same([stat.gid, stat.mode & 0o777], [GROUP, 0o660]);
});

t.test('a request in pieces, and many in one piece', async (t) => {
  const { socket } = await place(t);
  const client = net.connect({ path: socket }).setEncoding('utf8');
  for (const octet of `${HELLO}I1\t0\t${TREE}\talice\n`) {
    client.write(octet);
    await new Promise(setImmediate);
  }
  t.equal(String((await once(client, 'data'))[0]), '\n');
  client.destroy();
  const many = Array.from({ length: 200 }, (_, id) => `B${id}\tu\nS${id}\t${TREE}user/b${id}/alice\t1\nC${id}\n`);
  t.match(await talk(socket, HELLO + many.join(''), /^O199$/m), /^O0\nO1\n(?:.*\n)*O199\n$/);
});

t.test('who speaks otherwise is hung up on, and the others go on', async (t) => {
  const { socket, troubles } = await place(t);
  for (const bytes of [
    'GET / HTTP/1.1\r\n\r\n',
    `${HELLO}x\n`,
    `${HELLO}${'y'.repeat(70_000)}`,
    Buffer.alloc(200, 0xff),
    'H'.repeat(70_000),
  ]) {
    if (bytes.length > 300) {
      t.equal(await talk(socket, bytes, /never/), '');
      continue;
    }
    t.equal(await talk(socket, Buffer.concat([Buffer.from(bytes), Buffer.from('\n')]), /never/), '');
  }
  t.ok(troubles.length >= 5 && troubles.every(({ kind }) => kind === 'unreadable'));
  t.same(await askShares(socket, 'bob'), []);
});

t.test('who fetches no answers keeps nobody waiting, and is not waited for without end', async (t) => {
  const { store, socket } = await place(t, { idleMs: 300 });
  const many = Array.from({ length: 5000 }, (_, index) => ({ to: 'user/bob', from: `owner${index}@example.org` }));
  store.commit(many.map((share) => ({ share, there: true })));
  const slow = net.connect({ path: socket }).pause();
  slow.on('error', () => {});
  slow.write(HELLO + `I1\t0\t${TREE}user/bob/\tbob\n`.repeat(50));
  t.same((await askShares(socket, 'bob')).length, 5000);
  const idle = net.connect({ path: socket });
  await once(idle.resume(), 'close');
  slow.resume();
  await once(slow, 'close');
});

t.test('a few hundred at once', async (t) => {
  const { store, socket } = await place(t);
  const people = Array.from({ length: 300 }, (_, index) => `p${index}`);
  await Promise.all(people.map((one) => talk(socket, `${HELLO}B1\tu\nS1\t${TREE}user/bob/${one}\t1\nC1\n`, /O1/)));
  t.equal(store.with('user/bob', '', 999).length, 300);
});

t.test('a socket that systemd hands over', async (t) => {
  const env = { LISTEN_PID: '7', LISTEN_FDS: '1', LISTEN_FDNAMES: 'x' };
  t.equal(handedSocket({ ...env }, 7), 3);
  t.equal(handedSocket({ ...env }, 8), undefined, 'meant for another process');
  t.equal(handedSocket({ LISTEN_PID: '7', LISTEN_FDS: '0' }, 7), undefined);
  t.equal(handedSocket({}, 7), undefined);
  handedSocket(env, 7);
  t.same(env, {});
});
