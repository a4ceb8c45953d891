/**
 * What a submission filter may do in the site's PostgreSQL whose role is `mandat_filter` instead of mandat's own: read what decides who may send, note
 * what was sent, and say that it is there. Of what is mandat's own it reads no more than that: by columns of the ledger, who has something by it; of the
 * audit trail the seals, by which an older database is known. Facts are one table for all, so its rows are guarded (row security, PostgreSQL manual,
 * section 5.9): a filter writes its own, and nobody's else.
 */
import { STATE_SCHEMA, TABLE_SCHEMA } from './schema-names.ts';

const reads = (name: string) => `SELECT ON ${TABLE_SCHEMA}.${name}`;

const TABLES = ['mailboxes', 'aliases', 'delegates', 'delegate_states', 'delegations', 'domains', 'intents', 'turns'];
const ABOUT_IT = ['settings', 'counters', 'schema_version'];
const READS: readonly string[] = [...TABLES, ...ABOUT_IT].map(reads);
const OWN: readonly string[] = [
  `SELECT ON ${STATE_SCHEMA}.schema_version, ${STATE_SCHEMA}.submission_epoch`,
  `SELECT, INSERT, UPDATE ON ${STATE_SCHEMA}.facts`,
  `SELECT (id, mailbox_id, delegate_id, login, phase, server, in_force_at) ON ${STATE_SCHEMA}.ledger`,
  `SELECT (in_force_version, failed_version) ON ${STATE_SCHEMA}.outcomes`,
  `SELECT (id, seal) ON ${STATE_SCHEMA}.audit`,
  `SELECT (last_id) ON ${STATE_SCHEMA}.audit_checkpoints`,
  `INSERT ON ${STATE_SCHEMA}.submission_events`,
  `SELECT, INSERT, UPDATE ON ${STATE_SCHEMA}.copies`,
];

/** Of the table's, beside those that other programs read. */
const VIEWS = ['domain_eligibility', 'writer'];

/** Relations of mandat's that such a role reaches, one way or another. */
export const FILTER_REACHES: readonly string[] = [...READS, ...VIEWS.map(reads), ...OWN].flatMap((one) =>
  one.replace(/^.* ON /, '').split(', '),
);

/** A fact that names people who have nothing to do with sending. */
const NOT_READ = 'adoptions';

/** state/facts.ts: `filter@mx1/mail2`, `filter-messages@mx1/mail2`. */
const ITS_OWN = "name LIKE 'filter@%/%' OR name LIKE 'filter-messages@%/%'";

/** Statements, to be run as often as one likes by mandat's own role. `role` in quotes; `views`: of the table, which are asked too whether they are the released ones. */
export const filterRights = (role: string, views: readonly string[]): readonly string[] => [
  `GRANT USAGE ON SCHEMA ${TABLE_SCHEMA}, ${STATE_SCHEMA} TO ${role}`,
  ...[...READS, ...views.map(reads), ...OWN].map((what) => `GRANT ${what} TO ${role}`),
  `ALTER TABLE ${STATE_SCHEMA}.facts ENABLE ROW LEVEL SECURITY`, // its owner is not held to it
  ...['reads', 'notes', 'renews'].map((name) => `DROP POLICY IF EXISTS filter_${name} ON ${STATE_SCHEMA}.facts`),
  `CREATE POLICY filter_reads ON ${STATE_SCHEMA}.facts FOR SELECT TO ${role} USING (name <> '${NOT_READ}')`,
  `CREATE POLICY filter_notes ON ${STATE_SCHEMA}.facts FOR INSERT TO ${role} WITH CHECK (${ITS_OWN})`,
  `CREATE POLICY filter_renews ON ${STATE_SCHEMA}.facts FOR UPDATE TO ${role} USING (${ITS_OWN}) WITH CHECK (${ITS_OWN})`,
];
