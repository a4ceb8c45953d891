/** Which mailboxes wait to be brought in line, and since when. */
import type { Instant } from '../../acl/policy.ts';
import type { DelegationDb } from './delegation-db.ts';
import type { Outcome } from './outcomes.ts';
import { pendingMailboxes } from './rows.ts';
import type { StateDb } from './state-db.ts';

export interface Waiting {
  readonly mailboxId: number;
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
  const unsealed = await table.query.selectFrom('events').select(['mailbox', 'at']).orderBy('id').execute();
  return Promise.all(
    pending.map(async ({ mailboxId }) => {
      const mailbox = addresses.get(mailboxId) ?? null;
      const after = verified.get(mailboxId) ?? '';
      // A change to a delegate names no mailbox, and may concern any.
      const first = unsealed.find((one) => (one.mailbox === mailbox || one.mailbox === null) && one.at > after);
      return { mailboxId, mailbox, since: (await sealedSince(state, mailbox, after)) ?? first?.at ?? null };
    }),
  );
}

/** The first of what others than the sidecar did to this mailbox since, as far as it is sealed already. */
async function sealedSince(state: StateDb, mailbox: string | null, after: Instant): Promise<Instant | null> {
  const concerning = (address: string | null) =>
    state.query
      .selectFrom('audit')
      .select(({ fn }) => fn.min<Instant | null>('at').as('at'))
      .where('mailbox', 'is', address)
      .where('at', '>', after)
      .where('actor', '<>', 'mandat')
      .executeTakeFirstOrThrow();
  const found = [await concerning(null), ...(mailbox === null ? [] : [await concerning(mailbox)])];
  return found.flatMap(({ at }) => at ?? []).sort()[0] ?? null;
}
