/**
 * Statements that are prepared once: a pass over a mailbox asks the same fifty each time, and preparing one takes as long as running it. SQLite itself
 * prepares one anew whose tables have changed. They also tell whether this connection has written anything, which SQLite's data_version doesn't.
 */
import type Database from 'better-sqlite3';

export type Prepares = Pick<Database.Database, 'prepare' | 'close'>;

export interface KeptStatements {
  readonly database: Prepares;
  /** How often something was written by them. */
  writes(): number;
}

/** The queries of the program are fewer; what is made for a list of its own is many. */
const MOST_KEPT = 300;

export function keptStatements(database: Prepares): KeptStatements {
  const kept = new Map<string, unknown>();
  let writes = 0;
  const prepare = (sql: string) => {
    const there = kept.get(sql);
    if (there !== undefined) return there;
    const statement = database.prepare(sql);
    const told = (rows: unknown[]) => {
      if (!statement.readonly && rows.length > 0) writes++; // RETURNING
      return rows;
    };
    const one = {
      reader: statement.reader,
      readonly: statement.readonly,
      all: (...values: unknown[]) => told(statement.all(...values)),
      run: (...values: unknown[]) => {
        const result = statement.run(...values);
        if (result.changes > 0) writes++;
        return result;
      },
      // Whoever goes through its rows one by one has it for themselves until they are through.
      iterate: (...values: unknown[]) => database.prepare(sql).iterate(...values),
    };
    kept.set(sql, one);
    for (const [oldest] of kept) {
      if (kept.size <= MOST_KEPT) break;
      kept.delete(oldest);
    }
    return one;
  };
  return {
    database: { prepare: prepare as unknown as Database.Database['prepare'], close: () => database.close() },
    writes: () => writes,
  };
}

/**
 * The same as long as nobody has committed anything and this connection has written nothing: what was read under it still holds.
 * @param dataVersion of the same connection (busy.ts)
 */
export function stampOf(statements: KeptStatements, dataVersion: () => number): () => string {
  return () => `${dataVersion()} ${statements.writes()}`;
}
