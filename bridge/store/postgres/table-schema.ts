/** Makes the delegation table in a site's PostgreSQL, or brings it to this program's version. */
import { Kysely, sql } from 'kysely';
import { Failure } from '../../shared/failure.ts';
import { type PostgresSettings, postgresDialect } from './connection.ts';
import { explainedPostgres } from './failures.ts';
import { refuseMovedStore } from './moved.ts';
import { TABLE_SCHEMA } from './schema-names.ts';
import { TABLE_MIGRATIONS } from './table-migrations.ts';

const WHAT = 'the delegation table';
const KNOWN = TABLE_MIGRATIONS.length;

/**
 * Nothing is emptied or replaced. Returns the versions before and after. Fails `config` where a newer mandat has made it, and where it has moved.
 * `schema`: of a copy that is being made (moved.ts).
 */
export async function migrateTable(
  settings: PostgresSettings,
  schema: string = TABLE_SCHEMA,
): Promise<{ readonly from: number; readonly to: number }> {
  // biome-ignore lint/suspicious/noExplicitAny: of no tables yet
  const query = new Kysely<any>({ dialect: postgresDialect(settings, { schemas: [schema] }) });
  const version = `${schema}.schema_version`;
  try {
    return await query.transaction().execute(async (transaction) => {
      const run = (text: string) => sql.raw(text).execute(transaction);
      await sql`SELECT pg_advisory_xact_lock(hashtextextended(${version}, 0))`.execute(transaction); // another init may be making it just now
      if (schema === TABLE_SCHEMA) await refuseMovedStore(transaction, settings, WHAT);
      const { rows: there } = await sql<{
        readonly name: string | null;
      }>`SELECT to_regclass(${version})::text AS name`.execute(transaction);
      if (there[0]?.name == null) {
        await run(`CREATE SCHEMA ${schema}`);
        await run(`CREATE TABLE ${version} (version bigint NOT NULL)`);
        await run(`INSERT INTO ${version} VALUES (0)`);
      }
      const { rows } = await sql<{ readonly version: number }>`SELECT version FROM ${sql.raw(version)}`.execute(
        transaction,
      );
      const from = rows[0]?.version ?? 0;
      if (from > KNOWN) throw newer(settings, from);
      for (const { tables, rules } of TABLE_MIGRATIONS.slice(from)) await run(`${tables}\n${rules}`);
      await run(`UPDATE ${version} SET version = ${KNOWN}`);
      return { from, to: KNOWN };
    });
  } catch (error) {
    throw explainedPostgres(error, settings, WHAT);
  } finally {
    await query.destroy();
  }
}

function newer({ shown }: PostgresSettings, version: number): Failure {
  return new Failure(
    'config',
    `${WHAT} (${shown}) has version ${version}, newer than this program knows (${KNOWN})`,
    'install the newer mandat again; the database was left as it is',
  );
}
