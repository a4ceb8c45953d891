/** Whether whoever acts may do it. R3, R53. */
import { type Act, actorFault } from '../acl/actor.ts';
import { Failure } from '../bridge/shared/failure.ts';
import type { DelegationDb } from '../bridge/store/table/delegation-db.ts';
import { mailboxAt } from '../bridge/store/table/mailboxes.ts';
import type { Session } from './session.ts';

/** Fails `refused` unless the session's actor may do this. */
export function may({ actor }: Pick<Session, 'actor'>, act: Act): void {
  const fault = actorFault(actor, act);
  if (fault !== undefined) throw new Failure('refused', fault, '', { rule: 'MANDAT_ACTOR' });
}

/** The same of the delegations of mailboxes, each once. Those that aren't there are somebody else's mistake. */
export async function mayDelegate(
  session: Pick<Session, 'actor'>,
  db: DelegationDb,
  addresses: readonly string[],
): Promise<void> {
  const { actor } = session;
  if (actor.kind === 'admin') return;
  for (const address of new Set(addresses)) {
    // A delegate learns nothing of which mailboxes there are.
    if (actor.kind === 'delegate') may(session, { kind: 'delegations', mailbox: { address, owner: null, login: '' } });
    may(session, { kind: 'delegations', mailbox: await mailboxAt(db, address) });
  }
}
