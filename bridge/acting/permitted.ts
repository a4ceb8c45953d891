/** Whether whoever acts may do it. R3, R53. */
import { type Act, actorFault } from '../../acl/actor.ts';
import { Failure, failureOf } from '../shared/failure.ts';
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

/**
 * The same of the delegations of mailboxes, each once. Who isn't an administrator learns nothing of which mailboxes there are: one that isn't
 * there is as one that isn't theirs.
 */
export async function mayDelegate(
  acting: Pick<Acting, 'actor'>,
  db: DelegationDb,
  addresses: readonly string[],
): Promise<void> {
  const { actor } = acting;
  if (actor.kind === 'admin') return;
  for (const address of new Set(addresses)) {
    const nobodys = { address, owner: null, login: '' };
    const mailbox = actor.kind === 'delegate' ? nobodys : await mailboxAt(db, address).catch(or(nobodys));
    may(acting, { kind: 'delegations', mailbox });
  }
}

const or =
  <T>(other: T) =>
  (error: unknown): T => {
    if (failureOf(error).code === 'absent') return other;
    throw error;
  };
