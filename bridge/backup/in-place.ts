/** What stands in the data directory before a restore: what it knows that the backup can't, and how it is put aside. */
import {
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
} from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { Failure } from '../shared/failure.ts';
import { DELEGATIONS, STATE, SUBMISSIONS } from '../store/databases.ts';
import { isBusy } from '../store/files/busy.ts';
import type { DataFiles } from '../store/files/data-files.ts';
import { refuseLink } from '../store/files/no-follow.ts';
import { type FileKind, leavesNoTrace, versionIn } from '../store/files/open.ts';
import { LARGEST } from '../store/migrations/delegation-4.ts';
import { headFileOf } from '../store/trail/seal-head.ts';
import { syncDirectory } from './copying.ts';
import { asideOfUnfinished } from './unfinished.ts';

export interface InPlace {
  /** Anything at all that would be put aside. */
  readonly there: boolean;
  /** Of the table: undefined where there is none, or it can't be read. */
  readonly table:
    | { readonly epoch: string; readonly version: number; readonly delegations: number; readonly empty: boolean }
    | undefined;
  /** Of the state. `pairs`: who has something on the servers because of us, as `ownerLogin` and `login`, but those on their way out. */
  readonly state:
    | {
        readonly stateId: string | undefined;
        readonly version: number;
        readonly trailEnd: number;
        readonly pairs: readonly { readonly server: string; readonly ownerLogin: string; readonly login: string }[];
      }
    | undefined;
  /** What can't be read of it, a line each. */
  readonly unreadable: readonly string[];
}

/**
 * Only looks, and takes what is damaged for what it is: that may be why something is restored. Where a restore was killed, what it had put aside is what
 * was there.
 */
export function inPlaceNow(files: DataFiles): InPlace {
  const aside = asideOfUnfinished(files);
  const first = (file: string) => {
    const kept = aside === undefined ? file : path.join(aside, path.basename(file));
    return existsSync(kept) ? kept : file;
  };
  const unreadable: string[] = [];
  const read = <T>(file: string, kind: FileKind, work: (database: Database.Database) => T): T | undefined => {
    if (!existsSync(file)) return undefined;
    try {
      versionIn(file, kind);
      const database = new Database(file, { fileMustExist: true, readonly: leavesNoTrace(file), timeout: 5000 });
      try {
        return work(database);
      } finally {
        database.close();
      }
    } catch (error) {
      unreadable.push(`${file}: ${(error as Error).message}`);
      return undefined;
    }
  };
  const number = (database: Database.Database, query: string) => Number(database.prepare(query).pluck().get() ?? 0);
  const text = (database: Database.Database, query: string) =>
    database.prepare(query).pluck().get() as string | undefined;
  const table = read(first(files.delegations), DELEGATIONS, (database) => ({
    epoch: text(database, "SELECT value FROM settings WHERE name = 'epoch'") ?? '',
    version: sane(number(database, 'SELECT version FROM counters')),
    delegations: number(database, 'SELECT count(*) FROM delegations'),
    empty:
      number(
        database,
        'SELECT (SELECT count(*) FROM mailboxes) + (SELECT count(*) FROM delegates) + (SELECT count(*) FROM delegations)',
      ) === 0,
  }));
  const state = read(first(files.state), STATE, (database) => ({
    stateId: text(database, "SELECT value FROM facts WHERE name = 'state-id'"),
    version: Math.max(
      sane(Number(text(database, "SELECT value FROM facts WHERE name = 'version'") ?? 0)),
      sane(number(database, 'SELECT max(max(in_force_version), max(failed_version)) FROM outcomes')),
    ),
    trailEnd: number(
      database,
      'SELECT COALESCE((SELECT max(id) FROM audit), (SELECT max(last_id) FROM audit_checkpoints), 0)',
    ),
    pairs: database
      .prepare<[], { server: string; ownerLogin: string; login: string }>(
        "SELECT server, owner_login AS ownerLogin, login FROM ledger WHERE phase <> 'revoking'",
      )
      .all(),
  }));
  return { there: allIn(files).some((file) => existsSync(file)), table, state, unreadable };
}

const sane = (version: number) => (version >= 0 && version <= LARGEST ? version : 0);

const databasesIn = ({ delegations, state, submissions }: DataFiles): readonly (readonly [string, FileKind])[] => [
  [delegations, DELEGATIONS],
  [state, STATE],
  [submissions, SUBMISSIONS],
];

const allIn = (files: DataFiles) => [
  ...databasesIn(files).map(([file]) => file),
  files.sealKey,
  headFileOf(files.sealKey),
];

/**
 * Before anything is moved: that no other program has one of the databases open, which would go on with the file that was put aside. What was in their
 * logs of writes is in the files then. What is damaged is left as it is. Fails `retry`.
 */
export function refuseOpenElsewhere(files: DataFiles): void {
  for (const [file, kind] of databasesIn(files)) {
    if (!existsSync(file)) continue;
    refuseLink(file);
    let database: Database.Database | undefined;
    try {
      database = new Database(file, { fileMustExist: true, timeout: 2000 });
      database.pragma('journal_mode = DELETE'); // SQLite does that for the only connection there is
    } catch (error) {
      if (!isBusy(error)) continue;
      throw new Failure(
        'retry',
        `another program has ${kind.what} (${file}) open`,
        `nothing was changed: end it ("fuser -v ${file}" names it), then try again`,
      );
    } finally {
      database?.close();
    }
  }
}

export interface Moved {
  /** The directory that what was there lies in now; undefined where nothing was. */
  aside: string | undefined;
  /** One by one, so that what fails on the way can be taken back. */
  readonly files: { readonly from: string; readonly to: string }[];
}

/** Where what is there will go. */
export const asidePlace = ({ privateDirectory }: DataFiles, now: Date) =>
  path.join(privateDirectory, `before-restore-${now.toISOString().replaceAll(/[:.]/g, '')}`);

/** All of these that are there, with their logs of writes. `moved` tells how far it has come, whatever it throws. */
export function putAside(aside: string, targets: readonly string[], moved: Moved): void {
  const there = targets.flatMap((file) => [file, `${file}-wal`, `${file}-shm`, `${file}-journal`]).filter(isThere);
  if (there.length === 0) return;
  mkdirSync(aside, { mode: 0o700 });
  moved.aside = aside;
  for (const from of there) {
    const to = path.join(aside, path.basename(from));
    moveFile(from, to);
    moved.files.push({ from, to });
  }
  syncDirectory(aside);
}

/** Also where the table's directory is a file system of its own (a volume of a container, say): `to` is whole before `from` goes. */
export function moveFile(from: string, to: string): void {
  try {
    renameSync(from, to);
    return;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
  }
  const { mode, uid, gid } = lstatSync(from);
  copyFileSync(from, to, constants.COPYFILE_EXCL);
  const fd = openSync(to, 'r');
  try {
    fchownSync(fd, uid, gid);
    fchmodSync(fd, mode & 0o777);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  rmSync(from);
}

const isThere = (file: string) => lstatSync(file, { throwIfNoEntry: false }) !== undefined;
