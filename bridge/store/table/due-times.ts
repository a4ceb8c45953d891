/** When time alone changes something: a start, an end, a credential that lapses. Each is found by an index, however many there are. */
import { type ExpressionBuilder, sql } from 'kysely';
import type { Instant } from '../../../acl/delegation-facts.ts';
import { PORTION_ROWS } from '../../shared/portions.ts';
import { numbersOf } from '../dialect.ts';
import type { DelegationDb } from './delegation-db.ts';
import type { DelegationDatabase } from './delegation-types.ts';

const OF_A_DELEGATION = ['starts_at', 'ends_at'] as const;

/** This server's mailboxes for which time alone may have changed something in (after, upTo], in portions; one of several comes more than once. */
export async function* dueBetween(db: DelegationDb, after: Instant, upTo: Instant): AsyncGenerator<readonly number[]> {
  for await (const ids of dueAnywhere(db, after, upTo)) {
    const rows = await db.query
      .selectFrom('mailboxes')
      .select('id')
      .where('server', '=', db.server)
      .where('id', 'in', numbersOf(db.query, [...new Set(ids)]))
      .execute();
    if (rows.length > 0) yield rows.map(({ id }) => id);
  }
}

async function* dueAnywhere(db: DelegationDb, after: Instant, upTo: Instant): AsyncGenerator<readonly number[]> {
  for (const column of OF_A_DELEGATION) {
    yield* inPortions((at, id) =>
      db.query
        .selectFrom('delegations')
        .select([`${column} as at`, 'id', 'mailbox_id as mailboxId'])
        .where(column, '>=', at) // the index holds only those that have one
        .where(sql<boolean>`(${sql.ref(column)}, id) > (${at}, ${id})`)
        .where(column, '<=', upTo)
        .orderBy(column)
        .orderBy('id')
        .limit(PORTION_ROWS)
        .execute(),
    )(after);
  }
  yield* lapsing(db, after, upTo);
}

interface Due {
  readonly at: Instant | null;
  readonly id: number;
  readonly mailboxId: number;
}

/** A page begins behind the last row of the one before; the first one behind every row of its instant. */
function inPortions(page: (at: Instant, id: number) => Promise<readonly Due[]>) {
  return async function* (after: Instant): AsyncGenerator<readonly number[]> {
    for (let [at, id] = [after, Number.MAX_SAFE_INTEGER]; ; ) {
      const rows = await page(at, id);
      if (rows.length > 0) yield rows.map(({ mailboxId }) => mailboxId);
      const last = rows.at(-1);
      if (last === undefined || rows.length < PORTION_ROWS) return;
      [at, id] = [last.at ?? at, last.id];
    }
  };
}

/** A delegate whose credential lapses may have a great many mailboxes: one after the other. */
async function* lapsing(db: DelegationDb, after: Instant, upTo: Instant): AsyncGenerator<readonly number[]> {
  for (let [at, id] = [after, Number.MAX_SAFE_INTEGER]; ; ) {
    const delegate = await db.query
      .selectFrom('delegates')
      .select(['id', 'credential_valid_until as at'])
      .where('credential_valid_until', '>=', at)
      .where(sql<boolean>`(credential_valid_until, id) > (${at}, ${id})`)
      .where('credential_valid_until', '<=', upTo)
      .orderBy('credential_valid_until')
      .orderBy('id')
      .limit(1)
      .executeTakeFirst();
    if (delegate === undefined) return;
    [at, id] = [delegate.at ?? at, delegate.id];
    const rows = await db.query
      .selectFrom('delegations')
      .select('mailbox_id')
      .where('delegate_id', '=', delegate.id)
      .execute();
    if (rows.length > 0) yield rows.map(({ mailbox_id }) => mailbox_id);
  }
}

/** The next instant after `after` at which time alone changes something, or undefined; on whichever server: a look that finds nothing costs little. */
export async function nextDue(db: DelegationDb, after: Instant): Promise<Instant | undefined> {
  let next: Instant | undefined;
  for (const column of OF_A_DELEGATION) {
    const row = await db.query
      .selectFrom('delegations')
      .select(`${column} as at`)
      .where(column, '>', after)
      .orderBy(column)
      .limit(1)
      .executeTakeFirst();
    next = earlier(next, row?.at);
  }
  const lapse = await db.query
    .selectFrom('delegates as d')
    .select('d.credential_valid_until as at')
    .where('d.credential_valid_until', '>', after)
    .where(hasDelegation)
    .orderBy('d.credential_valid_until')
    .limit(1)
    .executeTakeFirst();
  return earlier(next, lapse?.at);
}

const hasDelegation = ({
  exists,
  selectFrom,
}: ExpressionBuilder<DelegationDatabase & { d: DelegationDatabase['delegates'] }, 'd'>) =>
  exists(selectFrom('delegations as g').select('g.id').whereRef('g.delegate_id', '=', 'd.id'));

function earlier(one: Instant | undefined, other: Instant | null | undefined): Instant | undefined {
  if (other === null || other === undefined) return one;
  return one === undefined || other < one ? other : one;
}
