/** Who reaches what in the site's PostgreSQL, as its own rights say: has_table_privilege and its like, PostgreSQL manual, section 9.26. */
import { type Kysely, sql } from 'kysely';
import { FILTER_REACHES } from './filter-rights.ts';
import type { Roles } from './roles.ts';
import { VIEWS } from './roles.ts';
import { SENDER_SCHEMA, STATE_SCHEMA, TABLE_SCHEMA } from './schema-names.ts';
import { SENDER_VIEW } from './sender-rules.ts';

// biome-ignore lint/suspicious/noExplicitAny: of no tables
type Asking = Kysely<any>;

export interface Connected {
  /** `server_version_num`: 150018 is 15.18. */
  readonly version: number;
  readonly shownVersion: string;
  readonly replica: number;
  /** `TLSv1.3`; null without. */
  readonly tls: string | null;
}

export async function connectedTo(query: Asking): Promise<Connected> {
  const { rows } = await sql<Connected>`SELECT current_setting('server_version_num')::bigint AS version,
    split_part(current_setting('server_version'), ' ', 1) AS "shownVersion", pg_is_in_recovery() AS replica,
    (SELECT s.version FROM pg_stat_ssl AS s WHERE s.pid = pg_backend_pid()) AS tls`.execute(query);
  const [found] = rows;
  if (found === undefined) throw new Error('no answer about the connection');
  return found;
}

export interface Reach {
  /** Roles that get into what is mandat's own, or to the tables below the views, and shouldn't: with what they reach. */
  readonly tooFar: readonly string[];
  /** Of the roles for other programs: what they should reach and don't. */
  readonly lacking: readonly string[];
  /** Of them: those that aren't there. */
  readonly missing: readonly string[];
}

/** Superusers reach everything, and so does whoever is a member of mandat's own role: that is how it was given. */
export async function reachOf(query: Asking, roles: Roles): Promise<Reach> {
  const wanted = [
    ...VIEWS.flatMap((view) => [
      { role: roles.readers, relation: `${TABLE_SCHEMA}.${view}`, rights: 'SELECT' },
      { role: roles.writers, relation: `${TABLE_SCHEMA}.${view}`, rights: 'SELECT' },
      { role: roles.writers, relation: `${TABLE_SCHEMA}.${view}`, rights: 'INSERT' },
      { role: roles.writers, relation: `${TABLE_SCHEMA}.${view}`, rights: 'UPDATE' },
      { role: roles.writers, relation: `${TABLE_SCHEMA}.${view}`, rights: 'DELETE' },
    ]),
    { role: roles.postfix, relation: SENDER_VIEW, rights: 'SELECT' },
    { role: roles.filter, relation: `${STATE_SCHEMA}.submission_events`, rights: 'INSERT' },
    { role: roles.filter, relation: `${STATE_SCHEMA}.copies`, rights: 'UPDATE' },
    { role: roles.filter, relation: `${TABLE_SCHEMA}.delegations`, rights: 'SELECT' },
  ];
  const column = (of: (one: (typeof wanted)[number]) => string) => wanted.map(of);
  const names = [roles.readers, roles.writers, roles.postfix, roles.filter];
  const there = await sql<{
    readonly name: string;
  }>`SELECT rolname AS name FROM pg_roles WHERE rolname = ANY(${names})`.execute(query);
  const lacking = await sql<{
    readonly said: string;
  }>`SELECT DISTINCT w.role || ' has no ' || w.rights || ' on ' || w.relation AS said
    FROM unnest(${column(({ role }) => role)}::text[], ${column(({ relation }) => relation)}::text[], ${column(({ rights }) => rights)}::text[]) AS w (role, relation, rights)
    JOIN pg_roles AS r ON r.rolname = w.role
    WHERE NOT (has_schema_privilege(r.oid, split_part(w.relation, '.', 1), 'USAGE') AND has_table_privilege(r.oid, w.relation, w.rights)) ORDER BY 1`.execute(
    query,
  );
  const views = [...VIEWS.map((view) => `${TABLE_SCHEMA}.${view}`), SENDER_VIEW];
  const tooFar = await sql<{
    readonly said: string;
  }>`SELECT r.rolname || ' reaches ' || n.nspname || '.' || min(c.relname) ||
      CASE WHEN count(*) > 1 THEN ' and ' || (count(*) - 1) || ' more' ELSE '' END AS said
    FROM pg_roles AS r CROSS JOIN pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname IN (${TABLE_SCHEMA}, ${STATE_SCHEMA}, ${SENDER_SCHEMA}) AND c.relkind IN ('r', 'v', 'S') AND NOT r.rolsuper
      AND NOT pg_has_role(r.oid, c.relowner, 'MEMBER') AND r.rolname NOT LIKE 'pg\\_%' AND n.nspname || '.' || c.relname <> ALL(${views})
      AND has_schema_privilege(r.oid, n.oid, 'USAGE')
      AND NOT (EXISTS (SELECT FROM pg_roles AS f WHERE f.rolname = ${roles.filter} AND pg_has_role(r.oid, f.oid, 'USAGE')) AND n.nspname || '.' || c.relname = ANY(${[...FILTER_REACHES]}))
      AND (CASE c.relkind WHEN 'S' THEN has_sequence_privilege(r.oid, c.oid, 'USAGE, SELECT, UPDATE')
        ELSE has_table_privilege(r.oid, c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER') END)
    GROUP BY r.rolname, n.nspname ORDER BY 1`.execute(query);
  return {
    tooFar: tooFar.rows.map(({ said }) => said),
    lacking: lacking.rows.map(({ said }) => said),
    missing: names.filter((name) => !there.rows.some((one) => one.name === name)),
  };
}
