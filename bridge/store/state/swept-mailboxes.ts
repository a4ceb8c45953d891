/** Which mailboxes a sweep looks at. */
import { sql } from 'kysely';
import { PORTION_ROWS } from '../../shared/portions.ts';
import type { DelegationDb } from '../table/delegation-db.ts';
import type { StateDb } from './state-db.ts';

/** So many ids of one place, above that one, in ascending order. */
type Page = (after: number, most: number) => Promise<readonly number[]>;

/**
 * Of one server. In portions: those of the table, of the ledger (one that has left the table while something of its delegates stands on the server),
 * and those that have left the table and were not worked off since, or of which somebody is to be told so. One of several of these comes
 * more than once.
 */
export async function* mailboxPortions(table: DelegationDb, state: StateDb): AsyncGenerator<readonly number[]> {
  for (const page of places(table, state)) yield* portions(page);
  // No server stands beside what somebody was told of.
  for await (const ids of portions(inState(state, 'told'))) {
    const ours = await notElsewhere(table, ids);
    if (ours.length > 0) yield ours;
  }
}

/** The same at once, each of them once. */
export async function everyMailbox(table: DelegationDb, state: StateDb): Promise<readonly number[]> {
  const all = new Set<number>();
  for await (const ids of mailboxPortions(table, state)) for (const id of ids) all.add(id);
  return [...all];
}

/** Those of the given ids that no sweep would come to. */
export async function unknownAmong(
  table: DelegationDb,
  state: StateDb,
  ids: readonly number[],
): Promise<readonly number[]> {
  const left = new Set(ids);
  for (const page of places(table, state, ids)) {
    for (const id of await page(0, ids.length)) left.delete(id);
    if (left.size === 0) return [];
  }
  for (const id of await notElsewhere(table, await inState(state, 'told', ids)(0, ids.length))) left.delete(id);
  return [...left];
}

/** Mailboxes of which something stands in the ledger. */
export function ledgerPortions(state: StateDb, most: number): AsyncGenerator<readonly number[]> {
  return portions(inState(state, 'ledger'), most);
}

/** Those of the table alone. */
export function tablePortions(table: DelegationDb): AsyncGenerator<readonly number[]> {
  return portions(inTable(table));
}

function inTable(table: DelegationDb, among?: readonly number[]): Page {
  return async (after, most) => {
    const rows = await table.query
      .selectFrom('mailboxes')
      .select('id')
      .where('server', '=', table.server)
      .where('id', '>', after)
      .$if(among !== undefined, (select) => select.where('id', 'in', among ?? []))
      .orderBy('id')
      .limit(most)
      .execute();
    return rows.map(({ id }) => id);
  };
}

function places(table: DelegationDb, state: StateDb, among?: readonly number[]): readonly Page[] {
  return [
    inTable(table, among),
    inState(state, 'ledger', among),
    async (after, most) => {
      const rows = await table.query
        .selectFrom('pending')
        .select('mailbox_id')
        .where(sql<boolean>`server || '' = ${table.server}`) // by mailbox: the index that begins with the server would read all that is pending
        .where('mailbox_id', '>', after)
        .$if(among !== undefined, (select) => select.where('mailbox_id', 'in', among ?? []))
        .orderBy('mailbox_id')
        .limit(most)
        .execute();
      return rows.map(({ mailbox_id }) => mailbox_id);
    },
  ];
}

function inState(state: StateDb, from: 'ledger' | 'told', among?: readonly number[]): Page {
  return async (after, most) => {
    const rows = await state.query
      .selectFrom(from)
      .select('mailbox_id')
      .distinct()
      .$if(from === 'ledger', (select) => select.where(sql<boolean>`server = ${state.server}`)) // the other has no such column
      .where('mailbox_id', '>', after)
      .$if(among !== undefined, (select) => select.where('mailbox_id', 'in', among ?? []))
      .orderBy('mailbox_id')
      .limit(most)
      .execute();
    return rows.map(({ mailbox_id }) => mailbox_id);
  };
}

/** Without those that another server works on. */
async function notElsewhere(table: DelegationDb, ids: readonly number[]): Promise<readonly number[]> {
  if (ids.length === 0) return ids;
  const others = await table.query
    .selectFrom('mailboxes')
    .select('id')
    .where('id', 'in', ids)
    .where('server', '<>', table.server)
    .execute();
  const elsewhere = new Set(others.map(({ id }) => id));
  return elsewhere.size === 0 ? ids : ids.filter((id) => !elsewhere.has(id));
}

async function* portions(page: Page, most = PORTION_ROWS): AsyncGenerator<readonly number[]> {
  for (let after = 0; ; ) {
    const ids = await page(after, most);
    if (ids.length > 0) yield ids;
    if (ids.length < most) return;
    after = ids.at(-1) ?? after;
  }
}
