/**
 * A site that takes mandat off its servers, or stops delegation altogether: every delegation is out of force, its row stays. What was
 * decided stands in state.db, so that no program that writes the table can undo it, and each pass, the filter and every command judge by it.
 */

import type { Instant } from '../../acl/delegation-facts.ts';
import type { Policy } from '../../acl/desired.ts';
import { jsonFact, setJsonFact } from '../store/state/facts.ts';
import type { StateDb } from '../store/state/state-db.ts';

export interface Withdrawn {
  readonly since: Instant;
  /** Nobody is told of it, nor of its end. */
  readonly quiet: boolean;
  /** The mail server doesn't ask mandat any more who may send: the sender map is empty, the owners' own rules included. */
  readonly unpublished?: boolean;
}

type Facts = Pick<StateDb, 'query'>;

/** Undefined where delegations are obeyed. */
export async function withdrawn(state: Facts): Promise<Withdrawn | undefined> {
  return jsonFact<Withdrawn>(state, 'withdrawn');
}

/** Undefined: they are obeyed again. */
export async function setWithdrawn(state: Facts, how: Withdrawn | undefined): Promise<void> {
  await setJsonFact(state, 'withdrawn', how);
}

/** The site's policy as it counts now. */
export async function inEffect<P extends Policy>(policy: P, state: Facts): Promise<P> {
  const off = await withdrawn(state);
  if (off === undefined) return policy;
  return { ...policy, rules: { ...policy.rules, withdrawn: true }, unpublished: off.unpublished === true };
}
