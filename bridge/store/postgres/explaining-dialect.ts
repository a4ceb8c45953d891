/**
 * Kysely on a site's PostgreSQL, whose errors come out as failures that say what to do, wherever the statement stands. Its text can't hold U+0000,
 * which SQLite's can: it goes there as U+FFFD, which no address, login or identifier has.
 */
import type { DatabaseConnection, Dialect, Driver } from 'kysely';
import { type PoolOptions, type PostgresSettings, postgresDialect } from './connection.ts';
import { explainedPostgres } from './failures.ts';

/** `what`: for people, as in `the delegation table`. */
export function explainingDialect(settings: PostgresSettings, what: string, options: PoolOptions): Dialect {
  const dialect = postgresDialect(settings, options);
  const explaining = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw explainedPostgres(error, settings, what);
    }
  };
  return {
    createAdapter: () => dialect.createAdapter(),
    createQueryCompiler: () => dialect.createQueryCompiler(),
    createIntrospector: (query) => dialect.createIntrospector(query),
    createDriver: () => explained(dialect.createDriver(), explaining),
  };
}

function explained(driver: Driver, explaining: <T>(work: () => Promise<T>) => Promise<T>): Driver {
  const known = new WeakSet<DatabaseConnection>();
  const acquireConnection = async () => {
    const connection = await explaining(() => driver.acquireConnection());
    if (!known.has(connection)) {
      known.add(connection); // it comes again with the same client
      const execute = connection.executeQuery.bind(connection);
      connection.executeQuery = (query) =>
        explaining(() => execute({ ...query, parameters: query.parameters.map(withoutNul) }));
    }
    return connection;
  };
  return {
    init: () => driver.init(),
    acquireConnection,
    beginTransaction: (connection, settings) => driver.beginTransaction(connection, settings),
    commitTransaction: (connection) => driver.commitTransaction(connection),
    // Where that can't be said any more, the connection is gone, and the transaction with it: what went wrong before is what counts.
    rollbackTransaction: (connection) => driver.rollbackTransaction(connection).catch(() => {}),
    releaseConnection: (connection) => driver.releaseConnection(connection),
    destroy: () => driver.destroy(),
  };
}

const withoutNul = (value: unknown): unknown =>
  typeof value === 'string' ? value.replaceAll('\0', '\uFFFD') : Array.isArray(value) ? value.map(withoutNul) : value;
