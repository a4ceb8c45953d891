/** Whether whoever acts may do it. R3, R53. */
import { type Act, actorFault } from '../../acl/actor.ts';
import { Failure } from '../shared/failure.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';
import { mailboxAt } from '../store/table/mailboxes.ts';
import type { Acting } from './site.ts';

/** Fails `refused` unless whoever acts may do this. */
export function may({ actor }: Pick<Acting, 'actor'>, act: Act): void {
  const fault = actorFault(actor, act);
  if (fault === undefined) return;
  const named = act.kind === 'account' ? act.identifier : act.mailbox.address;
  throw new Failure('refused', fault, '', { rule: 'MANDAT_ACTOR', about: fault.includes(named) ? named : undefined });
}

/** The same of the delegations of mailboxes, each once. Those that aren't there are somebody else's mistake. */
export async function mayDelegate(
  acting: Pick<Acting, 'actor'>,
  db: DelegationDb,
  addresses: readonly string[],
): Promise<void> {
  const { actor } = acting;
  if (actor.kind === 'admin') return;
  for (const address of new Set(addresses)) {
    // A delegate learns nothing of which mailboxes there are.
    if (actor.kind === 'delegate') may(acting, { kind: 'delegations', mailbox: { address, owner: null, login: '' } });
    may(acting, { kind: 'delegations', mailbox: await mailboxAt(db, address) });
  }
}
