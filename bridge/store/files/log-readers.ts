/**
 * Who keeps the log of writes (-wal) beside a database from being emptied: processes that are in the midst of reading it. SQLite locks a byte of the
 * -shm file for each (WAL-index format: bytes 123 to 127), and the kernel tells who holds a lock (proc(5), /proc/locks).
 */
import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';

export interface LogReader {
  readonly pid: number;
  /** The program's name; undefined where this user may not see it. */
  readonly name: string | undefined;
}

const [FIRST, LAST] = [123, 127];

/** Empty where nobody reads, or the kernel doesn't say. */
export function logReaders(file: string): readonly LogReader[] {
  try {
    const { ino } = statSync(`${file}-shm`, { bigint: true });
    return readersIn(readFileSync('/proc/locks', 'utf8'), ino)
      .filter((pid) => pid !== process.pid)
      .map((pid) => ({ pid, name: nameOf(pid) }));
  } catch {
    return [];
  }
}

/** `1: POSIX  ADVISORY  READ 4711 fd:01:131 124 124`; a lock that is waited for has an arrow. Exported for its test. */
export function readersIn(locks: string, inode: bigint): readonly number[] {
  const found = locks.split('\n').flatMap((line) => {
    const [, pid, ino, start, end] =
      /^\d+: POSIX\s+ADVISORY\s+READ\s+(\d+) [0-9a-f]+:[0-9a-f]+:(\d+) (\d+) (\d+)$/.exec(line) ?? [];
    if (ino === undefined || BigInt(ino) !== inode) return [];
    return Number(start) <= LAST && Number(end) >= FIRST ? [Number(pid)] : [];
  });
  return [...new Set(found)];
}

/** The program that it was started as. What the kernel calls it (comm) is a thread's name: `MainThread` of each program that Node 24 runs. */
function nameOf(pid: number): string | undefined {
  try {
    const [program = ''] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    return path.basename(program) || readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  } catch {
    return undefined;
  }
}

/** `process 4711 (sqlite3)` */
export const describeReader = ({ pid, name }: LogReader) => `process ${pid}${name === undefined ? '' : ` (${name})`}`;
