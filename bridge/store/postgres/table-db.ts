/**
 * The delegation table in a site's PostgreSQL, behind the interface of delegation.db. Who writes takes their turn first: the row of `counters`,
 * which every rule takes as well (table-1/common.ts), so that versions become visible in their order and what was read stays as it was until the
 * commit. Who reads several tables sees them at one moment.
 */
import { HandleEmptyInListsPlugin, Kysely, replaceWithNoncontingentExpression, sql } from 'kysely';
import { Failure } from '../../shared/failure.ts';
import { DELEGATIONS } from '../databases.ts';
import { MAIN_SERVER } from '../main-server.ts';
import { type DelegationDb, inNameOf, refusal, type TableOptions } from '../table/delegation-db.ts';
import type { DelegationDatabase } from '../table/delegation-types.ts';
import { rulesLook } from './changed-rules.ts';
import type { PostgresSettings } from './connection.ts';
import { explainingDialect } from './explaining-dialect.ts';
import { explainedPostgres, superseded } from './failures.ts';
import { refuseMovedStore } from './moved.ts';
import { STATE_SCHEMA, TABLE_SCHEMA } from './schema-names.ts';
import { TABLE_MIGRATIONS } from './table-migrations.ts';
import { tableVersion } from './table-version.ts';
import { answered, type Turn, written } from './transactions.ts';

const KNOWN = TABLE_MIGRATIONS.length;

/** Opens what {@link migrateTable} has made. Fails `config` where it isn't there, or has another version. */
export async function openPostgresTable(
  settings: PostgresSettings,
  { key, ...options }: TableOptions = {},
): Promise<DelegationDb> {
  const { readonly, durable, patienceMs, server = MAIN_SERVER, worker } = options;
  const query = new Kysely<DelegationDatabase>({
    dialect: explainingDialect(settings, DELEGATIONS.what, {
      schemas: [TABLE_SCHEMA],
      readonly,
      durable,
      patienceMs,
      worker,
    }),
    plugins: [new HandleEmptyInListsPlugin({ strategy: replaceWithNoncontingentExpression })], // SQLite takes them as they are
  });
  const explaining = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw refusal(error) ?? explainedPostgres(error, settings, DELEGATIONS.what);
    }
  };
  const file = `${settings.shown} (schema ${TABLE_SCHEMA})`;
  const rules = rulesLook(file, settings);
  try {
    await explaining(() => refuseOtherVersion(query, settings));
    await explaining(() => rules.look(query, false));
  } catch (error) {
    await query.destroy();
    throw error;
  }
  let asked = 0;
  return {
    file,
    server,
    query,
    // Nobody tells of others' commits when asked: nothing that was read counts as current.
    dataVersion: () => ++asked,
    differences: () => explaining(() => rules.look(query, false)),
    lookAgain: () => explaining(() => rules.look(query, true)),
    read: (work) =>
      explaining(() =>
        answered(() =>
          query.transaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute(work),
        ),
      ),
    write: async (writer, work) => {
      let version: number | undefined;
      const result = await explaining(() =>
        written(query, { settings, what: DELEGATIONS.what, turn }, async (transaction) => {
          await refuseOthers(transaction, worker);
          const changed = await rules.look(transaction, false);
          const result = await inNameOf(transaction, writer, work, changed.length === 0 ? key : undefined);
          version = settings.admission?.saw && (await versionNow(transaction)); // nobody else changes it before we commit
          return result;
        }),
      );
      if (version !== undefined) settings.admission?.saw?.(version);
      return result;
    },
    saw: settings.admission?.saw,
    close: () => query.destroy(),
  };
}

/** Before anything is read: what the transaction reads is then as it will be when it commits. */
const turn: Turn = (mark) => sql`SELECT ${mark} FROM counters WHERE id = 1 FOR UPDATE`;

async function versionNow(transaction: Kysely<DelegationDatabase>): Promise<number> {
  return (await transaction.selectFrom('counters').select('version').executeTakeFirstOrThrow()).version;
}

/** Whoever works must still be the one who does, until the commit. */
async function refuseOthers(transaction: Kysely<DelegationDatabase>, worker: string | undefined): Promise<void> {
  if (worker === undefined) return;
  const workers = sql.table(`${STATE_SCHEMA}.workers`);
  const { rows } = await sql`SELECT 1 FROM ${workers} WHERE token = ${worker} FOR KEY SHARE`.execute(transaction);
  if (rows.length === 0) throw superseded();
}

async function refuseOtherVersion(query: Kysely<DelegationDatabase>, settings: PostgresSettings): Promise<void> {
  const { shown } = settings;
  await refuseMovedStore(query, settings, DELEGATIONS.what);
  const version = await tableVersion(query);
  if (version === KNOWN) return;
  const what = `${DELEGATIONS.what} (${shown}, schema ${TABLE_SCHEMA})`;
  if (version > KNOWN)
    throw new Failure(
      'config',
      `${what} has version ${version}, newer than this program knows (${KNOWN})`,
      'install the newer mandat again; the database was left as it is',
    );
  throw new Failure(
    'config',
    `${what} ${version === 0 ? 'is not there' : `has version ${version}, this program needs ${KNOWN}`}`,
    'run "mandat init", which makes or migrates it and keeps what is in it',
  );
}
