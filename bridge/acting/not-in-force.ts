/** What keeps a delegation from being in force although its row is there, and what would change it. */

import type { NotInForce } from '../../acl/delegation-facts.ts';
import type { Policy } from '../../acl/desired.ts';
import { type Condition, conditions } from '../../acl/policy.ts';
import { policyOf } from '../configured/site-policy.ts';
import { inEffect } from '../safeguards/withdrawn.ts';
import { failureOf } from '../shared/failure.ts';
import { fact } from '../store/state/facts.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';
import { listDelegations } from '../store/table/delegation-list.ts';
import type { Site } from './site.ts';

/** A condition that doesn't hold, and what would change it. */
export interface Missing extends Pick<Condition, 'sentence' | 'remedy'> {
  readonly why: NotInForce | 'table-from-the-past';
}

/** Everything that keeps a delegation from being in force although its row is there. */
export async function whyWithheld(
  db: DelegationDb,
  { rules }: Policy,
  mailbox: string,
  delegate: string,
): Promise<readonly Missing[]> {
  const [row] = await listDelegations(db, { mailbox, delegate });
  if (row === undefined) return []; // revoked in the same moment
  return conditions(row, rules, new Date().toISOString(), {}, { mailbox, delegate })
    .filter(({ holds }) => !holds)
    .map(({ why, sentence, remedy }) => ({ why, sentence, remedy }));
}

/** While the table is older than the one last seen, it gives nobody access. To whoever may not see mandat's own state it isn't told. */
export async function whyHeld({ state }: Pick<Site, 'state'>): Promise<readonly Missing[]> {
  try {
    if ((await state((db) => fact(db, 'restored'))) !== 'held') return [];
  } catch (error) {
    if (failureOf(error).code === 'config') return [];
    throw error;
  }
  return [
    {
      why: 'table-from-the-past',
      sentence: 'the delegation table is older than the one last seen, and gives nobody access',
      remedy: 'look ("mandat list"), then say "mandat restore accept"',
    },
  ];
}

/** The site's policy as it counts now. Whether all has been withdrawn, a user who may not see mandat's own state isn't told. */
export async function policyNow({ config, state }: Pick<Site, 'config' | 'state'>): Promise<Policy> {
  const policy = policyOf(config);
  try {
    return await state((db) => inEffect(policy, db));
  } catch (error) {
    if (failureOf(error).code === 'config') return policy;
    throw error;
  }
}
