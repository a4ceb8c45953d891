/** What is mandat's own, in the site's PostgreSQL: the same tables for the same queries as state.db, in a schema that only its maker enters. */
import { HandleEmptyInListsPlugin, Kysely, replaceWithNoncontingentExpression, sql } from 'kysely';
import { Failure } from '../../shared/failure.ts';
import { STATE } from '../databases.ts';
import type { OpenOptions } from '../files/open.ts';
import { MAIN_SERVER } from '../main-server.ts';
import type { StateDatabase, StateDb } from '../state/state-db.ts';
import type { PostgresSettings } from './connection.ts';
import { explainingDialect } from './explaining-dialect.ts';
import { explainedPostgres } from './failures.ts';
import { refuseMovedStore } from './moved.ts';
import { STATE_SCHEMA, TABLE_SCHEMA } from './schema-names.ts';
import { STATE_MIGRATIONS } from './state-schema.ts';
import { type Turn, written } from './transactions.ts';

/** Opens what {@link migrateState} has made. */
export async function openPostgresState(settings: PostgresSettings, options: OpenOptions = {}): Promise<StateDb> {
  const query = connect(settings, options);
  try {
    await refuseMovedStore(query, settings, STATE.what);
    const version = await versionOf(query);
    if (version !== STATE_MIGRATIONS.length) throw wrongVersion(settings, version);
  } catch (error) {
    await query.destroy();
    throw explainedPostgres(error, settings, STATE.what);
  }
  let asked = 0;
  return {
    file: `${settings.shown} (schema ${STATE_SCHEMA})`,
    server: options.server ?? MAIN_SERVER,
    query,
    // Nobody tells of others' commits: nothing that was read counts as current.
    dataVersion: () => ++asked,
    write: async (work) => {
      try {
        return await written(query, { settings, what: STATE.what, turn }, work);
      } catch (error) {
        throw explainedPostgres(error, settings, STATE.what);
      }
    },
    close: () => query.destroy(),
  };
}

/** Makes the schema, or brings it to this program's version. Returns the versions before and after. `schema`: of a copy that is being made (moved.ts). */
export async function migrateState(
  settings: PostgresSettings,
  schema: string = STATE_SCHEMA,
): Promise<{ readonly from: number; readonly to: number }> {
  const query = connect(settings, {}, schema);
  const table = versionTable(schema);
  try {
    return await query.transaction().execute(async (transaction) => {
      await sql`SELECT pg_advisory_xact_lock(${WRITING})`.execute(transaction); // another init may be making it just now
      if (schema === STATE_SCHEMA) await refuseMovedStore(transaction, settings, STATE.what);
      const from = await versionOf(transaction, table);
      if (from > STATE_MIGRATIONS.length) throw wrongVersion(settings, from);
      if (from === 0) {
        await sql.raw(`CREATE SCHEMA ${schema}`).execute(transaction);
        await sql.raw(`CREATE TABLE ${table} (version bigint NOT NULL)`).execute(transaction);
        await sql.raw(`INSERT INTO ${table} VALUES (0)`).execute(transaction);
      }
      for (const script of STATE_MIGRATIONS.slice(from))
        await sql.raw(script.replaceAll(STATE_SCHEMA, schema)).execute(transaction);
      await sql.raw(`UPDATE ${table} SET version = ${STATE_MIGRATIONS.length}`).execute(transaction);
      return { from, to: STATE_MIGRATIONS.length };
    });
  } catch (error) {
    throw explainedPostgres(error, settings, STATE.what);
  } finally {
    await query.destroy();
  }
}

/** Whether anything of ours has ever been made there. */
export async function stateIsMade(settings: PostgresSettings): Promise<boolean> {
  const query = connect(settings, {});
  try {
    return (await versionOf(query)) > 0;
  } catch (error) {
    throw explainedPostgres(error, settings, STATE.what);
  } finally {
    await query.destroy();
  }
}

const versionTable = (schema: string) => `${schema}.schema_version`;

const VERSION = versionTable(STATE_SCHEMA);

/** To be read, also where it has another name until it is whole (moved.ts). Whoever opens it destroys it. */
export const stateQuery = (settings: PostgresSettings, schema: string): Kysely<StateDatabase> =>
  connect(settings, { readonly: true }, schema);

/** Names are looked for among what is ours first, then in the shared table: one transaction reaches both. */
function connect(
  settings: PostgresSettings,
  { readonly, durable, patienceMs, worker }: OpenOptions,
  schema: string = STATE_SCHEMA,
): Kysely<StateDatabase> {
  return new Kysely<StateDatabase>({
    dialect: explainingDialect(settings, STATE.what, {
      schemas: [schema, TABLE_SCHEMA],
      readonly,
      durable,
      patienceMs,
      worker,
    }),
    plugins: [new HandleEmptyInListsPlugin({ strategy: replaceWithNoncontingentExpression })], // SQLite takes them as they are
  });
}

/** One writer at a time, as on a file: each seal goes on from the one before, and what was read to be written stays as it was read. */
const turn: Turn = (mark) => sql`SELECT ${mark}, pg_advisory_xact_lock(${WRITING})`;

/** Ours, in this database: "mandat" in hexadecimal. */
const WRITING = 0x6d616e646174;

/** 0 where there is none. */
async function versionOf(query: Kysely<StateDatabase>, table = VERSION): Promise<number> {
  const { rows } = await sql<{ readonly there: string | null }>`SELECT to_regclass(${table})::text AS there`.execute(
    query,
  );
  if (rows[0]?.there == null) return 0;
  const found = await sql<{ readonly version: number }>`SELECT version FROM ${sql.raw(table)}`.execute(query);
  return found.rows[0]?.version ?? 0;
}

function wrongVersion({ shown }: PostgresSettings, version: number): Failure {
  const known = STATE_MIGRATIONS.length;
  const what = `${STATE.what} (${shown}, schema ${STATE_SCHEMA})`;
  if (version > known)
    return new Failure(
      'config',
      `${what} has version ${version}, newer than this program knows (${known})`,
      'install the newer mandat again; the database was left as it is',
    );
  const hint = 'run "mandat init", which makes or migrates it and keeps what is in it';
  return new Failure(
    'config',
    `${what} ${version === 0 ? 'is not there' : `has version ${version}, this program needs ${known}`}`,
    hint,
  );
}
