/** Notices that the delegation table's own rules have been changed, or put right again: said in the log and in the audit trail, once each time. */
import type { Logger } from 'pino';
import type { Site } from '../reconcile/site.ts';
import { fact, setFact } from '../store/state/facts.ts';
import type { StateDb } from '../store/state/state-db.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';
import { describeDifferences, REPAIR_RULES, rulesChanged } from '../store/table/schema.ts';

export interface RulesLook {
  readonly table: DelegationDb;
  readonly state: StateDb;
  readonly audit: Site['audit'];
  readonly log: Logger;
}

/** Looks at the text of the rules. True where they are others than at the last look: then every mailbox is to be looked at. */
export async function lookAtRules({ table, state, audit, log }: RulesLook): Promise<boolean> {
  const found = await table.lookAgain();
  const now = describeDifferences(found);
  if (((await fact(state, 'rules')) ?? '') === now) return false;
  const line = { mailbox: null, onBehalf: null, delegate: null };
  if (now === '') {
    log.warn('the rules of the delegation table are those released again: it is obeyed in full');
    await audit([{ action: 'rules-restored', ...line }]);
  } else {
    log.error(
      { differences: found.map(({ object, how }) => `${object}: ${how}`), hint: REPAIR_RULES },
      rulesChanged(found),
    );
    await audit([{ action: 'rules-changed', ...line, detail: { differences: now } }]);
  }
  await setFact(state, 'rules', now);
  return true;
}
