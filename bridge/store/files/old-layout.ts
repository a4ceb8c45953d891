/**
 * Before there were three directories, all files lay in data_dir itself, which group mandat could write. `mandat init` moves them. What it
 * has begun and not ended is ended by the next one: each file is moved whole, under a lock that keeps other programs out.
 */
import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fstatSync,
  linkSync,
  lstatSync,
  openSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { basename, join, relative } from 'node:path';
import Database from 'better-sqlite3';
import { Failure } from '../../shared/failure.ts';
import { DELEGATIONS, STATE, SUBMISSIONS } from '../databases.ts';
import type { DataFiles } from './data-files.ts';
import { makePlaces, refuseUnsafePlaces } from './directories.ts';
import { takeLock } from './lock.ts';
import { type FileKind, guarded, versionIn } from './open.ts';

/** Never open in another program for long: the key, and what is only read. */
const PLAIN = /^(?:seal\.(?:key|head)|white-list\.json|(?:directory|correspondence)-\d+\.db)$/;
const SOCKETS = /^(?:filter|copy|sender)\.sock$/;
const OLD_LOCK = 'sidecar.lock';

/** Names in data_dir that an older mandat has left there. */
export function leftInOldPlaces({ directory, ...files }: DataFiles): readonly string[] {
  let names: readonly string[];
  try {
    names = readdirSync(directory);
  } catch {
    // Who may only pass through looks at the two that always were there. Nothing is in what is no directory.
    names = ['state.db', 'delegation.db'].filter((name) => existsSync(join(directory, name)));
  }
  const databases = [files.delegations, files.state, files.submissions].map((file) => basename(file));
  return names.filter(
    (name) => (databases.includes(name) && !isOurLink(directory, name, files.delegations)) || PLAIN.test(name),
  );
}

/** Fails `config` where `mandat init` has something to move. */
export function refuseOldPlaces(files: DataFiles): void {
  const left = leftInOldPlaces(files);
  if (left.length === 0) return;
  throw new Failure(
    'config',
    `${left.map((name) => join(files.directory, name)).join(', ')}: an older mandat kept its files there, where group mandat may write`,
    'stop the sidecar, then "mandat init" moves them into directories of their own, and says what it did',
  );
}

/** What was done, one line each; none where there was nothing to do. `gid`: of the shared group. Fails `refused` beside a sidecar. */
export function moveOldPlaces(files: DataFiles, gid: number | undefined): readonly string[] {
  const { directory } = files;
  if (lstatSync(directory, { throwIfNoEntry: false }) === undefined) return [];
  const oldLock = join(directory, OLD_LOCK);
  const left = leftInOldPlaces(files);
  const locked = left.length > 0 && lstatSync(oldLock, { throwIfNoEntry: false }) !== undefined;
  const lock = locked ? takeLock(oldLock) : undefined; // one that an older sidecar would hold
  try {
    const closed = closeToOthers(directory);
    if (left.length === 0) return closed;
    refuseUnsafePlaces(files);
    makePlaces(files, gid);
    const moved = left.map((name) => move(files, name));
    for (const name of readdirSync(directory)) if (SOCKETS.test(name)) removeSocket(join(directory, name));
    return [...closed, ...moved];
  } finally {
    lock?.release();
    if (lock !== undefined && leftInOldPlaces(files).length === 0) rmSync(oldLock, { force: true });
  }
}

/** From then on nobody else can put anything there. */
function closeToOthers(directory: string): readonly string[] {
  const fd = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const { mode } = fstatSync(fd);
    if ((mode & 0o022) === 0) return [];
    const wanted = mode & 0o1711;
    guarded(directory, { what: 'the data directory' }, () => fchmodSync(fd, wanted));
    const shown = (bits: number) => (bits & 0o7777).toString(8);
    return [`${directory}: mode ${shown(mode)} is ${shown(wanted)} now: only its owner writes there`];
  } finally {
    closeSync(fd);
  }
}

function move(files: DataFiles, name: string): string {
  const from = join(files.directory, name);
  const to = name === basename(files.delegations) ? files.delegations : join(files.privateDirectory, name);
  const stat = lstatSync(from);
  if (!stat.isFile()) {
    throw new Failure(
      'config',
      `${from} is a ${stat.isSymbolicLink() ? 'link' : 'thing'} that mandat never made`,
      'find out who put it there, and move it away',
    );
  }
  const there = lstatSync(to, { throwIfNoEntry: false });
  const half = there !== undefined && there.ino === stat.ino && there.dev === stat.dev;
  if (there !== undefined && !half) {
    throw new Failure(
      'config',
      `${from} and ${to} are both there`,
      'one of them is the right one: move the other away, and its -wal and -shm',
    );
  }
  const kind = KINDS.get(name);
  if (kind === undefined) renameSync(from, to);
  else if (name === basename(files.delegations)) alone(from, kind, () => moveTable(from, to, half));
  else alone(from, kind, () => renameSync(from, to));
  if (kind !== undefined) inWal(to);
  return `${from}: moved to ${to}${name === basename(files.delegations) ? '; a link stays for programs that know the old place' : ''}`;
}

const KINDS: ReadonlyMap<string, FileKind> = new Map([
  ['delegation.db', DELEGATIONS],
  ['state.db', STATE],
  ['submission.db', SUBMISSIONS],
]);

/** At no moment is there no table under its old name. */
function moveTable(from: string, to: string, half: boolean): void {
  if (!half) linkSync(from, to);
  const draft = `${from}.${process.pid}`;
  rmSync(draft, { force: true });
  symlinkSync(relative(join(from, '..'), to), draft);
  renameSync(draft, from);
}

function isOurLink(directory: string, name: string, delegations: string): boolean {
  const path = join(directory, name);
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return false;
  return join(directory, readlinkSync(path)) === delegations;
}

const PATIENCE_MS = 5000;

/** Without -wal and -shm, which would stay behind, and while nobody else has the file. */
function alone(file: string, kind: FileKind, work: () => void): void {
  versionIn(file, kind); // fails for what is none of ours
  guarded(file, kind, () => {
    const database = new Database(file, { fileMustExist: true, timeout: PATIENCE_MS });
    try {
      if (!endsWal(database)) {
        throw new Failure(
          'retry',
          `another program has ${kind.what} (${file}) open`,
          `end it for the moment that the move takes ("fuser -v ${file}" names it), then "mandat init" again`,
        );
      }
      database.exec('BEGIN EXCLUSIVE');
      work();
      database.exec('ROLLBACK');
    } finally {
      database.close();
    }
  });
}

/** SQLite does that for the only connection there is. */
function endsWal(database: Database.Database): boolean {
  try {
    return database.pragma('journal_mode = DELETE', { simple: true }) === 'delete';
  } catch (error) {
    if (error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY')) return false;
    throw error;
  }
}

function inWal(file: string): void {
  const database = new Database(file, { fileMustExist: true, timeout: PATIENCE_MS });
  try {
    database.pragma('journal_mode = WAL');
  } finally {
    database.close();
  }
}

function removeSocket(path: string): void {
  if (lstatSync(path).isSocket()) rmSync(path);
}
