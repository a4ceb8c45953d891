/** What passes tell: counted, timed, and whether a mailbox was found otherwise than it had been left. */
import type { Result } from '../reconcile/mailbox.ts';
import type { AuditedOutcome, Said } from '../reconcile/site.ts';
import type { Step } from '../reconcile/steps.ts';
import { type Outcome, outcomeOf } from '../store/state/outcomes.ts';
import { committedAt } from './latency.ts';
import type { Figures } from './registry.ts';
import type { Sight } from './sight.ts';

/** Of one pass that is at work. */
interface Tally {
  /** Entries and sender rules written or taken away. */
  corrections: number;
  /** Drift that is left as it was found. */
  left: number;
  /** Somebody has come, or gone: what was written is no drift. */
  moved: boolean;
}

const CORRECTIONS: readonly Step['kind'][] = ['set-entry', 'delete-entry', 'publish', 'withdraw'];
const MOVES: readonly Said['action'][] = ['in-force', 'verified', 'withdrawn', 'ended'] satisfies AuditedOutcome[];

export interface Passes {
  /** `work` tells what it does to the counts of this pass. */
  measured(
    sight: Sight,
    mailboxId: number,
    attempt: number,
    work: (counts: Counts) => Promise<Result>,
  ): Promise<Result>;
  /** What is done by nobody's pass. */
  readonly beside: Counts;
}

export interface Counts {
  step(step: Step): void;
  said(lines: readonly Said[]): void;
}

/** `failed`: hears of what could not be measured. */
export function countPasses(figures: Figures, failed: (error: unknown) => void): Passes {
  /** Mailboxes that were found otherwise and not seen right since. */
  const drifted = new Set<number>();

  const drift = async (sight: Sight, before: Outcome | undefined, { mailboxId, result, tally }: Ended) => {
    if (result.kind === 'superseded' || tally.moved) return;
    if (tally.left > 0 && tally.corrections === 0) figures.count('mandat_drift_found_total');
    if (tally.corrections > 0 && before !== undefined && (await unchanged(sight, before, result.version))) {
      figures.count('mandat_drift_found_total');
      drifted.add(mailboxId);
    }
    if (result.kind === 'verified' && drifted.delete(mailboxId)) figures.count('mandat_drift_repaired_total');
  };
  /** The version moves without a change too: where a command has asked for a look. */
  const unchanged = async (
    { table, state }: Sight,
    { mailboxId, address, verifiedAt, verifiedVersion }: Outcome,
    version: number,
  ) =>
    verifiedAt !== null &&
    (verifiedVersion === version ||
      (await committedAt(table, state, { mailboxId, address, after: verifiedAt })) === undefined);

  const latency = async ({ table, state }: Sight, before: Outcome | undefined, mailboxId: number) => {
    const after = await outcomeOf(state, mailboxId);
    if (after === undefined) return;
    const { address } = after;
    const since = async (moment: string | null | undefined) =>
      Date.parse((await committedAt(table, state, { mailboxId, address, after: moment ?? null })) ?? '');
    const seen = [
      [
        'mandat_commit_to_in_force_seconds',
        after.inForceVersion > (before?.inForceVersion ?? 0),
        before?.inForceAt,
        after.inForceAt,
      ],
      [
        'mandat_commit_to_verified_seconds',
        after.verifiedVersion > (before?.verifiedVersion ?? 0),
        before?.verifiedAt,
        after.verifiedAt,
      ],
    ] as const;
    for (const [name, moved, from, to] of seen) {
      const ms = moved ? Date.parse(to ?? '') - (await since(from)) : Number.NaN;
      if (!Number.isNaN(ms)) figures.observe(name, ms / 1000);
    }
  };

  const counts = (tally: Tally | undefined): Counts => ({
    step: (step) => {
      figures.count('mandat_server_changes_total', { kind: step.kind });
      if (step.kind === 'cut') figures.count('mandat_session_cuts_total');
      if (tally !== undefined && CORRECTIONS.includes(step.kind)) tally.corrections++;
    },
    said: (lines) => {
      const left = lines.filter(({ action }) => action === 'drift-left').length;
      for (let n = 0; n < left; n++) figures.count('mandat_drift_reported_total');
      if (tally === undefined) return;
      tally.left += left;
      if (lines.some(({ action }) => MOVES.includes(action))) tally.moved = true;
    },
  });

  return {
    measured: async (sight, mailboxId, attempt, work) => {
      const tally: Tally = { corrections: 0, left: 0, moved: false };
      const before = await outcomeOf(sight.state, mailboxId).catch(() => undefined);
      const began = performance.now();
      const result = await work(counts(tally));
      figures.count('mandat_passes_total', {
        outcome: result.kind,
        code: result.kind === 'failed' ? result.failure.code : 'none',
      });
      figures.observe('mandat_pass_duration_seconds', (performance.now() - began) / 1000);
      if (attempt > 1) figures.count('mandat_retries_total');
      // Nobody waits for these.
      void drift(sight, before, { mailboxId, result, tally }).catch(failed);
      if (result.kind !== 'superseded') void latency(sight, before, mailboxId).catch(failed);
      return result;
    },
    beside: counts(undefined),
  };
}

interface Ended {
  readonly mailboxId: number;
  readonly result: Result;
  readonly tally: Tally;
}
