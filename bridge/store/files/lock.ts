/**
 * One sidecar a database: a small lock database held EXCLUSIVE. The lock dies with the process, however it dies.
 */
import { closeSync, constants, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { Failure } from '../../shared/failure.ts';
import { refuseLink } from './no-follow.ts';
import { guarded, isThere } from './open.ts';

export interface Lock {
  release(): void;
}

/** A sidecar serves whoever writes to the table; a `mandat sync` does one pass and leaves. */
export type Holder = 'sidecar' | 'sync';

/** Of the failure where a sync, or a command that makes its pass itself, has the lock: it will be gone in a moment. */
export const SYNC_AT_WORK = 'SYNC_AT_WORK';

/** Fails when another process holds it: `refused` where that is a sidecar, `retry` where it is a sync. */
export function takeLock(file: string, as: Holder = 'sidecar'): Lock {
  const database = guarded(file, { what: "the sidecar's lock" }, () => attempt(file));
  if (database === undefined) throw taken(file);
  notePid(pidFile(file), as);
  return {
    release: () => {
      rmSync(pidFile(file), { force: true });
      database.exec('ROLLBACK');
      database.close();
    },
  };
}

/** Who holds the lock now. Like {@link isLocked}, keeps nobody from taking it. */
export function lockHolder(file: string): Holder | undefined {
  if (!isLocked(file)) return undefined;
  return pidAndHolder(file)?.endsWith(' sync') ? 'sync' : 'sidecar';
}

/** Whether some process holds the lock now. Only reads, so that it never keeps a sidecar from starting. */
export function isLocked(file: string): boolean {
  if (!isThere(file, { what: "the sidecar's lock" })) return false;
  const database = new Database(file, { readonly: true, timeout: 0 });
  try {
    database.prepare('SELECT count(*) FROM sqlite_schema').get();
    return false;
  } catch (error) {
    if (isBusy(error)) return true;
    throw error;
  } finally {
    database.close();
  }
}

/** Long enough for a reader of {@link isLocked} to be gone. */
const PATIENCE_MS = 300;

function attempt(file: string): Database.Database | undefined {
  if (!existsSync(file)) {
    closeSync(openSync(file, 'a', 0o600));
  }
  refuseLink(file);
  const database = new Database(file, { timeout: PATIENCE_MS });
  try {
    database.exec('BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database.close();
    if (isBusy(error)) return undefined;
    throw error;
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY');
}

/** The process that has the lock, or had it last; undefined where that can't be read. */
export function holderPid(file: string): number | undefined {
  try {
    const pid = Number.parseInt(pidAndHolder(file) ?? '', 10);
    return Number.isNaN(pid) ? undefined : pid;
  } catch {
    return undefined;
  }
}

function notePid(file: string, as: Holder): void {
  const { O_WRONLY, O_CREAT, O_TRUNC, O_NOFOLLOW } = constants;
  const fd = openSync(file, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o600);
  try {
    writeFileSync(fd, `${process.pid}${as === 'sync' ? ' sync' : ''}\n`);
  } finally {
    closeSync(fd);
  }
}

const pidFile = (file: string) => `${file}.pid`;

function pidAndHolder(file: string): string | undefined {
  return existsSync(pidFile(file)) ? readFileSync(pidFile(file), 'utf8').trim() : undefined;
}

function taken(file: string): Failure {
  const [pid, holder] = pidAndHolder(file)?.split(' ') ?? [];
  const who = pid === undefined ? '' : ` (process ${pid})`;
  if (holder === 'sync') {
    return new Failure('retry', `a "mandat sync" is at work on this database${who}`, 'try again when it is done', {
      rule: SYNC_AT_WORK,
    });
  }
  return new Failure(
    'refused',
    `a sidecar is running on this database already${who}`,
    'there can be one only; "mandat status" shows what it does',
    { rule: 'MANDAT_RUNNING' },
  );
}
