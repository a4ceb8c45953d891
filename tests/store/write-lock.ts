/** Another process that holds the write lock of a database: a shell in the middle of a transaction. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { within } from '../../config/lab/wait.ts';

export interface WriteLock {
  /** Ends a lock that was taken without `seconds`. */
  release(): void;
  readonly ended: Promise<unknown>;
}

/** Resolves when the lock is held; for so many seconds, which pass in the other process while ours may be blocked, or until released. */
export async function holdWriteLock(file: string, { seconds }: { readonly seconds?: number }): Promise<WriteLock> {
  const child = spawn('sqlite3', ['-batch', '-bail', '-init', '/dev/null', '-cmd', '.timeout 20000', file], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  child.stdin.write('BEGIN IMMEDIATE;\n.print held\n');
  if (seconds !== undefined) child.stdin.write(`.system sleep ${seconds}\nCOMMIT;\n.quit\n`);
  await within('the write lock', 60_000, once(child.stdout, 'data'));
  return { release: () => child.stdin.end('COMMIT;\n'), ended };
}
