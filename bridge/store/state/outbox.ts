/**
 * Notices on their way. They are written in the transaction of what they tell of, and sent by the sidecar (bridge/notify): one event is
 * told to one recipient once. R9, R24, R42.
 */

import { randomUUID } from 'node:crypto';
import type { Selectable } from 'kysely';
import type { Instant } from '../../../acl/delegation-facts.ts';
import { type GiveWay, giveBack, PORTION_ROWS } from '../../shared/portions.ts';
import { onPostgres } from '../dialect.ts';
import { inPages } from '../pages.ts';
import type { Language, OutboxState, StateDatabase, StateDb } from './state-db.ts';

export type NoticeKind =
  | 'grant'
  | 'revoke'
  | 'suspend'
  | 'resume'
  | 'ending' // an end or a lapse that is coming
  | 'administer' // a delegate could pass the mailbox on, and can't any more
  | 'code' // to confirm a contact address (R41)
  | 'contact-changed'; // to the address before (R51)

/** What a recipient is to the event; it chooses the words. */
export type NoticePart = 'owner' | 'delegate' | 'other-delegate' | 'account';

export interface NewNotice {
  /** Names the event, the same however often it is told: `grant 17`, `code 3 2026-11-24T...`. */
  readonly event: string;
  readonly kind: NoticeKind;
  readonly part: NoticePart;
  /** Whom it is for, by identifier or mailbox address; a second address of the owner as `ADDRESS second`. */
  readonly subject: string;
  readonly mailbox: string | null;
  /** Null where no address is known: it waits for nobody, and the operator is told. */
  readonly recipient: string | null;
  readonly language: Language;
  /** For the template. No message content, nothing of patients. */
  readonly data: Readonly<Record<string, string | boolean | null>>;
}

/** Writes notices in a transaction that the caller has open. What was written before for the same event and recipient stays. */
export async function enqueue(
  { query }: Pick<StateDb, 'query'>,
  notices: readonly NewNotice[],
  now: Instant,
  domain: string,
): Promise<void> {
  for (const { data, ...notice } of notices) {
    await query
      .insertInto('outbox')
      .values({
        ...notice,
        data: JSON.stringify(data),
        message_id: `<${randomUUID()}@${domain}>`,
        created_at: now,
        state: notice.recipient === null ? 'no-address' : 'waiting',
        next_at: notice.recipient === null ? null : now,
      })
      .onConflict((conflict) => conflict.columns(['event', 'part', 'subject']).doNothing())
      .execute();
  }
}

export interface StoredNotice extends NewNotice {
  readonly id: number;
  readonly messageId: string;
  readonly createdAt: Instant;
  readonly state: OutboxState;
  readonly attempts: number;
  /** From when on it is counted how long it has been tried. */
  readonly since: Instant;
  readonly nextAt: Instant | null;
  readonly sentAt: Instant | null;
  /** What went wrong last. Names no address. */
  readonly error: string | null;
}

export async function listNotices(
  state: Pick<StateDb, 'query'>,
  only: {
    readonly states?: readonly OutboxState[];
    readonly ids?: readonly number[];
    /** How many, the newest where `newest` is set. */
    readonly most?: number;
    readonly newest?: boolean;
    /** Those with a higher id. */
    readonly after?: number;
  } = {},
): Promise<readonly StoredNotice[]> {
  const { states, ids, most, newest = false, after } = only;
  const rows = await state.query
    .selectFrom('outbox')
    .selectAll()
    .$if(states !== undefined, (select) => select.where('state', 'in', states ?? []))
    .$if(ids !== undefined, (select) => select.where('id', 'in', ids ?? []))
    .$if(after !== undefined, (select) => select.where('id', '>', after ?? 0))
    .orderBy('id', newest ? 'desc' : 'asc')
    .$if(most !== undefined, (select) => select.limit(most ?? 0))
    .execute();
  return rows.map(shaped);
}

/** The oldest first, some hundred at a time. */
export function noticePages(
  state: Pick<StateDb, 'query'>,
  only: { readonly states?: readonly OutboxState[] } = {},
): AsyncGenerator<readonly StoredNotice[]> {
  return inPages(
    (after, most) => listNotices(state, { ...only, after, most }),
    ({ id }) => id,
    0,
  );
}

/** What was being sent when the sidecar ended: the server may have it or not, so it is sent again, under the same Message-ID. */
export async function recallSending(state: StateDb, now: Instant): Promise<void> {
  await state.query
    .updateTable('outbox')
    .set({ state: 'waiting', next_at: now })
    .where('state', '=', 'sending')
    .execute();
}

