/** What a command has just written is looked at in the same transaction: something in the table itself may undo it (a trigger of somebody else's). */
import { sql } from 'kysely';
import { Failure } from '../../shared/failure.ts';
import type { Query } from './delegation-types.ts';
import { REPAIR_RULES } from './schema.ts';

/** Nothing was saved. `keeps`: what that means for the delegates. */
export function undone(about: string, keeps = 'so nothing was changed'): Failure {
  return new Failure(
    'refused',
    `${about}: the table undoes this at once (a trigger of somebody else's), ${keeps}`,
    REPAIR_RULES,
    { rule: 'MANDAT_UNDONE' },
  );
}

interface Place {
  readonly table: 'delegates' | 'mailboxes' | 'domains' | 'aliases';
  readonly column: 'identifier' | 'address' | 'domain';
  readonly value: string;
}

/** Fails `refused` (MANDAT_UNDONE), by which the transaction is rolled back, unless the row has these values; `gone`: unless there is none. */
export async function mustStand(
  query: Query,
  { table, column, value }: Place,
  columns: Readonly<Record<string, unknown>> | 'gone',
): Promise<void> {
  const found = await sql<
    Record<string, unknown>
  >`SELECT * FROM ${sql.table(table)} WHERE ${sql.ref(column)} = ${value}`.execute(query);
  const [row] = found.rows;
  const stands =
    columns === 'gone'
      ? row === undefined
      : row !== undefined && Object.entries(columns).every(([name, wanted]) => row[name] === wanted);
  if (!stands) throw undone(value);
}
