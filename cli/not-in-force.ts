/** What keeps a delegation from being in force although its row is there, and what would change it. */
import type { Policy } from '../acl/desired.ts';
import { type Condition, conditions } from '../acl/policy.ts';
import { policyOf } from '../bridge/configured/site-policy.ts';
import { inEffect } from '../bridge/safeguards/withdrawn.ts';
import { failureOf } from '../bridge/shared/failure.ts';
import { fact } from '../bridge/store/state/facts.ts';
import type { DelegationDb } from '../bridge/store/table/delegation-db.ts';
import { listDelegations } from '../bridge/store/table/delegation-list.ts';
import type { Session } from './session.ts';

/** A condition that doesn't hold, and what would change it. */
export type Missing = Pick<Condition, 'sentence' | 'remedy'>;

/** All of it at once, with what to do: whoever mends one thing should not have to come back for the next. */
export function missingLines(lead: string, withheld: readonly Missing[] = []): readonly string[] {
  return withheld.flatMap(({ sentence, remedy }, at) => [
    `  ${at === 0 ? `${lead}: ` : 'and '}${sentence}`,
    ...(remedy === '' ? [] : [`    -> ${remedy}`]),
  ]);
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
    .map(({ sentence: broken, remedy }) => ({ sentence: broken, remedy }));
}

/** While the table is older than the one last seen, it gives nobody access. To whoever may not see mandat's own state it isn't told. */
export async function whyHeld({ state }: Session): Promise<readonly Missing[]> {
  try {
    if ((await state((db) => fact(db, 'restored'))) !== 'held') return [];
  } catch (error) {
    if (failureOf(error).code === 'config') return [];
    throw error;
  }
  return [
    {
      sentence: 'the delegation table is older than the one last seen, and gives nobody access',
      remedy: 'look ("mandat list"), then say "mandat restore accept"',
    },
  ];
}

/** The site's policy as it counts now. Whether all has been withdrawn, a user who may not see mandat's own state isn't told. */
export async function policyNow({ config, state }: Session): Promise<Policy> {
  const policy = policyOf(config);
  try {
    return await state((db) => inEffect(policy, db));
  } catch (error) {
    if (failureOf(error).code === 'config') return policy;
    throw error;
  }
}
