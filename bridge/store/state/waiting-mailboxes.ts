/** Which mailboxes wait to be brought in line, and since when. As many as there may be, three statements find it out. */
import { sql } from 'kysely';
import type { Instant } from '../../../acl/delegation-facts.ts';
import type { DelegationDb } from '../table/delegation-db.ts';
import type { StateDb } from './state-db.ts';

export interface Waiting {
  readonly mailboxId: number;
  /** Null for one that has left the table before anything became of it. */
  readonly mailbox: string | null;
  /** When the oldest change that isn't verified yet was written; null where no event tells, as when `sync` asked for a look. */
  readonly since: Instant | null;
}

/** In the order of their last change. */
export async function waitingMailboxes(table: DelegationDb, state: StateDb): Promise<readonly Waiting[]> {
  const pending = await table.query
    .selectFrom('pending as p')
    .leftJoin('mailboxes as m', 'm.id', 'p.mailbox_id')
    .select(['p.mailbox_id as mailboxId', 'm.address'])
    .orderBy('p.version')
    .execute();
  if (pending.length === 0) return [];
  const sealed = await sealedSince(state, pending);
  const unsealed = await unsealedSince(table, sealed);
  return pending.map(({ mailboxId }, n) => ({
    mailboxId,
    mailbox: sealed[n]?.mailbox ?? null,
    since: sealed[n]?.since ?? unsealed[n] ?? null,
  }));
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
  return sql.raw(`(SELECT min(at) FROM (SELECT ${first('= w.mailbox')} AS at UNION ALL SELECT ${first('IS NULL')}))`);
};

/** The first of what others than the sidecar did to each since it was verified, as far as it is sealed already. */
async function sealedSince(
  state: StateDb,
  pending: readonly { readonly mailboxId: number; readonly address: string | null }[],
): Promise<readonly Sealed[]> {
  const given = JSON.stringify(pending.map(({ mailboxId, address }) => [mailboxId, address]));
  const { rows } = await sql<Sealed>`
    SELECT w.mailbox, w.after, ${firstOf('audit', "AND e.actor <> 'mandat'")} AS since
    FROM (SELECT j.key AS n, coalesce(j.value ->> 1, o.address) AS mailbox, coalesce(o.verified_at, '') AS after
      FROM json_each(${given}) AS j LEFT JOIN outcomes AS o ON o.mailbox_id = j.value ->> 0) AS w
    ORDER BY w.n`.execute(state.query);
  return rows;
}

async function unsealedSince(table: DelegationDb, waiting: readonly Sealed[]): Promise<readonly (Instant | null)[]> {
  const given = JSON.stringify(waiting.map(({ mailbox, after }) => [mailbox, after]));
  const { rows } = await sql<Pick<Sealed, 'since'>>`
    SELECT ${firstOf('events', '')} AS since
    FROM (SELECT j.key AS n, j.value ->> 0 AS mailbox, j.value ->> 1 AS after FROM json_each(${given}) AS j) AS w
    ORDER BY w.n`.execute(table.query);
  return rows.map(({ since }) => since);
}
