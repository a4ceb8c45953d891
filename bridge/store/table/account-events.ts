/** What became of delegates' accounts, as plain events for the audit trail. Never an address: it is private. R3, R41. */
import type { Query } from './delegation-types.ts';

export type AccountEvent =
  | 'account-code' // a code was mailed
  | 'account-code-refused' // typed wrongly, or too late, or too many asked for
  | 'account-contact' // the contact address is confirmed, and another than before
  | 'account-cancel'
  | 'account-opt-out'
  | 'account-identity' // names and profession, taken over from the directory
  | 'account-mailbox' // they have a mailbox of their own, and its login
  | 'account-end';

/** In a transaction that somebody else opened. */
export async function noteAccount(
  query: Query,
  identifier: string,
  action: AccountEvent,
  detail?: Readonly<Record<string, unknown>>,
): Promise<void> {
  const writer = await query.selectFrom('writer').select(['actor', 'reason', 'via']).executeTakeFirstOrThrow();
  await query
    .insertInto('events')
    .values({
      at: new Date().toISOString(),
      ...writer,
      action,
      mailbox: null,
      delegate: identifier,
      detail: detail === undefined ? null : JSON.stringify(detail),
      on_behalf: null,
    })
    .execute();
}
