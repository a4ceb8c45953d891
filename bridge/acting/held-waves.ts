/** What the guard holds back, for whoever may let it go: an administrator who has seen whom it is about. */
import { createHash } from 'node:crypto';
import type { GuardReport } from '../safeguards/disappearing-pairs.ts';
import { guard, release } from '../safeguards/guard.ts';
import { Failure } from '../shared/failure.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';
import { markPending } from '../store/table/rows.ts';
import type { Acting } from './site.ts';

export interface HeldWithdrawal {
  readonly mailbox: string;
  readonly login: string;
}

/** By address; empty where nothing is held. Fails `refused` for whoever is no administrator. */
export async function heldWithdrawals(acting: Acting): Promise<readonly HeldWithdrawal[]> {
  refuseOthers(acting);
  return acting.table(async (table) => named(table, (await looked(acting, table)).held));
}

/** Who was shown, in a few letters: for whoever lets go those and nobody else. */
export function markOf(held: readonly HeldWithdrawal[]): string {
  const lines = held.map(({ mailbox, login }) => `${mailbox} ${login}\n`);
  return createHash('sha256').update(lines.join('')).digest('base64url');
}

/**
 * Lets go what is held, and has it worked off. `seen`: whom, as {@link markOf} says it; fails `refused` (HELD_OTHERWISE) where others are held now.
 * Returns how many.
 */
export async function letHeldGo(acting: Acting, seen: string): Promise<number> {
  refuseOthers(acting);
  return acting.writing('what is held', async (table) => {
    const report = await looked(acting, table);
    const held = [...report.held.values()].reduce((all, logins) => all + logins.size, 0);
    if (markOf(await named(table, report.held)) !== seen)
      throw new Failure('refused', 'what is held is not what was shown', 'look again', { rule: 'HELD_OTHERWISE' });
    if (held > 0) await release(table, report, acting.writer.actor);
    await markPending(table, [...report.held.keys()], acting.writer.actor);
    return held;
  });
}

const looked = (acting: Acting, table: DelegationDb): Promise<GuardReport> =>
  acting.state((state) => guard(table, state, acting.config.guard));

async function named(table: DelegationDb, held: GuardReport['held']): Promise<readonly HeldWithdrawal[]> {
  const ids = [...held.keys()];
  if (ids.length === 0) return [];
  const rows = await table.query
    .selectFrom('mailboxes')
    .select(['id', 'address'])
    .where('id', 'in', ids)
    .orderBy('address')
    .execute();
  return rows.flatMap(({ id, address }) =>
    [...(held.get(id) ?? [])].sort().map((login) => ({ mailbox: address, login })),
  );
}

function refuseOthers({ actor }: Acting): void {
  if (actor.kind === 'admin') return;
  throw new Failure('refused', 'this is for administrators', '', { rule: 'MANDAT_ACTOR' });
}
