/**
 * Opening a SQLite file of ours: its modes, its version, its migrations. A file that isn't ours or is newer than this
 * program is refused, and never altered.
 */
import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fchownSync,
  openSync,
  type Stats,
  statSync,
} from 'node:fs';
import Database from 'better-sqlite3';
import { Failure } from '../../shared/failure.ts';
import { BUSY_MS, isBusy, waitsForNobody } from './busy.ts';
import { prepareToGiveBack } from './free-pages.ts';
import { MOVED_BIT, MOVED_SENTENCE, movedFailure, movedTo } from './moved.ts';
import { refuseLink } from './no-follow.ts';
import { makeWhole } from './whole-file.ts';

export interface FileKind {
  /** For people: `the delegation table`. */
  readonly what: string;
  /** PRAGMA application_id, so that another program's SQLite file is recognised as such. */
  readonly applicationId: number;
  /** File mode at creation; -wal and -shm take it over. */
  readonly mode: number;
  /** SQL scripts; the number of them is the version this program knows. */
  readonly migrations: readonly string[];
  /** What the schema must come to (schema.ts), where others may write the file. */
  readonly schema?: string;
}

/**
 * Makes the file when there is none, and brings it to the version of this program. Returns the versions before and after. `busyMs`: as
 * {@link OpenOptions} has it.
 */
export function migrate(
  file: string,
  kind: FileKind,
  { gid, busyMs }: { readonly gid?: number | undefined; readonly busyMs?: number | undefined } = {},
): { readonly from: number; readonly to: number } {
  return guarded(file, kind, () => {
    const to = kind.migrations.length;
    const make = (draft: string) => {
      const fd = openSync(draft, 'ax', kind.mode);
      try {
        if (gid !== undefined) fchownSync(fd, -1, gid);
        fchmodSync(fd, kind.mode); // whatever the umask
      } finally {
        closeSync(fd);
      }
      upgrade(draft, kind, busyMs);
    };
    if (!existsSync(file) && makeWhole(file, make)) return { from: 0, to };
    return { from: upgrade(file, kind, busyMs), to };
  });
}

/** Returns the version it had. */
function upgrade(file: string, kind: FileKind, busyMs?: number): number {
  const database = connect(file, false, busyMs);
  try {
    const from = checkVersion(database, file, kind);
    if (from === 0) prepareToGiveBack(database);
    database.pragma('journal_mode = WAL'); // also after a move, which ends it
    if (from < kind.migrations.length) {
      for (const [index, script] of kind.migrations.entries()) {
        database
          .transaction(() => {
            // Asked again under the lock: another init may have been faster.
            if (checkVersion(database, file, kind) > index) return;
            database.exec(
              `${script}; PRAGMA application_id = ${kind.applicationId}; PRAGMA user_version = ${index + 1};`,
            );
          })
          .immediate();
      }
    }
    return from;
  } finally {
    database.close();
  }
}

export interface OpenOptions {
  /**
   * In PostgreSQL: what is done where the database is older than the one last seen, before anything is read. Not given: it is asked all the same. Another
   * site's never is.
   */
  readonly older?: 'refused' | 'sealed anew' | ((held: boolean) => Promise<void>);
  readonly readonly?: boolean;
  /** Will be written for certain: refused at once where that can't be. SQLite itself opens such a file to be read, without a word. */
  readonly writes?: boolean;
  /** False: a commit waits for no disk. It outlives this process, but not the machine, until another one that does wait comes behind it. */
  readonly durable?: boolean;
  /** Whose mailboxes are meant where nothing else is said: `[server] name`. Default: `main`. */
  readonly server?: string | undefined;
  /** How long what a statement needs is waited for where another program has it, in milliseconds. */
  readonly patienceMs?: number;
  /** How long SQLite itself waits as it opens a file that another program holds, in milliseconds: nothing else goes on meanwhile. Default: {@link BUSY_MS}. */
  readonly busyMs?: number | undefined;
  /** In PostgreSQL: the token of whoever works there (postgres/worker-row.ts). Nothing is written once it is another's. */
  readonly worker?: string | undefined;
}

/** Opens a file that {@link migrate} made. */
export function open(file: string, kind: FileKind, options: OpenOptions = {}): Database.Database {
  if (!isThere(file, kind)) {
    throw new Failure('config', `${kind.what} is not there: ${file}`, 'run "mandat init", or check data_dir');
  }
  return guarded(file, kind, () => {
    refuseLink(file);
    if (options.writes === true) accessSync(file, constants.W_OK);
    const database = connect(file, options.readonly, options.busyMs);
    try {
      const version = checkVersion(database, file, kind);
      if (version < kind.migrations.length) {
        throw new Failure(
          'config',
          `${kind.what} (${file}) has version ${version}, this program needs ${kind.migrations.length}`,
          'run "mandat init", which migrates it and keeps what is in it',
        );
      }
      if (options.readonly !== true && kind.schema !== undefined) readersKeepNobodyOut(database, options.busyMs);
      if (options.readonly !== true) database.pragma(`synchronous = ${options.durable === false ? 'NORMAL' : 'FULL'}`);
      return database;
    } catch (error) {
      database.close();
      throw error;
    }
  });
}

