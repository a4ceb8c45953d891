/** The guard (acl/guard.ts) asked once, by whoever doesn't follow the changes; and what it holds, let go. */
import type { GuardSettings } from '../../acl/guard.ts';
import type { StateDb } from '../store/state/state-db.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';
import { type GuardReport, openDisappearing } from './disappearing-pairs.ts';

/** Looks at all pairs, in portions. */
export async function guard(table: DelegationDb, state: StateDb, settings: GuardSettings): Promise<GuardReport> {
  const disappearing = openDisappearing(table, state, () => settings);
  await disappearing.lookAtAll();
  await disappearing.judge();
  return disappearing.report();
}

/** Lets go what is held: each of its pairs becomes asked for by name. Returns how many. */
export async function release(table: DelegationDb, report: GuardReport, actor: string): Promise<number> {
  const wave = report.disappearing.filter(({ intended }) => !intended);
  await table.write({ actor, reason: 'sync --force' }, async (query) => {
    for (const { mailboxId, delegateId } of wave) {
      await query
        .insertInto('intents')
        .values({ mailbox_id: mailboxId, delegate_id: delegateId, at: new Date().toISOString() })
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    }
  });
  return wave.length;
}

/** Intents whose pair has left the ledger have served. */
export async function forgetServedIntents(table: DelegationDb, state: StateDb, mailboxId: number): Promise<void> {
  const pairs = await state.query
    .selectFrom('ledger')
    .select('delegate_id')
    .where('mailbox_id', '=', mailboxId)
    .execute();
  const intents = await table.query
    .selectFrom('intents')
    .select('delegate_id')
    .where('mailbox_id', '=', mailboxId)
    .execute();
  const served = intents.filter(({ delegate_id }) => !pairs.some((pair) => pair.delegate_id === delegate_id));
  if (served.length === 0) return;
  await table.write({ actor: 'mandat' }, (query) =>
    query
      .deleteFrom('intents')
      .where('mailbox_id', '=', mailboxId)
      .where(
        'delegate_id',
        'in',
        served.map(({ delegate_id }) => delegate_id),
      )
      .execute(),
  );
}