/** The next one that is due, now `sending`: committed before the server hears of it. */
export async function takeDue(state: StateDb, now: Instant): Promise<StoredNotice | undefined> {
  const due = state.query
    .selectFrom('outbox')
    .select('id')
    .where('state', '=', 'waiting')
    .where('next_at', '<=', now)
    .orderBy('next_at')
    .orderBy('id')
    .limit(1)
    .$if(onPostgres(state.query), (select) => select.forUpdate().skipLocked()); // in SQLite nobody else writes meanwhile
  const row = await state.query
    .updateTable('outbox')
    .set(({ eb }) => ({ state: 'sending', attempts: eb('attempts', '+', 1) }))
    .where('id', '=', due)
    .returningAll()
    .executeTakeFirst();
  return row === undefined ? undefined : shaped(row);
}

/** One that was taken and isn't sent by us after all; unless somebody else has it, or has sent it, by now. */
export async function putBack(state: StateDb, { id, attempts }: StoredNotice, now: Instant): Promise<void> {
  await state.query
    .updateTable('outbox')
    .set({ state: 'waiting', next_at: now })
    .where('id', '=', id)
    .where('state', '=', 'sending')
    .where('attempts', '=', attempts)
    .execute();
}

export async function nextDueNotice(state: StateDb): Promise<Instant | undefined> {
  const { at } = await state.query
    .selectFrom('outbox')
    .select(({ fn }) => fn.min<Instant | null>('next_at').as('at'))
    .where('state', '=', 'waiting')
    .executeTakeFirstOrThrow();
  return at ?? undefined;
}

export async function recordSent(
  { query }: Pick<StateDb, 'query'>,
  { id, kind }: StoredNotice,
  now: Instant,
): Promise<void> {
  await query
    .updateTable('outbox')
    .set({ state: 'sent', sent_at: now, next_at: null, error: null, ...spent(kind) })
    .where('id', '=', id)
    .execute();
}

export async function recordPostponed(state: StateDb, id: number, at: Instant, error: string): Promise<void> {
  await state.query.updateTable('outbox').set({ state: 'waiting', next_at: at, error }).where('id', '=', id).execute();
}

export async function recordFailed(
  { query }: Pick<StateDb, 'query'>,
  { id, kind }: StoredNotice,
  error: string,
): Promise<void> {
  await query
    .updateTable('outbox')
    .set({ state: 'failed', next_at: null, error, ...spent(kind) })
    .where('id', '=', id)
    .execute();
}

/** A code must not be readable for ever: once it is sent, or can't be, it is taken out. */
const spent = (kind: string) => (kind === 'code' ? { data: '{}' } : {});

/** To be tried again from now on, for as long as a new one. A recipient may have become known. */
export async function retryNotice(
  state: Pick<StateDb, 'query'>,
  id: number,
  recipient: string,
  now: Instant,
): Promise<void> {
  await state.query
    .updateTable('outbox')
    .set({ state: 'waiting', recipient, attempts: 0, since: now, next_at: now })
    .where('id', '=', id)
    .execute();
}

/** Forgets what came to its end before then, in portions: addresses are kept no longer than they serve. */
export async function pruneOutbox(state: StateDb, before: Instant, giveWay: GiveWay = giveBack): Promise<void> {
  for (;;) {
    const some = state.query
      .selectFrom('outbox')
      .select('id')
      .where('state', 'in', ['sent', 'failed', 'no-address'])
      .where('created_at', '<', before)
      .limit(PORTION_ROWS);
    const { numDeletedRows } = await state.query.deleteFrom('outbox').where('id', 'in', some).executeTakeFirstOrThrow();
    if (numDeletedRows < PORTION_ROWS || !(await giveWay())) return;
  }
}

function shaped(row: Selectable<StateDatabase['outbox']>): StoredNotice {
  return {
    id: row.id,
    event: row.event,
    kind: row.kind as NoticeKind,
    part: row.part as NoticePart,
    subject: row.subject,
    mailbox: row.mailbox,
    recipient: row.recipient,
    language: row.language,
    data: JSON.parse(row.data) as NewNotice['data'],
    messageId: row.message_id,
    createdAt: row.created_at,
    state: row.state,
    attempts: row.attempts,
    since: row.since ?? row.created_at,
    nextAt: row.next_at,
    sentAt: row.sent_at,
    error: row.error,
  };
}
