/**
 * Who may do what in the site's PostgreSQL, beside the role that mandat has: roles to be given to other programs' roles. Two reach the views
 * of the delegation table alone, whose rules work with the rights of who made them; one, for Postfix, the view of the sender rules alone; one, for a
 * submission filter, what it needs (filter-rights.ts). Nobody else reaches what is mandat's own.
 */
import { Kysely, sql } from 'kysely';
import { type PostgresSettings, postgresDialect } from './connection.ts';
import { explainedPostgres } from './failures.ts';
import { filterRights } from './filter-rights.ts';
import { SENDER_SCHEMA, STATE_SCHEMA, TABLE_SCHEMA } from './schema-names.ts';
import { SENDER_VIEW } from './sender-rules.ts';

/** What other programs read, and with the right to it write. */
export const VIEWS = ['mailbox', 'alias', 'delegate', 'delegation', 'domain'];

export interface Roles {
  readonly readers: string;
  readonly writers: string;
  readonly postfix: string;
  readonly filter: string;
}

/** Roles are those of a whole PostgreSQL, so they are named by mandat's own, which may have several databases there. */
export const rolesOf = ({ user }: Pick<PostgresSettings, 'user'>): Roles => ({
  readers: `${user}_readers`,
  writers: `${user}_writers`,
  postfix: `${user}_postfix`,
  filter: `${user}_filter`,
});

export interface RolesReport {
  /** Made just now. */
  readonly made: readonly string[];
  /** Statements for who may make roles, where mandat's own may not: until then nobody but mandat's role gets in. */
  readonly missing: readonly string[];
}

/** After the schemas are made, and as often as one likes. */
export async function grantRoles(settings: PostgresSettings): Promise<RolesReport> {
  const { readers, writers, postfix, filter } = rolesOf(settings);
  const all = [readers, writers, postfix, filter];
  // biome-ignore lint/suspicious/noExplicitAny: of no tables
  const query = new Kysely<any>({ dialect: postgresDialect(settings, { schemas: [TABLE_SCHEMA] }) });
  try {
    return await query.transaction().execute(async (transaction) => {
      const run = (text: string) => sql.raw(text).execute(transaction);
      await run(`REVOKE ALL ON SCHEMA ${TABLE_SCHEMA}, ${STATE_SCHEMA}, ${SENDER_SCHEMA} FROM PUBLIC`);
      // One that somebody has dropped comes back with the released rules, and is granted then.
      const made = await sql<{ readonly name: string }>`SELECT viewname AS name FROM pg_views
        WHERE schemaname = ${TABLE_SCHEMA} ORDER BY viewname`.execute(transaction);
      const those = made.rows.filter(({ name }) => VIEWS.includes(name));
      const views = those.map(({ name }) => `${TABLE_SCHEMA}.${name}`).join(', ');
      const there = await sql<{ readonly name: string }>`SELECT rolname AS name FROM pg_roles
        WHERE rolname = ANY(${all})`.execute(transaction);
      const lacking = all.filter((name) => !there.rows.some((one) => one.name === name));
      const statements = lacking.map((name) => `CREATE ROLE ${quoted(name)} NOLOGIN`);
      const may = await sql<{ readonly may: number }>`SELECT rolcreaterole OR rolsuper AS may FROM pg_roles
        WHERE rolname = current_user`.execute(transaction);
      if (lacking.length > 0 && may.rows[0]?.may !== 1) return { made: [], missing: statements };
      for (const statement of statements) await run(statement);
      const [reading, writing] = [quoted(readers), quoted(writers)];
      await run(`GRANT USAGE ON SCHEMA ${SENDER_SCHEMA} TO ${quoted(postfix)}`);
      await run(`GRANT SELECT ON ${SENDER_VIEW} TO ${quoted(postfix)}`);
      for (const statement of filterRights(
        quoted(filter),
        made.rows.map(({ name }) => name),
      ))
        await run(statement);
      await run(`GRANT USAGE ON SCHEMA ${TABLE_SCHEMA} TO ${reading}, ${writing}`);
      if (those.length === 0) return { made: lacking, missing: [] };
      await run(`GRANT SELECT ON ${views} TO ${reading}, ${writing}`);
      await run(`GRANT INSERT, UPDATE, DELETE ON ${views} TO ${writing}`);
      return { made: lacking, missing: [] };
    });
  } catch (error) {
    throw explainedPostgres(error, settings, 'the delegation table');
  } finally {
    await query.destroy();
  }
}

const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;
