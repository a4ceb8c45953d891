/**
 * What a copy of the sender map elsewhere has not got yet, kept in the map's own file and written with its rules: so that a copy which could not
 * follow, or a process that died between the two, costs the mailboxes concerned and not all of them (bridge/sender/postgres-rules.ts).
 */
import type Database from 'better-sqlite3';

export interface Copied {
  /** Of this very file: random. From the first call on it is kept which mailboxes have changed. */
  id(): string;
  /** In ascending order of mailboxes, so many at most. */
  behind(most: number): readonly Behind[];
  isBehind(mailboxId: number): boolean;
  /** The copy has these changes; what came after them it has not. */
  has(changes: readonly Behind[]): void;
}

export interface Behind {
  readonly mailboxId: number;
  /** Tells one change of it from a later one. */
  readonly change: number;
}

/** Empty, and stays so, where there is no copy. */
export const COPIED_TABLES = `CREATE TABLE IF NOT EXISTS copied (one INTEGER PRIMARY KEY CHECK (one = 1), id TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS behind (mailbox INTEGER PRIMARY KEY, change INTEGER NOT NULL) STRICT;`;

export function copiedMap(database: Database.Database, guarded: <T>(work: () => T) => T): Copied {
  return {
    id: () => guarded(() => idOf(database)),
    behind: (most) =>
      guarded(() =>
        database
          .prepare<[number], Behind>('SELECT mailbox AS mailboxId, change FROM behind ORDER BY mailbox LIMIT ?')
          .all(most),
      ),
    isBehind: (mailboxId) =>
      guarded(() => database.prepare('SELECT 1 FROM behind WHERE mailbox = ?').get(mailboxId) !== undefined),
    has: (changes) =>
      guarded(() => {
        const forget = database.prepare('DELETE FROM behind WHERE mailbox = ? AND change = ?');
        const all = () => {
          for (const { mailboxId, change } of changes) forget.run(mailboxId, change);
        };
        if (changes.length > 0) database.transaction(all).immediate();
      }),
  };
}

/** In the transaction of the change; nothing where no copy was ever made. */
export function noteBehind(database: Database.Database, mailboxId: number): void {
  if (!isCopied(database)) return;
  database
    .prepare('INSERT OR REPLACE INTO behind (mailbox, change) SELECT ?, coalesce(max(change), 0) + 1 FROM behind')
    .run(mailboxId);
}

const isCopied = (database: Database.Database): boolean =>
  database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'copied'").get() !== undefined &&
  database.prepare('SELECT 1 FROM copied WHERE one = 1').get() !== undefined;

function idOf(database: Database.Database): string {
  const id = database.prepare('SELECT id FROM copied WHERE one = 1').pluck();
  const there = id.get();
  if (typeof there === 'string') return there;
  database.prepare('INSERT OR IGNORE INTO copied VALUES (1, lower(hex(randomblob(16))))').run();
  return id.get() as string;
}
