/**
 * Commits that wait for the disk without keeping the event loop. SQLite would wait itself (synchronous = FULL), and nothing else would go on meanwhile;
 * so it only writes them into its log (NORMAL), and the log is brought to the disk by a thread beside it. What is committed while that goes on has its
 * turn together. Whoever waits is told when their commit is on the disk; another program may see it a moment before.
 */
import { open } from 'node:fs/promises';
import type Database from 'better-sqlite3';

export interface LogSync {
  /** Resolves when all that was committed before this call is on the disk. */
  reached(): Promise<void>;
  close(): Promise<void>;
}

/** `PRAGMA synchronous` of a connection whose commits wait for the disk. */
const FULL = 2;

/** A file that can be brought to the disk. */
export interface Syncs {
  datasync(): Promise<void>;
  close(): Promise<void>;
}

/** Undefined where its commits wait for no disk, or have no log. */
export function logSync(
  database: Database.Database,
  opening: (file: string) => Promise<Syncs> = (file) => open(file, 'r'),
): LogSync | undefined {
  const setting = (name: string) => database.pragma(name, { simple: true });
  if (database.readonly || setting('journal_mode') !== 'wal' || setting('synchronous') !== FULL) return undefined;
  database.pragma('synchronous = NORMAL');
  let file: Syncs | undefined;
  let running: Promise<void> = Promise.resolve();
  let next: Promise<void> | undefined;
  let bySqlite = false;
  const sync = async () => {
    if (bySqlite) return;
    try {
      file ??= await opening(`${database.name}-wal`);
      await file.datasync();
    } catch {
      bySqlite = true;
      database.pragma('synchronous = FULL');
      database.pragma('wal_checkpoint(PASSIVE)'); // brings the log to the disk first, and says where that can't be done
    }
  };
  return {
    reached: () => {
      // One that has begun may have missed what was committed since.
      next ??= running.then(() => {
        next = undefined;
        const now = sync();
        running = now.catch(() => {}); // whoever waits hears of it
        return now;
      });
      return next;
    },
    close: async () => {
      await running;
      await file?.close();
      file = undefined;
    },
  };
}
