/** Waiting until the sidecar has brought a change about, as `grant` and `revoke` do. */
import { watch } from 'node:fs';
import type { Written } from './store/delegations.ts';
import { type Outcome, outcomeOf } from './store/outcomes.ts';
import type { StateDb } from './store/state-db.ts';

export interface Waited {
  /** Milliseconds from the beginning of the wait; undefined when it didn't come to that. */
  readonly inForceMs: number | undefined;
  readonly verifiedMs: number | undefined;
  readonly outcome: Outcome | undefined;
}

/** Looks this often where no file event comes. */
const POLL_MS = 20;

/**
 * Ends when the change is verified, when it has failed in a way that trying again won't mend, or after `limitMs`.
 * `began` is a performance.now() from before the write.
 */
export async function waitForChange(
  state: StateDb,
  change: Written,
  began: number,
  limitMs: number,
  onFailure: (outcome: Outcome) => void,
): Promise<Waited> {
  let inForceMs: number | undefined;
  let told = 0;
  const bell = openBell(`${state.file}-wal`);
  try {
    for (;;) {
      const outcome = await outcomeOf(state, change.mailboxId);
      const elapsed = performance.now() - began;
      if (outcome !== undefined) {
        if (inForceMs === undefined && outcome.inForceVersion >= change.version) inForceMs = elapsed;
        if (outcome.verifiedVersion >= change.version) return { inForceMs, verifiedMs: elapsed, outcome };
        const { failure } = outcome;
        if (failure !== undefined && failure.version >= change.version) {
          if (failure.code !== 'retry') return { inForceMs, verifiedMs: undefined, outcome };
          if (failure.attempts > told) onFailure(outcome);
          told = failure.attempts;
        }
      }
      if (elapsed > limitMs) return { inForceMs, verifiedMs: undefined, outcome };
      await bell.rung(POLL_MS);
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
