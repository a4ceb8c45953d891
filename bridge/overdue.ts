/**
 * Changes that aren't worked off in time, whatever the reason: a mailbox that stays pending is said to be late, in the log and for `status`,
 * even where nothing has failed that would say so itself.
 */
import type { Logger } from 'pino';
import type { Instant } from '../acl/policy.ts';
import type { DelegationDb } from './store/delegation-db.ts';
import { fact, setFact } from './store/facts.ts';
import { pendingMailboxes } from './store/rows.ts';
import type { StateDb } from './store/state-db.ts';

/** A change that waits longer than this is late, in milliseconds. */
export const LATE_MS = 10_000;

/** So many are noted for others to read: where more wait, these are enough to say so. */
const MOST_NOTED = 1000;

export interface Overdue {
  readonly mailboxId: number;
  /** When the sidecar first saw it pending without a break. */
  readonly since: Instant;
}

/** Looks at what is pending, as often as it is called. `now`: milliseconds, of a clock that only counts. */
export function openOverdue(table: DelegationDb, state: StateDb, log: Logger, clock: () => Instant) {
  const seen = new Map<number, { readonly at: number; readonly since: Instant; told: boolean }>();
  let noted = '';
  return {
    look: async (now: number): Promise<void> => {
      const pending = new Set((await pendingMailboxes(table)).map(({ mailboxId }) => mailboxId));
      for (const id of seen.keys()) if (!pending.has(id)) seen.delete(id);
      for (const id of pending) if (!seen.has(id)) seen.set(id, { at: now, since: clock(), told: false });
      const late = [...seen].filter(([, one]) => now - one.at > LATE_MS);
      const fresh = late.filter(([, one]) => !one.told);
      for (const [, one] of fresh) one.told = true;
      if (fresh.length > 0) {
        const oldest = fresh.map(([, { since }]) => since).sort()[0];
        log.error(
          { mailboxIds: fresh.slice(0, 20).map(([id]) => id), count: fresh.length, since: oldest },
          `changes have not been worked off within ${LATE_MS / 1000} s: "mandat status" names them`,
        );
      }
      const text = JSON.stringify(
        late.slice(0, MOST_NOTED).map(([mailboxId, { since }]): Overdue => ({ mailboxId, since })),
      );
      if (text === noted) return; // no write, where nothing has changed
      await setFact(state, 'overdue', text);
      noted = text;
    },
  };
}

/** As the sidecar that runs has noted them. */
export async function overdueNoted(state: StateDb): Promise<readonly Overdue[]> {
  return JSON.parse((await fact(state, 'overdue')) ?? '[]') as Overdue[];
}
