/** Which pairs are about to disappear, and whether the guard holds them (acl/guard.ts). */
import { type GuardSettings, isHeld } from '../acl/guard.ts';
import type { DelegationDb } from './store/delegation-db.ts';
import { countPairs, pairsAmong } from './store/pairs.ts';
import type { StateDb } from './store/state-db.ts';

export interface Disappearance {
  readonly mailboxId: number;
  readonly delegateId: number;
  readonly login: string;
  /** Asked for by name at the command line. */
  readonly intended: boolean;
}

/** More mailboxes than this are looked at by looking at all. */
const FEW = 200;

export interface GuardReport {
  /** Every pair of the ledger without a row, intended ones included: these mailboxes go first. */
  readonly disappearing: readonly Disappearance[];
  /** Logins held back, by mailbox. Empty when nothing is held. */
  readonly held: ReadonlyMap<number, ReadonlySet<string>>;
  readonly standing: number;
}

/**
 * `among`: the mailboxes that have changed, where only these could have lost a pair; what is held stays among them, because it
 * stays pending. Undefined: all.
 */
export async function guard(
  table: DelegationDb,
  state: StateDb,
  settings: GuardSettings,
  among?: readonly number[],
): Promise<GuardReport> {
  const few = among !== undefined && among.length <= FEW ? among : undefined;
  const pairs = await pairsAmong(state, few);
  const standing = few === undefined ? pairs.length : await countPairs(state);
  const key = (mailboxId: number, delegateId: number) => `${mailboxId}/${delegateId}`;
  const [rows, intents] = await table.read(async (query) => [
    await query
      .selectFrom('delegations')
      .select(['mailbox_id', 'delegate_id'])
      .$if(few !== undefined, (select) => select.where('mailbox_id', 'in', few ?? []))
      .execute(),
    await query.selectFrom('intents').select(['mailbox_id', 'delegate_id']).execute(),
  ]);
  const there = new Set(rows.map((row) => key(row.mailbox_id, row.delegate_id)));
  const asked = new Set(intents.map((row) => key(row.mailbox_id, row.delegate_id)));
  const disappearing = pairs
    .filter(({ mailboxId, delegateId }) => !there.has(key(mailboxId, delegateId)))
    // One that is on its way out already was let go before.
    .map(({ phase, mailboxId, delegateId, login }) => ({
      mailboxId,
      delegateId,
      login,
      intended: phase === 'revoking' || asked.has(key(mailboxId, delegateId)),
    }));
  const wave = disappearing.filter(({ intended }) => !intended);
  const held = new Map<number, Set<string>>();
  if (isHeld(wave.length, standing, settings)) {
    for (const { mailboxId, login } of wave) held.set(mailboxId, (held.get(mailboxId) ?? new Set()).add(login));
  }
  return { disappearing, held, standing };
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
