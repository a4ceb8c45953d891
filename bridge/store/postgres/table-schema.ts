/** Makes the delegation table in a site's PostgreSQL, or brings it to this program's version. */
import { Kysely, sql } from 'kysely';
import { Failure } from '../../shared/failure.ts';
import { type PostgresSettings, postgresDialect } from './connection.ts';
import { explainedPostgres } from './failures.ts';
import { TABLE_SCHEMA } from './schema-names.ts';
import { TABLE_MIGRATIONS } from './table-migrations.ts';

const WHAT = 'the delegation table';
const VERSION = `${TABLE_SCHEMA}.schema_version`;
const KNOWN = TABLE_MIGRATIONS.length;

/** Nothing is emptied or replaced. Returns the versions before and after. Fails `config` where a newer mandat has made it. */
export async function migrateTable(
  settings: PostgresSettings,
): Promise<{ readonly from: number; readonly to: number }> {
  // biome-ignore lint/suspicious/noExplicitAny: of no tables yet
  const query = new Kysely<any>({ dialect: postgresDialect(settings, { schemas: [TABLE_SCHEMA] }) });
  try {
    return await query.transaction().execute(async (transaction) => {
      const run = (text: string) => sql.raw(text).execute(transaction);
      await sql`SELECT pg_advisory_xact_lock(hashtextextended(${VERSION}, 0))`.execute(transaction); // another init may be making it just now
      const { rows: there } = await sql<{
        readonly name: string | null;
      }>`SELECT to_regclass(${VERSION})::text AS name`.execute(transaction);
      if (there[0]?.name == null) {
        await run(`CREATE SCHEMA ${TABLE_SCHEMA}`);
        await run(`CREATE TABLE ${VERSION} (version bigint NOT NULL)`);
        await run(`INSERT INTO ${VERSION} VALUES (0)`);
      }
      const { rows } = await sql<{ readonly version: number }>`SELECT version FROM ${sql.raw(VERSION)}`.execute(
        transaction,
      );
      const from = rows[0]?.version ?? 0;
      if (from > KNOWN) throw newer(settings, from);
      for (const { tables, rules } of TABLE_MIGRATIONS.slice(from)) await run(`${tables}\n${rules}`);
      await run(`UPDATE ${VERSION} SET version = ${KNOWN}`);
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
