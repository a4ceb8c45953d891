/**
 * Notices on their way. They are written in the transaction of what they tell of, and sent by the sidecar (bridge/notify): one event is
 * told to one recipient once. R9, R24, R42.
 */
import { randomUUID } from 'node:crypto';
import type { Instant } from '../../acl/policy.ts';
import type { Language, StateDb } from './state-db.ts';

export type NoticeKind =
  | 'grant'
  | 'revoke'
  | 'suspend'
  | 'resume'
  | 'ending' // an end or a lapse that is coming
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
