/** Waiting until the sidecar has brought a change about, as `grant` and `revoke` do. */

import { watch } from 'node:fs';
import { takenByName } from '../safeguards/pause.ts';
import { pairsOf } from '../store/state/ledger-pairs.ts';
import { type Outcome, outcomeOf, outcomesOf } from '../store/state/outcomes.ts';
import type { StateDb } from '../store/state/state-db.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';
import type { Written } from '../store/table/delegations.ts';

export interface Waited {
  /** Milliseconds from the beginning of the wait; undefined when it didn't come to that. */
  readonly inForceMs: number | undefined;
  readonly verifiedMs: number | undefined;
  readonly outcome: Outcome | undefined;
}

/** Looks this often where no file event comes. */
const POLL_MS = 20;

/**
 * Ends when the change is verified, when it has failed in a way that trying again won't mend, after `limitMs`, or when `ended` says that
 * nobody is at work on it any more. `began` is a performance.now() from before the write. `onFailure` hears of each attempt that failed
 * and is made again. `newcomer`: the login to which something is given, which counts as in force only where it was given to them, since one
 * whose login can't be proven keeps the others of the mailbox from nothing.
 */
export async function waitForChange(
  state: StateDb,
  change: Written,
  began: number,
  limitMs: number,
  onFailure: (outcome: Outcome) => void,
  ended: () => boolean = () => false,
  newcomer?: string,
  /** Whose sidecar brings it about. */
  server = state.server,
): Promise<Waited> {
  let inForceMs: number | undefined;
  let told = 0;
  const bell = openBell(`${state.file}-wal`);
  try {
    for (;;) {
      const over = ended(); // before the look: what was done until then is seen
      const outcome = await outcomeOf(state, change.mailboxId, server);
      const elapsed = performance.now() - began;
      if (outcome !== undefined) {
        const decided = inForceMs === undefined && outcome.inForceVersion >= change.version;
        const verified = outcome.verifiedVersion >= change.version;
        if (
          decided &&
          (verified || newcomer === undefined || (await stands(state, change.mailboxId, newcomer, server)))
        ) {
          inForceMs = elapsed;
        }
        if (verified) return { inForceMs, verifiedMs: elapsed, outcome };
        const { failure } = outcome;
        if (failure !== undefined && failure.version >= change.version) {
          if (failure.code !== 'retry') return { inForceMs, verifiedMs: undefined, outcome };
          if (failure.attempts > told) onFailure(outcome);
          told = failure.attempts;
        }
      }
      if (over || elapsed > limitMs) return { inForceMs, verifiedMs: undefined, outcome };
      await bell.rung(POLL_MS);
    }
  } finally {
    bell.close();
  }
}

/** Whether this login has it by the ledger. */
export async function stands(state: StateDb, mailboxId: number, login: string, server: string): Promise<boolean> {
  const pairs = await pairsOf(state, mailboxId, server);
  return pairs.some((pair) => pair.login === login && (pair.phase === 'in-force' || pair.phase === 'verified'));
}

export interface WaitedForAll {
  readonly verified: readonly Outcome[];
  /** Of those that aren't verified, what went wrong last. One that nothing is known of stands in neither. */
  readonly failed: readonly Outcome[];
}

export interface Patience {
  /** `verified`: what trying again may mend is waited for. `tried`: the first attempt is enough. */
  readonly until: 'verified' | 'tried';
  readonly limitMs: number;
  /** A performance.now() that the limit counts from; undefined: from the last mailbox that came to its end. */
  readonly began?: number;
}

/** The same for many mailboxes: `onProgress` hears of each that is verified. Ends when all have come to an end, or at the limit. */
export async function waitForAll(
  state: StateDb,
  changes: readonly Written[],
  { until, limitMs, began }: Patience,
  onProgress: (verified: number, of: number) => void = () => {},
): Promise<WaitedForAll> {
  const waiting = new Map(changes.map(({ mailboxId, version }) => [mailboxId, version]));
  const verified: Outcome[] = [];
  let ended = 0;
  let news = performance.now();
  const bell = openBell(`${state.file}-wal`);
  try {
    for (;;) {
      const failed: Outcome[] = [];
      for (const outcome of await outcomesOf(state, [...waiting.keys()])) {
        const version = waiting.get(outcome.mailboxId);
        if (version === undefined) continue;
        if (outcome.verifiedVersion >= version) {
          waiting.delete(outcome.mailboxId);
          verified.push(outcome);
          onProgress(verified.length, changes.length);
        } else if (outcome.failure !== undefined && outcome.failure.version >= version) failed.push(outcome);
      }
      const final = failed.filter(({ failure }) => until === 'tried' || failure?.code !== 'retry').length;
      if (verified.length + final > ended) news = performance.now();
      ended = verified.length + final;
      if (waiting.size === final || performance.now() - (began ?? news) > limitMs) return { verified, failed };
      await bell.rung(POLL_MS * 5);
    }
  } finally {
    bell.close();
  }
}

/**
 * While it is paused, when no mailbox counts as verified: until nobody is left in these from whom it was taken by name, or `limitMs` is over,
 * or nobody is at work on it any more. Returns those that are left.
 */
export async function waitUntilTaken(
  table: DelegationDb,
  state: StateDb,
  mailboxIds: readonly number[],
  limitMs: number,
  ended: () => boolean = () => false,
): Promise<readonly number[]> {
  const until = performance.now() + limitMs;
  const bell = openBell(`${state.file}-wal`);
  try {
    for (let left = [...mailboxIds]; ; ) {
      const over = ended() || performance.now() > until; // before the look: what was done until then is seen
      const still: number[] = [];
      for (const id of left) if ((await takenByName(table, state, id)).size > 0) still.push(id);
      left = still;
      if (left.length === 0 || over) return left;
      await bell.rung(POLL_MS * 5);
    }
  } finally {
    bell.close();
  }
}

function openBell(file: string): { rung(limitMs: number): Promise<void>; close(): void } {
  let ring: () => void = () => {};
  let watcher: ReturnType<typeof watch> | undefined;
  try {
    watcher = watch(file, () => ring()).on('error', () => {});
  } catch {
    // no file events here: the limit of each wait is the poll
  }
  return {
    rung: (limitMs) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, limitMs);
        ring = () => {
          clearTimeout(timer);
          setTimeout(resolve, 1); // the event comes before the commit is visible
        };
      }),
    close: () => watcher?.close(),
  };
}
