/** All that a delegation table holds, in one order: what must be the same before and after. */
import { sql } from 'kysely';
import type { DelegationDb } from '../../../bridge/store/table/delegation-db.ts';

const TABLES = {
  mailboxes: 'id',
  aliases: 'address',
  delegates: 'id',
  delegations: 'id',
  domains: 'domain',
  settings: 'name',
  delegate_states: 'id',
  turns: 'subject, id, what',
  pending: 'mailbox_id',
  intents: 'mailbox_id, delegate_id',
  counters: 'id',
  events: 'id',
} as const;

/** A list of rows for each table; `but`: rows with one of these texts in them are left out. */
export async function everything(
  table: DelegationDb,
  but: readonly string[] = [],
  of: readonly (keyof typeof TABLES)[] = Object.keys(TABLES) as (keyof typeof TABLES)[],
): Promise<Readonly<Record<string, readonly string[]>>> {
  const found: Record<string, readonly string[]> = {};
  for (const name of of) {
    const { rows } = await sql`SELECT * FROM ${sql.table(name)} ORDER BY ${sql.raw(TABLES[name])}`.execute(table.query);
    found[name] = rows.map((row) => JSON.stringify(row)).filter((row) => !but.some((one) => row.includes(one)));
  }
  return found;
}
