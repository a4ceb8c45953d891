/**
 * Several databases as they are at one moment. Each is read from a snapshot of its own (WAL, so that nobody waits for it), and for the instant
 * in which the snapshots are taken the write locks of all are held: nothing can have been committed between two of them. A lock that somebody
 * else has is not waited for with others in hand, so that nobody ever waits for us in a circle.
 */
import { setTimeout as delay } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { isBusy } from '../store/files/busy.ts';
import { refuseLink } from '../store/files/no-follow.ts';
import { explained, type FileKind, versionIn } from '../store/files/open.ts';

export interface Source {
  readonly file: string;
  readonly kind: FileKind;
}

export interface Snapshot extends Source {
  /** In a read transaction for as long as it is open: what others commit meanwhile isn't seen. */
  readonly database: Database.Database;
}

export interface Moment {
  readonly snapshots: readonly Snapshot[];
  /** For how long nobody else could commit, in milliseconds. */
  readonly heldMs: number;
  close(): void;
}

/** Between two attempts, in milliseconds. */
const PAUSE_MS = 5;

/** How long a database that another program writes to is tried again, in milliseconds. */
const PATIENCE_MS = 30_000;

/**
 * `beside`: called in that very instant, for what lies in files beside the databases. Files of an older version are taken as they are. Fails
 * `config` for what is none of ours, `retry` where some program keeps a write lock for too long.
 */
export async function momentOf(
  sources: readonly Source[],
  beside: () => void,
  patienceMs = PATIENCE_MS,
): Promise<Moment> {
  for (const { file, kind } of sources) versionIn(file, kind);
  const opened: Database.Database[] = [];
  const connect = (file: string) => {
    refuseLink(file);
    const database = new Database(file, { fileMustExist: true, timeout: 0 });
    opened.push(database);
    return database;
  };
  const closeAll = () => {
    for (const one of opened) one.close();
  };
  try {
    const locks = sources.map(({ file }) => connect(file));
    const snapshots = sources.map((source) => ({ ...source, database: connect(source.file) }));
    for (const until = performance.now() + patienceMs; ; await delay(PAUSE_MS)) {
      const began = performance.now();
      const busy = attempt(locks, snapshots, beside);
      if (busy === undefined) {
        for (const lock of locks) lock.close();
        return { snapshots, heldMs: performance.now() - began, close: closeAll };
      }
      if (performance.now() > until) {
        const { file, kind } = sources[busy.at] as Source;
        throw explained(busy.error, file, kind.what);
      }
    }
  } catch (error) {
    closeAll();
    throw error;
  }
}

/** Undefined once it is done; else which of them was in somebody else's hands. Leaves no lock behind. */
function attempt(
  locks: readonly Database.Database[],
  snapshots: readonly Snapshot[],
  beside: () => void,
): { readonly at: number; readonly error: unknown } | undefined {
  let at = 0;
  let done = false;
  try {
    for (const lock of locks) {
      lock.exec('BEGIN IMMEDIATE');
      at++;
    }
    for (const { database } of snapshots) {
      database.exec('BEGIN');
      database.prepare('SELECT count(*) FROM sqlite_schema').get(); // only now is it a snapshot
    }
    beside();
    done = true;
    return undefined;
  } catch (error) {
    if (!isBusy(error)) throw error;
    return { at: Math.min(at, locks.length - 1), error };
  } finally {
    for (const lock of locks) if (lock.inTransaction) lock.exec('ROLLBACK');
    if (!done) for (const { database } of snapshots) if (database.inTransaction) database.exec('ROLLBACK');
  }
}
