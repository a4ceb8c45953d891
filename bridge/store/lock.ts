/**
 * One sidecar a database: a small lock database held EXCLUSIVE. The lock dies with the process, however it dies.
 */
import { closeSync, existsSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import Database from 'better-sqlite3';
import { Failure } from '../failure.ts';
import { guarded } from './open.ts';
import { giveToDirectoryOwner } from './ownership.ts';

export interface Lock {
  release(): void;
}

/** Fails `refused` when another process holds it. */
export function takeLock(file: string): Lock {
  const database = guarded(file, { what: "the sidecar's lock" }, () => attempt(file));
  if (database === undefined) {
    throw new Failure(
      'refused',
      `a sidecar is running on this database already${holder(file)}`,
      'there can be one only; "mandat status" shows what it does',
      { rule: 'MANDAT_RUNNING' },
    );
  }
  writeFileSync(pidFile(file), `${process.pid}\n`, { mode: 0o600 });
  return {
    release: () => {
      rmSync(pidFile(file), { force: true });
      database.exec('ROLLBACK');
      database.close();
    },
  };
}

/** Whether some process holds the lock now. Only reads, so that it never keeps a sidecar from starting. */
export function isLocked(file: string): boolean {
  if (!existsSync(file)) return false;
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
    giveToDirectoryOwner(file);
  }
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

const pidFile = (file: string) => `${file}.pid`;

function holder(file: string): string {
  return existsSync(pidFile(file)) ? ` (process ${readFileSync(pidFile(file), 'utf8').trim()})` : '';
}
