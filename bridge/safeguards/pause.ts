/**
 * A site that is paused for a time, for work on its servers: nothing is written to them, whatever the table says, until it is resumed. What was
 * decided stands in state.db: it survives restarts, no program that writes the table can end it, and every process asks it anew.
 * A revoke or a suspension of one delegation by name still goes through, unless `all`.
 */
import type { Instant } from '../../acl/delegation-facts.ts';
import { Failure } from '../shared/failure.ts';
import { fact, jsonFact, setJsonFact } from '../store/state/facts.ts';
import { pairsOf } from '../store/state/ledger-pairs.ts';
import type { StateDb } from '../store/state/state-db.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';

export interface Pause {
  readonly since: Instant;
  /** Who paused it, as in `admin:root`. */
  readonly by: string;
  readonly reason: string | null;
  /** Not even what is revoked by name is taken away. */
  readonly all: boolean;
}

type Facts = Pick<StateDb, 'query' | 'server'>;

/** Undefined where the servers are written to as ever. */
export async function paused(state: Facts): Promise<Pause | undefined> {
  return jsonFact<Pause>(state, 'paused');
}

/** Undefined: it is resumed. */
export async function setPaused(state: Facts, how: Pause | undefined): Promise<void> {
  await setJsonFact(state, 'paused', how);
}

/** By the sidecar, once it has nothing in hand any more that began before. */
export async function notePauseSeen(state: Facts, pause: Pause): Promise<void> {
  await setJsonFact(state, 'pause-seen', pause);
}

/** Whether the sidecar has nothing in hand any more that began before this pause. */
export async function pauseSeen(state: Facts, pause: Pause): Promise<boolean> {
  return (await fact(state, 'pause-seen')) === JSON.stringify(pause);
}

/** Whether two looks have found the same. */
export const samePause = (one: Pause | undefined, other: Pause | undefined): boolean =>
  JSON.stringify(one) === JSON.stringify(other);

/**
 * Logins that have something in this mailbox by the ledger, and from whom a command has taken it by name: the row was deleted by a command,
 * or that very row is suspended.
 */
export async function takenByName(
  table: DelegationDb,
  state: StateDb,
  mailboxId: number,
): Promise<ReadonlySet<string>> {
  const pairs = await pairsOf(state, mailboxId);
  if (pairs.length === 0) return new Set();
  const [asked, rows] = await table.read(async (query) => [
    await query.selectFrom('intents').select('delegate_id').where('mailbox_id', '=', mailboxId).execute(),
    await query
      .selectFrom('delegations')
      .select(['delegate_id', 'suspended'])
      .where('mailbox_id', '=', mailboxId)
      .execute(),
  ]);
  const taken = (delegateId: number) => {
    const row = rows.find(({ delegate_id }) => delegate_id === delegateId);
    return row === undefined ? asked.some(({ delegate_id }) => delegate_id === delegateId) : row.suspended === 1;
  };
  return new Set(pairs.filter(({ delegateId }) => taken(delegateId)).map(({ login }) => login));
}

/** What ends it, told wherever something waits for that. */
export const RESUME_HINT = '"mandat resume" ends it, and what was due is done then';

/** `mandat is paused by admin:root since TIME: REASON`. `time`: how instants are shown. */
export function pauseSentence({ since, by, reason, all }: Pause, time: (instant: Instant) => string): string {
  const scope = all ? ', revokes by name included' : '';
  return `mandat is paused by ${by} since ${time(since)}${scope}${reason === null ? '' : `: ${reason}`}`;
}

/** For what is refused meanwhile, or waits. */
export function pausedFailure(pause: Pause, what: string, code: 'refused' | 'retry' = 'refused'): Failure {
  return new Failure(code, `${what}: ${pauseSentence(pause, (instant) => instant)}`, RESUME_HINT, {
    rule: 'MANDAT_PAUSED',
  });
}
