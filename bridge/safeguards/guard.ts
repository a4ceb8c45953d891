/** The guard (acl/guard.ts) asked once, by whoever doesn't follow the changes; and what it holds, let go. */
import type { GuardSettings } from '../../acl/guard.ts';
import { keptQuery } from '../store/kept-queries.ts';
import { pairsAmong } from '../store/state/ledger-pairs.ts';
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

/** Intents whose pair has left the ledger have served: on whichever server it was to go from. */
export async function forgetServedIntents(table: DelegationDb, state: StateDb, mailboxId: number): Promise<void> {
  // Before the pairs: what is asked for meanwhile isn't served yet.
  const intents = await intentsIn(table.query, { mailboxId });
  if (intents.length === 0) return;
  const all = await pairsAmong(state, [mailboxId], 'everywhere');
  const pairs = (await staying(table, mailboxId, all)).map(({ delegateId }) => ({ delegate_id: delegateId }));
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

const intentsIn = keptQuery((query: DelegationDb['query'], { mailboxId }: { mailboxId: number }) =>
  query.selectFrom('intents').select('delegate_id').where('mailbox_id', '=', mailboxId),
);

/** Of these pairs, those that are still to go: the row is gone, or the mailbox has left that server. One that is given there again needs no intent. */
async function staying<Pair extends { readonly server: string; readonly delegateId: number }>(
  table: DelegationDb,
  mailboxId: number,
  pairs: readonly Pair[],
): Promise<readonly Pair[]> {
  if (pairs.length === 0) return [];
  const rows = await table.query
    .selectFrom('delegations as g')
    .innerJoin('mailboxes as m', 'm.id', 'g.mailbox_id')
    .select(['g.delegate_id', 'm.server'])
    .where('g.mailbox_id', '=', mailboxId)
    .execute();
  const stands = ({ server, delegateId }: Pair) =>
    rows.some((row) => row.server === server && row.delegate_id === delegateId);
  return pairs.filter((pair) => !stands(pair));
}
