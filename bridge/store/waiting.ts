/** Which mailboxes wait to be brought in line, and since when. */
import type { Instant } from '../../acl/policy.ts';
import type { DelegationDb } from './delegation-db.ts';
import type { Outcome } from './outcomes.ts';
import { pendingMailboxes } from './rows.ts';
import type { StateDb } from './state-db.ts';

export interface Waiting {
  /** Null for one that has left the table before anything became of it. */
  readonly mailbox: string | null;
  /** When the oldest change that isn't verified yet was written; null where no event tells, as when `sync` asked for a look. */
  readonly since: Instant | null;
}

export async function waitingMailboxes(
  table: DelegationDb,
  state: StateDb,
  outcomes: readonly Outcome[],
): Promise<readonly Waiting[]> {
  const pending = await pendingMailboxes(table);
  if (pending.length === 0) return [];
  const rows = await table.query.selectFrom('mailboxes').select(['id', 'address']).execute();
  const addresses = new Map([
    ...outcomes.map(({ mailboxId, address }) => [mailboxId, address] as const),
    ...rows.map(({ id, address }) => [id, address] as const),
  ]);
  const verified = new Map(outcomes.map(({ mailboxId, verifiedAt }) => [mailboxId, verifiedAt ?? '']));
  const changes = await changesInOrder(table, state);
  return pending.map(({ mailboxId }) => {
    const mailbox = addresses.get(mailboxId) ?? null;
    const after = verified.get(mailboxId) ?? '';
    // A change to a delegate names no mailbox, and may concern any.
    const first = changes.find((one) => (one.mailbox === mailbox || one.mailbox === null) && one.at > after);
    return { mailbox, since: first?.at ?? null };
  });
}

/** What others than the sidecar did: sealed already, or not yet. */
async function changesInOrder(
  table: DelegationDb,
  state: StateDb,
): Promise<readonly { readonly mailbox: string | null; readonly at: Instant }[]> {
  const sealed = await state.query
    .selectFrom('audit')
    .select(['mailbox', 'at'])
    .where('actor', '<>', 'mandat')
    .orderBy('id')
    .execute();
  const fresh = await table.query.selectFrom('events').select(['mailbox', 'at']).orderBy('id').execute();
  return [...sealed, ...fresh];
}
