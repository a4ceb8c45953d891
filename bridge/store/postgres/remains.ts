/** What of mandat's is in the site's PostgreSQL, for whoever takes it out: mandat never does, since table and trail are the site's to keep. */
import { sql } from 'kysely';
import type { StateDb } from '../state/state-db.ts';
import type { PostgresSettings } from './connection.ts';
import { rolesOf } from './roles.ts';
import { SENDER_SCHEMA, STATE_SCHEMA, TABLE_SCHEMA } from './schema-names.ts';

export interface InDatabase {
  /** For people. */
  readonly place: string;
  readonly schemas: readonly string[];
  /** For other programs, as `mandat init` made them; mandat's own is not among them. */
  readonly roles: readonly string[];
  /** Other mail servers that work with it still, and how many delegations stand on each. */
  readonly servers: readonly { readonly server: string; readonly delegations: number }[];
}

export async function remainsIn(
  { query, server }: Pick<StateDb, 'query' | 'server'>,
  settings: Pick<PostgresSettings, 'shown' | 'user'>,
): Promise<InDatabase> {
  const schemas = await names(
    query,
    sql`SELECT nspname AS name FROM pg_namespace WHERE nspname = ANY(${[SENDER_SCHEMA, STATE_SCHEMA, TABLE_SCHEMA]}) ORDER BY 1`,
  );
  const roles = await names(
    query,
    sql`SELECT rolname AS name FROM pg_roles WHERE rolname = ANY(${Object.values(rolesOf(settings))}) ORDER BY 1`,
  );
  const servers = await query
    .selectFrom('ledger')
    .select(({ fn }) => ['server', fn.countAll<number>().as('delegations')])
    .where('server', '<>', server)
    .groupBy('server')
    .orderBy('server')
    .execute();
  return { place: settings.shown, schemas, roles, servers };
}

async function names(query: StateDb['query'], asked: ReturnType<typeof sql>): Promise<readonly string[]> {
  const { rows } = await (asked as ReturnType<typeof sql<{ readonly name: string }>>).execute(query);
  return rows.map(({ name }) => name);
}
