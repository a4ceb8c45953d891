/**
 * A copy of what is mandat's own, to rehearse on: temporary tables of one connection, which stand before the real ones in every search for a name,
 * and are gone with it. Nobody else sees them or waits for them.
 */
import { HandleEmptyInListsPlugin, Kysely, replaceWithNoncontingentExpression, sql } from 'kysely';
import { STATE } from '../databases.ts';
import type { StateDatabase, StateDb } from '../state/state-db.ts';
import { type PostgresSettings, postgresDialect } from './connection.ts';
import { explainedPostgres } from './failures.ts';
import { STATE_SCHEMA } from './schema-names.ts';

/** What a pass reads or writes; of what isn't copied, a rehearsal sees an empty one. */
const COPIED = [
  'facts',
  'ledger',
  'before_entries',
  'subscriptions',
  'outcomes',
  'folders_seen',
  'owner_folders',
  'other_entries',
  'rows_seen',
  'repairs',
];
const EMPTY = ['accounts', 'owner_contacts', 'outbox', 'told', 'audit', 'audit_checkpoints', 'api_answers'];

/** Needs the right to make temporary tables in this database, which everybody has by default. */
export async function copyPostgresState(settings: PostgresSettings, server: string): Promise<StateDb> {
  const query = new Kysely<StateDatabase>({
    dialect: postgresDialect(settings, { schemas: [STATE_SCHEMA], most: 1 }),
    plugins: [new HandleEmptyInListsPlugin({ strategy: replaceWithNoncontingentExpression })],
  });
  try {
    await query
      .transaction()
      .setIsolationLevel('repeatable read')
      .execute(async (transaction) => {
        const run = (text: string) => sql.raw(text).execute(transaction);
        for (const table of [...COPIED, ...EMPTY]) {
          await run(`CREATE TEMPORARY TABLE ${table} (LIKE ${STATE_SCHEMA}.${table} INCLUDING ALL)`);
        }
        for (const table of COPIED) await run(`INSERT INTO pg_temp.${table} SELECT * FROM ${STATE_SCHEMA}.${table}`);
        for (const table of ['ledger', 'repairs'])
          await run(`SELECT setval(pg_get_serial_sequence('pg_temp.${table}', 'id'),
            (SELECT COALESCE(max(id), 0) + 1 FROM pg_temp.${table}), false)`);
      });
  } catch (error) {
    await query.destroy();
    throw explainedPostgres(error, settings, STATE.what);
  }
  let asked = 0;
  return {
    file: `a copy of ${settings.shown} (schema ${STATE_SCHEMA})`,
    server,
    query,
    dataVersion: () => ++asked,
    write: (work) => query.transaction().execute(work),
    close: () => query.destroy(),
  };
}
