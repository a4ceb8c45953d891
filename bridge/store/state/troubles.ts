/** What needs somebody, as far as it is printed: how many there are, and the first of them. */
import { sql } from 'kysely';
import { onPostgres } from '../dialect.ts';
import { type Outcome, shaped } from './outcomes.ts';
import type { OutboxState, StateDb } from './state-db.ts';

/** Some of many. */
export interface Some<T> {
  readonly count: number;
  readonly first: readonly T[];
}

/** Mailboxes whose last pass failed, and those of which something is to be noticed; by address. */
export async function outcomesWith(state: StateDb, what: 'failure' | 'notices', most: number): Promise<Some<Outcome>> {
  const which = what === 'failure' ? sql<boolean>`code IS NOT NULL` : sql<boolean>`notices <> '[]'`;
  const { count } = await state.query
    .selectFrom('outcomes')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('server', '=', state.server)
    .where(which)
    .executeTakeFirstOrThrow();
  const rows = await state.query
    .selectFrom('outcomes')
    .selectAll()
    .where('server', '=', state.server)
    .where(which)
    .orderBy('address')
    .limit(most)
    .execute();
  return { count, first: rows.map(shaped) };
}

/** Whether the guard holds anything. */
export async function anythingHeld(state: StateDb): Promise<boolean> {
  const notices = onPostgres(state.query)
    ? sql`json_array_elements(CAST(o.notices AS json)) AS n(value)`
    : sql`json_each(o.notices) AS n`;
  const place = onPostgres(state.query) ? sql`strpos` : sql`instr`; // an index holds these alone
  const { rows } =
    await sql`SELECT 1 FROM (SELECT notices FROM outcomes WHERE server = ${state.server} AND ${place}(notices, '"held"') > 0) AS o, ${notices}
    WHERE n.value ->> 'code' = 'held' LIMIT 1`.execute(state.query);
  return rows.length > 0;
}

/** How many notices there are in each state. */
export async function countNotices(state: StateDb): Promise<Readonly<Record<OutboxState, number>>> {
  const rows = await state.query
    .selectFrom('outbox')
    .select(['state', ({ fn }) => fn.countAll<number>().as('count')])
    .groupBy('state')
    .execute();
  const none = { waiting: 0, sending: 0, sent: 0, failed: 0, 'no-address': 0 };
  return { ...none, ...Object.fromEntries(rows.map((row) => [row.state, row.count])) };
}
