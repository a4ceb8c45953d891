/**
 * Changes that aren't worked off in time, whatever the reason: a mailbox that stays pending is said to be late, in the log and for `status`,
 * even where nothing has failed that would say so itself.
 */
import type { Logger } from 'pino';
import type { Instant } from '../../acl/delegation-facts.ts';
import { versionOf } from '../safeguards/table-from-the-past.ts';
import { giveBack, PORTION_ROWS, portions } from '../shared/portions.ts';
import { jsonFact, setFact } from '../store/state/facts.ts';
import type { StateDb } from '../store/state/state-db.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';
import { changedAfter, type Pending } from '../store/table/rows.ts';

/** A change that waits longer than this is late, in milliseconds. */
export const LATE_MS = 10_000;

/** So many are looked at and noted for others to read: where more wait, these are enough to say so. */
const MOST_NOTED = 1000;

export interface Overdue {
  readonly mailboxId: number;
  /** When the sidecar first saw it pending without a break. */
  readonly since: Instant;
}

/**
 * Looks at what has become pending since the last look, and at what has been so for too long, as often as it is called. `now`: milliseconds,
 * of a clock that only counts.
 */
export function openOverdue(table: DelegationDb, state: StateDb, log: Logger, clock: () => Instant) {
  /** The oldest first. One that is pending no more stays until its time is over. */
  const seen = new Map<number, { readonly at: number; readonly since: Instant; told: boolean }>();
  let last: Pending = { version: 0, mailboxId: 0 };
  let noted = '';

  const takeNews = async (now: number) => {
    const version = await versionOf(table);
    if (version < last.version) last = { version: 0, mailboxId: 0 }; // it has been put right
    for (;;) {
      const page = await changedAfter(table, last, PORTION_ROWS);
      for (const { mailboxId } of page) if (!seen.has(mailboxId)) begin(mailboxId, now);
      last = page.at(-1) ?? last;
      if (page.length < PORTION_ROWS) return;
      await giveBack();
    }
  };
  const begin = (mailboxId: number, now: number) => seen.set(mailboxId, { at: now, since: clock(), told: false });

  /** The first of those that have waited for too long; of the others, whoever is pending no more is forgotten. */
  const late = async (now: number) => {
    const found: number[] = [];
    for (const old of portions(oldest(seen, now), PORTION_ROWS)) {
      const still = await stillPending(table, old);
      for (const id of old) {
        if (still.has(id)) found.push(id);
        else seen.delete(id);
      }
      if (found.length >= MOST_NOTED) break;
      await giveBack();
    }
    return found.slice(0, MOST_NOTED).flatMap((mailboxId) => {
      const one = seen.get(mailboxId);
      return one === undefined ? [] : [{ mailboxId, one }];
    });
  };

  return {
    /** A change of it has been worked off: what is pending still is another. */
    workedOff: (mailboxId: number, now: number): void => {
      if (seen.delete(mailboxId)) begin(mailboxId, now);
    },
    look: async (now: number): Promise<void> => {
      await takeNews(now);
      const those = await late(now);
      const fresh = those.filter(({ one }) => !one.told);
      for (const { one } of fresh) one.told = true;
      if (fresh.length > 0) {
        const since = fresh.map(({ one }) => one.since).sort()[0];
        log.error(
          { mailboxIds: fresh.slice(0, 20).map(({ mailboxId }) => mailboxId), count: fresh.length, since },
          `changes have not been worked off within ${LATE_MS / 1000} s: "mandat status" names them`,
        );
      }
      const text = JSON.stringify(those.map(({ mailboxId, one }): Overdue => ({ mailboxId, since: one.since })));
      if (text === noted) return; // no write, where nothing has changed
      await setFact(state, 'overdue', text);
      noted = text;
    },
  };
}

/** As many as there may be, they are read as far as they are old. */
function oldest(seen: ReadonlyMap<number, { readonly at: number }>, now: number): readonly number[] {
  const ids: number[] = [];
  for (const [id, { at }] of seen) {
    if (now - at <= LATE_MS || ids.length >= MOST_LOOKED_AT) break;
    ids.push(id);
  }
  return ids;
}

/** In one look: the next one goes on. */
const MOST_LOOKED_AT = 10_000;

async function stillPending(table: DelegationDb, ids: readonly number[]): Promise<ReadonlySet<number>> {
  const rows = await table.query.selectFrom('pending').select('mailbox_id').where('mailbox_id', 'in', ids).execute();
  return new Set(rows.map(({ mailbox_id }) => mailbox_id));
}

/** As the sidecar that runs has noted them. */
export async function overdueNoted(state: StateDb): Promise<readonly Overdue[]> {
  return (await jsonFact<readonly Overdue[]>(state, 'overdue')) ?? [];
}
