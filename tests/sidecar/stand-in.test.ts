/** Standing in at a socket's place: what waits is handed on octet by octet, and nothing is left behind. */
import { existsSync, lstatSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import t, { type Test } from 'tap';
import { listenOn } from '../../bridge/shared/unix-socket.ts';
import { standIn } from '../../bridge/sidecar/stand-in.ts';
import { waitFor } from '../../config/lab/wait.ts';

const LIMIT_MS = 20_000;

function placeOf(t: Test, oneAnswer = false) {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'mandat-stand-in-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const gid = process.getgid?.() ?? 0;
  return { path: path.join(directory, 'a.sock'), gid, mode: 0o660, setting: '[x] y', oneAnswer };
}

/** Sends all back, half-open: it ends when its client has. */
async function echo(t: Test, place: ReturnType<typeof placeOf>): Promise<net.Server> {
  const server = net.createServer({ allowHalfOpen: true }, (socket) => socket.on('error', () => {}).pipe(socket));
  await listenOn(server, place);
  t.teardown(() => server.close());
  return server;
}

/** All that comes back until the other side ends. */
function said(to: string, what: Buffer, end = true): Promise<Buffer> {
  return new Promise((resolve) => {
    const socket = net.connect({ path: to, allowHalfOpen: true });
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk)).on('error', () => {});
    socket.on('close', () => resolve(Buffer.concat(chunks))).on('end', () => socket.end());
    if (end) socket.end(what);
    else socket.write(what);
  });
}

t.test('who waits is handed on whole, before a new server is there and while it comes', async (t) => {
  const place = placeOf(t);
  const post = await standIn([place], LIMIT_MS);
  const letter = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => (index * 7) % 251));
  const waiting = [letter, Buffer.from('x'), Buffer.alloc(0)].map((what) => said(place.path, what));
  await echo(t, place);
  t.same(await Promise.all(waiting), [letter, Buffer.from('x'), Buffer.alloc(0)]);
  t.equal(await post.ended, true);
  t.ok(lstatSync(place.path).isSocket());
  t.notOk(existsSync(`${place.path}.wait`));
  t.same(await said(place.path, Buffer.from('later')), Buffer.from('later'));
});

t.test('a connection that is kept for long is ended behind one answer', async (t) => {
  const place = placeOf(t, true);
  const post = await standIn([place], LIMIT_MS);
  const waiting = said(place.path, Buffer.from('question'), false);
  await echo(t, place);
  t.same(await waiting, Buffer.from('question'));
  t.equal(await post.ended, true);
});

t.test('nobody comes: who waits is hung up on, and the place is as it was', async (t) => {
  const place = placeOf(t);
  const post = await standIn([place], 50);
  t.same(await said(place.path, Buffer.from('x'), false), Buffer.alloc(0));
  t.equal(await post.ended, false);
  t.notOk(lstatSync(place.path, { throwIfNoEntry: false }));
  t.notOk(existsSync(`${place.path}.wait`));
});

t.test('one that listens goes on with whom it has, and takes no name away that is another’s', async (t) => {
  const place = placeOf(t);
  const before = await echo(t, place);
  const kept = net.connect(place.path);
  await waitFor(
    'it is accepted',
    LIMIT_MS,
    () => new Promise<boolean>((done) => before.getConnections((_, n) => done(n === 1))),
  );
  const post = await standIn([place], LIMIT_MS);
  kept.write('still');
  t.equal(String(await new Promise((done) => kept.once('data', done))), 'still');
  kept.end();
  await new Promise((done) => before.close(done));
  t.ok(lstatSync(place.path).isSymbolicLink());
  rmSync(place.path); // as an older version does, which has bound that very name
  const waiting = waitFor('the place is taken again', LIMIT_MS, () => existsSync(place.path));
  await waiting;
  const heard = said(place.path, Buffer.from('y'));
  await echo(t, place);
  t.same(await heard, Buffer.from('y'));
  t.equal(await post.ended, true);
});

t.test('what a killed one has left is taken over, by the next and by a server', async (t) => {
  const place = placeOf(t);
  symlinkSync('a.sock.wait', place.path);
  const post = await standIn([place], LIMIT_MS);
  await t.rejects(standIn([place], LIMIT_MS), {
    code: 'config',
    message: /another program listens on .*a\.sock\.wait already/,
  });
  await post.close();
  t.equal(await post.ended, false);
  symlinkSync('a.sock.wait', place.path);
  await echo(t, place);
  t.ok(lstatSync(place.path).isSocket());
});

t.test('what is no socket stays; of several places all or none', async (t) => {
  const place = placeOf(t);
  const other = placeOf(t);
  writeFileSync(place.path, 'mine');
  await t.rejects(standIn([other, place], LIMIT_MS), { code: 'config', message: /a\.sock is there and is no socket/ });
  t.equal(readFileSync(place.path, 'utf8'), 'mine');
  t.notOk(lstatSync(other.path, { throwIfNoEntry: false }));
  rmSync(place.path);
  symlinkSync('/etc/passwd', place.path);
  await t.rejects(standIn([place], LIMIT_MS), { code: 'config' }, 'nor a link of somebody else');
  const server = net.createServer();
  await t.rejects(listenOn(server, place), { code: 'config', message: /is no socket/ });
});
