/**
 * Which pairs are about to disappear, known mailbox by mailbox: those that have changed are looked at, in portions, and what was found is
 * remembered. So a revoke waits for no look at all there is, however many change beside it.
 */
import { Mutex } from 'async-mutex';
import { type GuardSettings, isHeld } from '../../acl/guard.ts';
import { type GiveWay, giveBack } from '../shared/portions.ts';
import { countPairs, pairsAmong } from '../store/state/ledger-pairs.ts';
import type { StateDb } from '../store/state/state-db.ts';
import { ledgerPortions } from '../store/state/swept-mailboxes.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';

export interface Disappearance {
  readonly mailboxId: number;
  readonly delegateId: number;
  readonly login: string;
  /** Asked for by name at the command line. */
  readonly intended: boolean;
}

export interface GuardReport {
  /** Every pair of the ledger without a row, intended ones included: these mailboxes go first. */
  readonly disappearing: readonly Disappearance[];
  /** Logins held back, by mailbox. Empty when nothing is held. */
  readonly held: ReadonlyMap<number, ReadonlySet<string>>;
  readonly standing: number;
}

export interface Disappearing {
  /** Looks at these mailboxes anew. */
  look(mailboxIds: readonly number[]): Promise<void>;
  /** And at all of the ledger, in portions. */
  lookAtAll(giveWay?: GiveWay): Promise<void>;
  /** Whether what is known makes a wave that is held; to be called when all that has changed has been looked at. Returns whose hold has ended. */
  judge(): Promise<readonly number[]>;
  /** What goes from a mailbox: nothing, only what is never held, or something that a hold may concern. */
  of(mailboxId: number): 'nothing' | 'asked-for' | 'unasked';
  /** Logins held back in it, by the last {@link judge}ment. */
  heldIn(mailboxId: number): ReadonlySet<string>;
  /** How many pairs are held, of how many. */
  readonly held: { readonly pairs: number; readonly standing: number };
  report(): Promise<GuardReport>;
}

/** How many mailboxes are looked at in one portion. */
const PORTION = 100;

const NOBODY: ReadonlySet<string> = new Set();

export function openDisappearing(table: DelegationDb, state: StateDb, settings: () => GuardSettings): Disappearing {
  const gone = new Map<number, readonly Disappearance[]>();
  const oneAtATime = new Mutex(); // or of two looks at one mailbox the older might be remembered
  let unasked = 0;
  let standing = 0;
  let holds = false;

  const remember = (mailboxId: number, found: readonly Disappearance[]) => {
    unasked += countUnasked(found) - countUnasked(gone.get(mailboxId) ?? []);
    if (found.length === 0) gone.delete(mailboxId);
    else gone.set(mailboxId, found);
  };
  const look = (mailboxIds: readonly number[]) =>
    oneAtATime.runExclusive(async () => {
      if (mailboxIds.length === 0) return;
      const found = await goneAmong(table, state, mailboxIds);
      for (const id of mailboxIds) remember(id, found.get(id) ?? []);
    });
  const heldIn = (mailboxId: number) =>
    holds ? new Set((gone.get(mailboxId) ?? []).filter(({ intended }) => !intended).map(({ login }) => login)) : NOBODY;

  return {
    look,
    heldIn,
    lookAtAll: async (giveWay = giveBack) => {
      const left = new Set(gone.keys());
      for await (const ids of ledgerPortions(state, PORTION)) {
        await look(ids);
        for (const id of ids) left.delete(id);
        if (!(await giveWay())) return;
      }
      for (const id of left) await look([id]);
    },
    judge: async () => {
      const before = holds;
      const limits = settings();
      if (unasked > limits.maxPairs) standing = await countPairs(state);
      holds = isHeld(unasked, standing, limits);
      return before && !holds ? [...gone.keys()] : [];
    },
    of: (mailboxId) => {
      const found = gone.get(mailboxId);
      if (found === undefined) return 'nothing';
      return countUnasked(found) === 0 ? 'asked-for' : 'unasked';
    },
    get held() {
      return { pairs: holds ? unasked : 0, standing };
    },
    report: async () => {
      const held = new Map<number, ReadonlySet<string>>();
      for (const id of holds ? gone.keys() : []) if (heldIn(id).size > 0) held.set(id, heldIn(id));
      return { disappearing: [...gone.values()].flat(), held, standing: await countPairs(state) };
    },
  };
}

function countUnasked(found: readonly Disappearance[]): number {
  return found.reduce((sum, { intended }) => sum + (intended ? 0 : 1), 0);
}

/** Of each of these mailboxes that has any, the pairs that this server's ledger has, and for which there is no row any more at this server. */
export async function goneAmong(
  table: DelegationDb,
  state: StateDb,
  mailboxIds: readonly number[],
): Promise<ReadonlyMap<number, readonly Disappearance[]>> {
  const found = new Map<number, Disappearance[]>();
  const pairs = await pairsAmong(state, mailboxIds);
  if (pairs.length === 0) return found;
  const key = (mailboxId: number, delegateId: number) => `${mailboxId}/${delegateId}`;
  const [rows, intents] = await table.read(async (query) => [
    await query
      .selectFrom('delegations as g')
      .innerJoin('mailboxes as m', 'm.id', 'g.mailbox_id')
      .select(['g.mailbox_id', 'g.delegate_id'])
      .where('g.mailbox_id', 'in', mailboxIds)
      .where('m.server', '=', table.server) // from a server that a mailbox has left, all of it goes
      .execute(),
    await query
      .selectFrom('intents')
      .select(['mailbox_id', 'delegate_id'])
      .where('mailbox_id', 'in', mailboxIds)
      .execute(),
  ]);
  const there = new Set(rows.map((row) => key(row.mailbox_id, row.delegate_id)));
  const asked = new Set(intents.map((row) => key(row.mailbox_id, row.delegate_id)));
  for (const { phase, mailboxId, delegateId, login } of pairs) {
    if (there.has(key(mailboxId, delegateId))) continue;
    // One that is on its way out already was let go before.
    const intended = phase === 'revoking' || asked.has(key(mailboxId, delegateId));
    const those = found.get(mailboxId) ?? [];
    those.push({ mailboxId, delegateId, login, intended });
    found.set(mailboxId, those);
  }
  return found;
}