/** Fails `config` where this user may not even see that: "not there" would be wrong then, and "no sidecar runs" too. */
export function isThere(file: string, { what }: Pick<FileKind, 'what'>): boolean {
  try {
    return statSync(file, { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTDIR') return false;
    throw new Failure(
      'config',
      `${what} (${file}) can't be seen by ${user()}: ${code}`,
      'run mandat as root, or as the user whose data these are',
      { cause: error },
    );
  }
}

/** Which version a file has. Fails `config` where it is none of ours, or newer. */
export function versionIn(file: string, kind: FileKind, busyMs?: number): number {
  return guarded(file, kind, () => {
    const database = connect(file, leavesNoTrace(file), busyMs);
    try {
      return checkVersion(database, file, kind);
    } finally {
      database.close();
    }
  });
}

/**
 * Whether to open a file only to be read, for a mere look. SQLite leaves the empty -wal and -shm that such a connection had to make; one
 * that may write, and is the last, takes them away again. Where there is a -wal, closing such a one would write what is in it into the file.
 */
export function leavesNoTrace(file: string): boolean {
  return existsSync(`${file}-wal`);
}

/** Waits for other programs as it is opened; who runs for long changes that (busy.ts). */
function connect(file: string, readonly = false, busyMs = BUSY_MS): Database.Database {
  refuseLink(file); // SQLite itself follows none to -wal and -shm
  return new Database(file, { fileMustExist: true, timeout: busyMs, readonly });
}

/**
 * One that others may write, and put back by hand, may have come as a file that keeps no log of writes (what VACUUM INTO makes): whoever reads it keeps
 * others from writing, and they are told that it is locked. It gets one, or at the next opening where somebody is in it just now.
 */
function readersKeepNobodyOut(database: Database.Database, busyMs = BUSY_MS): void {
  if (database.pragma('journal_mode', { simple: true }) === 'wal') return;
  waitsForNobody(database);
  try {
    database.pragma('journal_mode = WAL');
  } catch (error) {
    if (!isBusy(error) && !isReadOnly(error)) throw error;
  } finally {
    database.pragma(`busy_timeout = ${busyMs}`);
  }
}

const isReadOnly = (error: unknown) =>
  error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_READONLY');

function checkVersion(database: Database.Database, file: string, kind: FileKind): number {
  // In one transaction, or what another process is just making would be seen half made.
  const { version, applicationId, tables } = database.transaction(() => ({
    version: database.pragma('user_version', { simple: true }) as number,
    applicationId: database.pragma('application_id', { simple: true }) as number,
    tables: countTables(database),
  }))();
  const empty = version === 0 && applicationId === 0 && tables === 0;
  if (applicationId === (kind.applicationId | MOVED_BIT)) {
    throw movedFailure(kind.what, file, movedTo(database) ?? 'another store');
  }
  if (!empty && applicationId !== kind.applicationId) {
    throw new Failure(
      'config',
      `${file} is a database, but not ${kind.what}`,
      'check data_dir; the file was left as it is',
    );
  }
  if (version > kind.migrations.length) {
    throw new Failure(
      'config',
      `${kind.what} (${file}) has version ${version}, newer than this program knows (${kind.migrations.length})`,
      'install the newer mandat again; the file was left as it is',
    );
  }
  return version;
}

function countTables(database: Database.Database): number {
  return database.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() as number;
}

/** SQLite's own errors, in words that say what to do. */
export function guarded<T>(file: string, kind: Pick<FileKind, 'what'>, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw explained(error, file, kind.what);
  }
}

export function explained(error: unknown, file: string, what: string): unknown {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const cause = { cause: error };
  const moved = error instanceof Error ? MOVED_SENTENCE.exec(error.message)?.[1] : undefined;
  if (moved !== undefined) return movedFailure(what, file, moved);
  if (code.startsWith('SQLITE_BUSY') || code.startsWith('SQLITE_LOCKED')) {
    return new Failure('retry', `${what} (${file}) is locked by another program`, 'try again in a moment', cause);
  }
  if (code === 'SQLITE_NOTADB' || code === 'SQLITE_CORRUPT') {
    return new Failure(
      'config',
      `${file} is not a SQLite database, or is damaged`,
      'check data_dir, or restore a backup; the file was left as it is',
      cause,
    );
  }
  if (code.startsWith('SQLITE_READONLY') || code === 'EACCES' || code === 'EROFS' || code === 'EPERM') {
    return new Failure(
      'config',
      `${what} (${file}) can't be written by ${user()}`,
      `give this user the right to write the file and its folder ${modeOf(file)}`,
      cause,
    );
  }
  if (code.startsWith('SQLITE_CANTOPEN') || code === 'ENOENT') {
    return new Failure(
      'config',
      `${what} (${file}) can't be opened by ${user()}`,
      'check data_dir and the rights on it, or run "mandat init"',
      cause,
    );
  }
  if (code.startsWith('SQLITE_FULL') || code === 'ENOSPC') {
    return new Failure(
      'retry',
      `the disk is full: ${what} (${file}) can't be written`,
      'make room, then try again',
      cause,
    );
  }
  return error;
}

function user(): string {
  return `user ${process.getuid?.() ?? '?'}`;
}

function modeOf(file: string): string {
  let stat: Stats | undefined;
  try {
    stat = statSync(file, { throwIfNoEntry: false });
  } catch {} // nor may they see that
  return stat === undefined ? '' : `(mode ${(stat.mode & 0o7777).toString(8)}, owner ${stat.uid}:${stat.gid})`;
}
