/**
 * A database that another program holds is tried again from the event loop, never waited for in it: SQLite's own waiting would keep
 * everybody else's work from going on. So our connections wait for nobody, and what finds its database held begins anew a moment later.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type Database from 'better-sqlite3';
import { CompiledQuery, type DatabaseConnection, type Driver, SqliteDialect } from 'kysely';

/** How long a held database is tried again, in milliseconds. */
export const BUSY_MS = 5000;

/** Between two attempts, in milliseconds; the last one from then on. */
const DELAYS_MS = [1, 2, 5, 10, 15, 20, 25];

export function isBusy(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY');
}

/** The same, or what says so in words. */
const isHeld = (error: unknown): boolean => isBusy(error) || (error instanceof Error && isBusy(error.cause));

/** Tries what is refused whole while another program holds the database. Throws SQLite's own error when that takes too long. */
export async function whenFree<T>(work: () => T | Promise<T>, patienceMs = BUSY_MS): Promise<T> {
  const until = performance.now() + patienceMs;
  for (let attempt = 0; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const left = until - performance.now();
      if (!isHeld(error) || left <= 0) throw error;
      await delay(Math.min(left, DELAYS_MS[attempt] ?? DELAYS_MS.at(-1) ?? left));
    }
  }
}

/** From now on its statements fail at once where the database is held. */
export function waitsForNobody(database: Database.Database): void {
  database.pragma('busy_timeout = 0');
}

/** PRAGMA data_version as a function. Where it can't be read just now it is another each time: nothing that was read counts as current. */
export function dataVersionOf(database: Database.Database): () => number {
  const version = database.prepare('PRAGMA data_version').pluck();
  let unknown = 0;
  return () => {
    try {
      return version.get() as number;
    } catch (error) {
      if (!isBusy(error)) throw error;
      unknown--;
      return unknown;
    }
  };
}

/**
 * Kysely on such a connection. What is tried again doesn't hold the connection meanwhile, so that whoever only reads goes on. Within a
 * transaction nothing is tried again: it is begun with what it needs, the write lock (unless it only reads) and its snapshot.
 */
export function patientDialect(
  database: Pick<Database.Database, 'prepare' | 'close'>,
  patienceMs?: number,
  log?: Log,
): SqliteDialect {
  const dialect = new SqliteDialect({ database: database as Database.Database });
  const createDriver = () =>
    patient(new SqliteDialect({ database: database as Database.Database }).createDriver(), patienceMs, log);
  return Object.assign(dialect, { createDriver });
}

/** Where SQLite itself waits for no disk: how often something was written, and the wait, in which the connection is everybody's. */
export interface Log {
  writes(): number;
  reached(): Promise<void>;
}

/** SQLite has given up the transaction itself, as it may where the disk is full or fails: nothing is left to be taken back, and the first error counts. */
async function unlessGone(rollback: Promise<unknown>): Promise<void> {
  try {
    await rollback;
  } catch (error) {
    if (!(error instanceof Error && /no transaction is active/.test(error.message))) throw error;
  }
}

type Statement = Parameters<DatabaseConnection['executeQuery']>[0];

function patient(driver: Driver, patienceMs: number | undefined, log: Log | undefined): Driver {
  /** The real connection of those that are in a transaction. */
  const held = new WeakMap<DatabaseConnection, DatabaseConnection>();
  /** How often something had been written when it began. */
  const begunAt = new WeakMap<DatabaseConnection, number>();
  const giveUp = async (handle: DatabaseConnection): Promise<void> => {
    const connection = held.get(handle);
    held.delete(handle);
    if (connection !== undefined) await driver.releaseConnection(connection);
  };
  const inside = (handle: DatabaseConnection): DatabaseConnection => {
    const connection = held.get(handle);
    if (connection === undefined) throw new Error('not in a transaction');
    return connection;
  };
  const alone = async <T>(work: (connection: DatabaseConnection) => Promise<T>): Promise<T> => {
    const connection = await driver.acquireConnection();
    try {
      return await work(connection);
    } finally {
      await driver.releaseConnection(connection);
    }
  };
  const handle = (): DatabaseConnection => {
    const self: DatabaseConnection = {
      executeQuery: async <R>(statement: Statement) => {
        const connection = held.get(self);
        if (connection !== undefined) return connection.executeQuery<R>(statement);
        let before: number | undefined;
        let after: number | undefined;
        const run = async (one: DatabaseConnection) => {
          before = log?.writes();
          const result = await one.executeQuery<R>(statement);
          after = log?.writes();
          return result;
        };
        const result = await whenFree(() => alone(run), patienceMs);
        if (before !== after) await log?.reached();
        return result;
      },
      streamQuery: async function* <R>(statement: Statement, chunk?: number) {
        const theirs = held.get(self);
        const connection = theirs ?? (await driver.acquireConnection());
        try {
          yield* connection.streamQuery<R>(statement, chunk);
        } finally {
          if (theirs === undefined) await driver.releaseConnection(connection);
        }
      },
    };
    return self;
  };
  const begin = async (readOnly: boolean): Promise<DatabaseConnection> => {
    const connection = await driver.acquireConnection();
    const run = (sql: string) => connection.executeQuery(CompiledQuery.raw(sql));
    let begun = false;
    try {
      await run(readOnly ? 'BEGIN' : 'BEGIN IMMEDIATE');
      begun = true;
      if (readOnly) await run('SELECT 1 FROM sqlite_schema LIMIT 1');
      return connection;
    } catch (error) {
      try {
        if (begun) await unlessGone(run('ROLLBACK'));
      } finally {
        await driver.releaseConnection(connection); // whoever waits for it would wait for ever
      }
      throw error;
    }
  };
  return {
    init: () => driver.init(),
    acquireConnection: async () => handle(),
    releaseConnection: giveUp,
    beginTransaction: async (self, { accessMode }) => {
      held.set(self, await whenFree(() => begin(accessMode === 'read only'), patienceMs));
      if (log !== undefined) begunAt.set(self, log.writes());
    },
    commitTransaction: async (self) => {
      await driver.commitTransaction(inside(self));
      if (log === undefined || log.writes() === begunAt.get(self)) return;
      await giveUp(self);
      await log.reached();
    },
    rollbackTransaction: async (self) => {
      if (held.has(self)) await unlessGone(driver.rollbackTransaction(inside(self))); // else it is committed, and the disk failed
    },
    destroy: () => driver.destroy(),
  };
}
