/** Puts the released rules back into a delegation table in PostgreSQL whose functions, triggers, views or indexes were changed. Rows stay as they are. */
import { Kysely, sql } from 'kysely';
import { Failure } from '../../shared/failure.ts';
import { DELEGATIONS } from '../databases.ts';
import { type Difference, describeDifferences } from '../table/schema.ts';
import { differencesIn } from './changed-rules.ts';
import { type PostgresSettings, postgresDialect } from './connection.ts';
import { explainedPostgres, retried } from './failures.ts';
import { refuseMovedStore } from './moved.ts';
import { TABLE_SCHEMA } from './schema-names.ts';
import { TABLE_MIGRATIONS } from './table-migrations.ts';
import { tableVersion } from './table-version.ts';

// biome-ignore lint/suspicious/noExplicitAny: of whichever tables
type Query = Kysely<any>;

/**
 * What was put right, of a table at this program's version. A base table that is missing or altered can't be: its rows would be lost. Fails
 * `config` then. A view that is made anew has lost who may use it: grantRoles gives it back.
 */
export function repairPostgresRules(settings: PostgresSettings): Promise<readonly Difference[]> {
  return inOneTransaction(settings, async (query) => {
    const found = await differencesIn(query);
    if (found.length === 0) return [];
    await takeAway(query, found);
    if (!found.some(({ object }) => object.startsWith('table '))) await makeAnew(query);
    const left = await differencesIn(query);
    if (left.length > 0) throw beyondRepair(settings, left);
    return found;
  });
}

/** Also of a table that must not be read. */
export function postgresDifferences(settings: PostgresSettings): Promise<readonly Difference[]> {
  return inOneTransaction(settings, differencesIn);
}

/** Nothing is looked at where the table isn't there, or is of another version. */
async function inOneTransaction(
  settings: PostgresSettings,
  work: (query: Query) => Promise<readonly Difference[]>,
): Promise<readonly Difference[]> {
  const query: Query = new Kysely({ dialect: postgresDialect(settings, { schemas: [TABLE_SCHEMA] }) });
  try {
    return await retried(() =>
      query.transaction().execute(async (transaction) => {
        await refuseMovedStore(transaction, settings, DELEGATIONS.what);
        return (await tableVersion(transaction)) === TABLE_MIGRATIONS.length ? work(transaction) : [];
      }),
    );
  } catch (error) {
    throw explainedPostgres(error, settings, DELEGATIONS.what);
  } finally {
    await query.destroy();
  }
}

async function makeAnew(query: Query): Promise<void> {
  const run = (text: string) => sql.raw(text).execute(query);
  for (const { tables } of TABLE_MIGRATIONS)
    for (const made of tables.match(/^CREATE INDEX [^;]*;$/gm) ?? [])
      await run(made.replace('CREATE INDEX', 'CREATE INDEX IF NOT EXISTS'));
  for (const { rules } of TABLE_MIGRATIONS) await run(rules);
}

/** Whatever isn't as released goes: so it doesn't matter what was done to it. */
async function takeAway(query: Query, found: readonly Difference[]): Promise<void> {
  const { rows } = await sql<{ readonly object: string; readonly gone: string }>`
    SELECT 'trigger ' || t.tgname AS object, format('DROP TRIGGER IF EXISTS %I ON %s', t.tgname, t.tgrelid::regclass) AS gone
      FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE c.relnamespace = current_schema()::regnamespace AND NOT t.tgisinternal
    UNION ALL SELECT 'rule ' || r.rulename, format('DROP RULE IF EXISTS %I ON %s', r.rulename, r.ev_class::regclass)
      FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class WHERE c.relnamespace = current_schema()::regnamespace AND r.rulename <> '_RETURN'
    UNION ALL SELECT 'view ' || relname, format('DROP VIEW IF EXISTS %s CASCADE', oid::regclass)
      FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'v'
    UNION ALL SELECT 'index ' || relname, format('DROP INDEX IF EXISTS %s', oid::regclass)
      FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'i'
    UNION ALL SELECT 'function ' || proname, format('DROP FUNCTION IF EXISTS %s CASCADE', oid::regprocedure)
      FROM pg_proc WHERE pronamespace = current_schema()::regnamespace`.execute(query);
  for (const { object, gone } of rows)
    if (found.some((one) => one.object === object)) await sql.raw(gone).execute(query);
}

function beyondRepair({ shown }: PostgresSettings, left: readonly Difference[]): Failure {
  return new Failure(
    'config',
    `the delegation table (${shown}) can't be put right without losing rows: ${describeDifferences(left)}; it was left as it is`,
    'stop the sidecar and put a backup of the schema back, or bring the tables back by hand (psql, \\d)',
    { rule: 'MANDAT_SCHEMA' },
  );
}
