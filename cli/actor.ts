/** Who acts: --as, or the user at the keyboard as an admin. R3, R53. */
import { userInfo } from 'node:os';
import { type Act, type Actor, actorFault } from '../acl/actor.ts';
import { Failure } from '../bridge/failure.ts';
import type { DelegationDb } from '../bridge/store/delegation-db.ts';
import { mailboxAt } from '../bridge/store/mailboxes.ts';
import { shown } from './arguments.ts';
import type { Identity } from './identity.ts';
import type { Session } from './session.ts';

const HINT = 'write owner:ID, delegate:ID or admin:NAME';

/** `typed` as given behind --as. Fails as wrong usage. */
export function readActor(typed: string | undefined, identity: Identity): Actor {
  if (typed === undefined) return { kind: 'admin', name: keyboard() };
  const [, kind, name = ''] = /^(owner|delegate|admin):(.*)$/s.exec(typed) ?? [];
  if (kind === 'admin') {
    if (!/^[\p{L}\p{N}][\p{L}\p{N}._@+-]{0,63}$/u.test(name)) {
      throw new Failure('config', `--as ${shown(typed)}: this is no name`, 'letters, digits and . _ @ + -, at most 64');
    }
    return { kind, name };
  }
  if (kind === 'owner' || kind === 'delegate') return { kind, identifier: identity.find(name) };
  throw new Failure('config', `--as ${shown(typed)}: this is nobody`, HINT);
}

/** Behind sudo it isn't root. */
export function keyboard(): string {
  return process.env.SUDO_USER || userInfo().username;
}

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
