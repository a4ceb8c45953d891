/** Which mailboxes wait to be brought in line, and since when. As many as there may be, some of them are read, and the others are counted. */
import { sql } from 'kysely';
import type { Instant } from '../../../acl/delegation-facts.ts';
import { numbersOf, rowsOf } from '../dialect.ts';
import type { DelegationDb } from '../table/delegation-db.ts';
import { countPending } from '../table/rows.ts';
import type { StateDb } from './state-db.ts';

export interface Waiting {
  readonly mailboxId: number;
  /** Null for one that has left the table before anything became of it. */
  readonly mailbox: string | null;
  /** When the oldest change that isn't verified yet was written; null where no event tells, as when `sync` asked for a look. */
  readonly since: Instant | null;
}

export interface WaitingMailboxes {
  readonly count: number;
  /** The first of them, in the order of their last change; and those of `also` that wait. */
  readonly looked: readonly Waiting[];
}

/** So many are looked at, where nobody asks for more: among those that were touched longest ago are those that wait longest. */
const LOOKED_AT = 500;

/** `most`: so many are looked at, at least. `also`: ids of others that are to be looked at if they wait. */
export async function waitingMailboxes(
  table: DelegationDb,
  state: StateDb,
  most: number,
  also: readonly number[] = [],
): Promise<WaitingMailboxes> {
  const count = await countPending(table);
  if (count === 0) return { count, looked: [] };
  const some = table.query
    .selectFrom('pending as p')
    .leftJoin('mailboxes as m', 'm.id', 'p.mailbox_id')
    .select(['p.mailbox_id as mailboxId', 'm.address'])
    .where('p.server', '=', table.server);
  const first = await some.orderBy('p.version').limit(Math.max(most, LOOKED_AT)).execute();
  const there = new Set(first.map(({ mailboxId }) => mailboxId));
  const others = also.filter((id) => !there.has(id));
  const further =
    others.length === 0 ? [] : await some.where('p.mailbox_id', 'in', numbersOf(table.query, others)).execute();
  const pending = [...first, ...further];
  const sealed = await sealedSince(state, pending);
  const unsealed = await unsealedSince(table, sealed);
  return {
    count,
    looked: pending.map(({ mailboxId }, n) => ({
      mailboxId,
      mailbox: sealed[n]?.mailbox ?? null,
      since: sealed[n]?.since ?? unsealed[n] ?? null,
    })),
  };
}

interface Sealed {
  readonly mailbox: string | null;
  /** When it was verified last; empty where it never was. */
  readonly after: string;
  readonly since: Instant | null;
}

/** The earlier one of two subqueries, each of which an index answers. A change to a delegate names no mailbox, and may concern any. */
const firstOf = (events: 'audit' | 'events', others: string) => {
  const first = (mailbox: string) =>
    `(SELECT e.at FROM ${events} AS e WHERE e.mailbox ${mailbox} AND e.at > w.after ${others} ORDER BY e.at LIMIT 1)`;
  return sql.raw(
    `(SELECT min(at) FROM (SELECT ${first('= w.mailbox')} AS at UNION ALL SELECT ${first('IS NULL')}) AS firsts)`,
  );
};

/** The first of what others than the sidecar did to each since it was verified, as far as it is sealed already. */
async function sealedSince(
  state: StateDb,
  pending: readonly { readonly mailboxId: number; readonly address: string | null }[],
): Promise<readonly Sealed[]> {
  const given = rowsOf(
    state.query,
    { id: 'number', address: 'text' },
    pending.map(({ mailboxId, address }) => [mailboxId, address]),
  );
  const { rows } = await sql<Sealed>`
    SELECT w.mailbox, w.after, ${firstOf('audit', "AND e.actor <> 'mandat'")} AS since
    FROM (SELECT j.n, coalesce(j.address, o.address) AS mailbox, coalesce(o.verified_at, '') AS after
      FROM ${given} AS j LEFT JOIN outcomes AS o ON o.server = ${state.server} AND o.mailbox_id = j.id) AS w
    ORDER BY w.n`.execute(state.query);
  return rows;
}

async function unsealedSince(table: DelegationDb, waiting: readonly Sealed[]): Promise<readonly (Instant | null)[]> {
  const given = rowsOf(
    table.query,
    { mailbox: 'text', after: 'text' },
    waiting.map(({ mailbox, after }) => [mailbox, after]),
  );
  const { rows } = await sql<Pick<Sealed, 'since'>>`
    SELECT ${firstOf('events', '')} AS since
    FROM ${given} AS w
    ORDER BY w.n`.execute(table.query);
  return rows.map(({ since }) => since);
}
