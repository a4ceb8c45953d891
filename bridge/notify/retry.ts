/** Asking for notices to be sent again: under the address that is known now, which may be why they were not sent. */
import type { Instant } from '../../acl/delegation-facts.ts';
import { Failure } from '../shared/failure.ts';
import { delegateContact, ownerContact } from '../store/state/contacts.ts';
import { listNotices, retryNotice, type StoredNotice } from '../store/state/outbox.ts';
import type { StateDb } from '../store/state/state-db.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';

export interface Retried {
  readonly again: readonly number[];
  /** Still nobody knows an address. */
  readonly noAddress: readonly StoredNotice[];
}

/** `ids` empty: all that failed, and all for which no address was known. Fails `absent` or `refused`, and then asks for none. */
export async function retryNotices(
  table: DelegationDb,
  state: StateDb,
  ids: readonly number[],
  now: Instant,
): Promise<Retried> {
  const all = ids.length === 0;
  const found = await listNotices(state, all ? { states: ['failed', 'no-address'] } : { ids });
  const missing = ids.filter((id) => !found.some((notice) => notice.id === id));
  if (missing.length > 0) {
    throw new Failure('absent', `no such notice: ${missing.join(', ')}`, '"mandat notices list" shows those there are');
  }
  const fault = all ? undefined : found.map(whyNot).find((why) => why !== undefined);
  if (fault !== undefined) throw fault;
  const again: number[] = [];
  const noAddress: StoredNotice[] = [];
  for (const notice of found.filter((one) => whyNot(one) === undefined)) {
    const recipient = await recipientNow(table, state, notice);
    if (recipient === null) noAddress.push(notice);
    else {
      await retryNotice(state, notice.id, recipient, now);
      again.push(notice.id);
    }
  }
  return { again, noAddress };
}

function whyNot({ id, kind, state }: StoredNotice): Failure | undefined {
  if (state === 'sent')
    return new Failure('refused', `notice ${id} was sent`, 'only one that was not can be tried again');
  if (state === 'sending') return new Failure('refused', `notice ${id} is being sent`, 'look again in a moment');
  return kind === 'code'
    ? new Failure('refused', `notice ${id} held a code, which is gone by now`, 'ask for another code')
    : undefined;
}

async function recipientNow(table: DelegationDb, state: StateDb, notice: StoredNotice): Promise<string | null> {
  const { part, subject, recipient, mailbox } = notice;
  if (part === 'owner') {
    if (mailbox === null || subject === mailbox) return recipient;
    const found = await table.query
      .selectFrom('mailboxes')
      .select('id')
      .where('address', '=', mailbox)
      .executeTakeFirst();
    return (found === undefined ? null : (await ownerContact(state, found.id)).address) ?? recipient;
  }
  if (part === 'account') return recipient;
  const found = await table.query
    .selectFrom('delegates')
    .select(['id', 'login'])
    .where('identifier', '=', subject)
    .executeTakeFirst();
  const known =
    found === undefined
      ? undefined
      : await delegateContact(table, state, { delegateId: found.id, identifier: subject, login: found.login });
  return known?.address ?? recipient;
}
