/** The delegations as the sidecar has seen them last (state.db), beside how they stand in the table. R3. */
import type { Transaction } from 'kysely';
import { fact, setFact } from '../state/facts.ts';
import type { StateDb } from '../state/state-db.ts';
import type { DelegationDatabase } from '../table/delegation-types.ts';

export type Reading = Transaction<DelegationDatabase>;

export interface Row {
  readonly mailboxId: number;
  readonly delegateId: number;
  readonly delegationId: number;
  readonly mailbox: string;
  readonly delegate: string;
  /** JSON of what a change may change, in one order. */
  readonly terms: string;
}

/** A pair as it was last seen from now on; null: its row is gone. */
export interface Seen {
  readonly mailboxId: number;
  readonly delegateId: number;
  readonly row: Row | null;
}

/** A trail that is older than this book-keeping: what stands in the table then is where it begins. */
export async function isFirstLook(state: StateDb): Promise<boolean> {
  if ((await fact(state, 'rows-seen')) !== undefined) return false;
  const sealed = await state.query.selectFrom('audit').select('id').limit(1).executeTakeFirst();
  if (sealed !== undefined) return true;
  await setFact(state, 'rows-seen', 'yes');
  return false;
}

/** Notes what has been seen with what was sealed of it. */
export async function noteSeen({ query }: Pick<StateDb, 'query'>, seen: readonly Seen[]): Promise<void> {
  for (const { mailboxId, delegateId, row } of seen) {
    await query
      .deleteFrom('rows_seen')
      .where('mailbox_id', '=', mailboxId)
      .where('delegate_id', '=', delegateId)
      .execute();
    if (row === null) continue;
    const { delegationId, mailbox, delegate, terms } = row;
    const values = { delegation_id: delegationId, mailbox, delegate, terms };
    await query
      .insertInto('rows_seen')
      .values({ mailbox_id: mailboxId, delegate_id: delegateId, ...values })
      .execute();
  }
}

export const keyOf = ({ mailboxId, delegateId }: Pick<Row, 'mailboxId' | 'delegateId'>) => `${mailboxId}/${delegateId}`;

export async function rowsOf(query: Reading, mailboxIds: readonly number[]): Promise<readonly Row[]> {
  if (mailboxIds.length === 0) return [];
  const found = await query
    .selectFrom('delegations as g')
    .innerJoin('mailboxes as m', 'm.id', 'g.mailbox_id')
    .innerJoin('delegates as d', 'd.id', 'g.delegate_id')
    .select([
      'g.id',
      'g.mailbox_id',
      'g.delegate_id',
      'm.address',
      'd.identifier',
      'g.starts_at',
      'g.ends_at',
      'g.suspended',
    ])
    .where('g.mailbox_id', 'in', [...mailboxIds])
    .execute();
  return found.map((row) => ({
    mailboxId: row.mailbox_id,
    delegateId: row.delegate_id,
    delegationId: row.id,
    mailbox: row.address,
    delegate: row.identifier,
    terms: JSON.stringify({ starts_at: row.starts_at, ends_at: row.ends_at, suspended: row.suspended }),
  }));
}

export async function seenOf(
  { query }: Pick<StateDb, 'query'>,
  mailboxIds: readonly number[],
): Promise<readonly Row[]> {
  if (mailboxIds.length === 0) return [];
  const found = await query
    .selectFrom('rows_seen')
    .selectAll()
    .where('mailbox_id', 'in', [...mailboxIds])
    .execute();
  return found.map((row) => ({
    mailboxId: row.mailbox_id,
    delegateId: row.delegate_id,
    delegationId: row.delegation_id,
    mailbox: row.mailbox,
    delegate: row.delegate,
    terms: row.terms,
  }));
}
