import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { isLocked, takeLock } from '../../../bridge/store/files/lock.ts';
import { failure } from '../failures.ts';

const HOLDER = fileURLToPath(new URL('lock-holder.ts', import.meta.url));

/** Another process that takes the lock, or asks for it all the time. */
async function another(t: Test, file: string, doing: 'hold' | 'ask'): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--import=tsx', HOLDER, file, doing], { stdio: ['pipe', 'pipe', 'inherit'] });
  const exit = once(child, 'exit');
  t.teardown(async () => {
    child.kill('SIGKILL');
    await exit;
  });
  await once(child.stdout, 'data');
  return child;
}

async function killed(child: ChildProcess): Promise<void> {
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

t.test('there is one sidecar', async (t) => {
  const file = join(t.testdir({}), 'sidecar.lock');
  t.notOk(isLocked(file), 'a lock nobody ever took');
  t.notOk(existsSync(file), 'asking makes no file');
  const lock = takeLock(file);
  t.ok(isLocked(file));
  t.match(await failure(() => takeLock(file)), { code: 'refused', rule: 'MANDAT_RUNNING' });
  lock.release();
  t.notOk(isLocked(file), 'released');
  takeLock(file).release();
});

t.test('of all processes', async (t) => {
  const file = join(t.testdir({}), 'sidecar.lock');
  const holder = await another(t, file, 'hold');
  t.ok(isLocked(file));
  const refusal = await failure(() => takeLock(file));
  t.match(refusal, { code: 'refused', rule: 'MANDAT_RUNNING' });
  t.match(refusal.message, String(holder.pid), 'it says which');
});

t.test('a lock dies with its process, however it dies', async (t) => {
  const file = join(t.testdir({}), 'sidecar.lock');
  for (const round of [1, 2]) {
    await killed(await another(t, file, 'hold'));
    t.notOk(isLocked(file), `killed, round ${round}`);
    const lock = takeLock(file);
    t.ok(isLocked(file), 'whatever it left behind keeps nobody out');
    lock.release();
  }
});

t.test('a lock that was refused is not disturbed by whoever asked', async (t) => {
  const file = join(t.testdir({}), 'sidecar.lock');
  const lock = takeLock(file);
  await failure(() => takeLock(file));
  t.ok(isLocked(file), 'still held');
  lock.release();
});

t.test('asking never keeps a sidecar from starting', async (t) => {
  const file = join(t.testdir({}), 'sidecar.lock');
  takeLock(file).release();
  await another(t, file, 'ask');
  for (let round = 1; round <= 200; round++) takeLock(file).release();
  t.pass('two hundred times, while another process asked as often as it could');
});

t.test('the lock is ours alone', async (t) => {
  const file = join(t.testdir({}), 'sidecar.lock');
  const before = process.umask(0);
  const lock = takeLock(file);
  process.umask(before);
  t.teardown(() => lock.release());
  t.equal((statSync(file).mode & 0o077).toString(8), '0');
});

t.test('a data directory that is not there is the set-up being wrong', async (t) => {
  const { code, hint } = await failure(() => takeLock(join(t.testdir({}), 'nowhere', 'sidecar.lock')));
  t.equal(code, 'config');
  t.not(hint, '');
});
