/** The log of writes (-wal) beside a database: a reader that stays keeps it growing, and it never shrinks by itself. */
import { statSync } from 'node:fs';
import Database from 'better-sqlite3';

/** From this size on it is brought back to nothing, in octets. SQLite's own checkpoints keep it at 4 MB or so where nobody is in the way. */
export const LARGE_LOG = 16 * 1024 * 1024;

export interface LogShrunk {
  /** Its size before, in octets. */
  readonly size: number;
  /** False where a reader or a writer was in the way: the next time, then. */
  readonly done: boolean;
}

/** Undefined where it isn't large. Waits for nobody; on a connection of its own, since another may be in a transaction. */
export function shrinkLog(file: string, from = LARGE_LOG): LogShrunk | undefined {
  const size = statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0;
  if (size < from) return undefined;
  const database = new Database(file, { fileMustExist: true, timeout: 0 });
  try {
    const [answer] = database.pragma('wal_checkpoint(TRUNCATE)') as readonly { readonly busy: number }[];
    return { size, done: answer?.busy === 0 };
  } catch {
    return { size, done: false };
  } finally {
    database.close();
  }
}
