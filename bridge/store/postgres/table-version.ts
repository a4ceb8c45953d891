/** Which version of the delegation table is in a site's PostgreSQL. */
import { type Kysely, sql } from 'kysely';
import { TABLE_SCHEMA } from './schema-names.ts';

/** 0 where there is none. */
// biome-ignore lint/suspicious/noExplicitAny: of whichever tables
export async function tableVersion(query: Kysely<any>): Promise<number> {
  const name = `${TABLE_SCHEMA}.schema_version`;
  const { rows } = await sql<{ readonly name: string | null }>`SELECT to_regclass(${name})::text AS name`.execute(
    query,
  );
  if (rows[0]?.name == null) return 0;
  const found = await sql<{ readonly version: number }>`SELECT version FROM ${sql.table(name)}`.execute(query);
  return found.rows[0]?.version ?? 0;
}
