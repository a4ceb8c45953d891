/** The sweep that is going on, or was broken off. */
import type { Instant } from '../../../acl/delegation-facts.ts';
import { jsonFact } from './facts.ts';
import type { StateDb } from './state-db.ts';

export interface SweepBegun {
  readonly at: Instant;
  /** Program and configuration: what was looked at under others counts for nothing. */
  readonly under: string;
  /** Mailboxes that it is done with, in whole batches. */
  readonly looked: number;
}

/** Undefined between two sweeps. */
export async function sweepBegun(state: StateDb): Promise<SweepBegun | undefined> {
  return jsonFact<SweepBegun>(state, 'sweep-begun');
}
