/** Which mailboxes a sweep looks at. */
import type { DelegationDb } from './delegation-db.ts';
import { mailboxIds, pendingMailboxes } from './rows.ts';
import type { StateDb } from './state-db.ts';
import { mailboxesTold } from './told.ts';

/**
 * Those of the table, of the ledger (one that has left the table while something of its delegates stands on the server), and those
 * that have left the table and were not worked off since, or of which somebody is to be told so.
 */
export async function everyMailbox(table: DelegationDb, state: StateDb): Promise<readonly number[]> {
  const ledger = await state.query.selectFrom('ledger').select('mailbox_id').distinct().execute();
  const pending = await pendingMailboxes(table);
  return [
    ...new Set([
      ...(await mailboxIds(table)),
      ...ledger.map(({ mailbox_id }) => mailbox_id),
      ...pending.map(({ mailboxId }) => mailboxId),
      ...(await mailboxesTold(state)),
    ]),
  ];
}
