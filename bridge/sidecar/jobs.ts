/**
 * What the sidecar does beside its passes. Each job runs once at a time; what fails in it is said, and it is done again where nothing else
 * would call it.
 */
import type { Logger } from 'pino';
import type { Job } from '../health/pulse.ts';
import type { Signs } from '../health/signs.ts';
import { type Failure, failureOf } from '../shared/failure.ts';
import { oneAtATime } from '../shared/one-at-a-time.ts';

export interface JobsOptions {
  readonly log: Logger;
  readonly signs: Pick<Signs, 'job'>;
  /** Whether what a job works on is closed, or about to be: its failure counts for nothing then. */
  readonly ending: () => boolean;
  /** Where the delegation table was moved elsewhere. */
  readonly moved: (failure: Failure) => void;
  /** The same failure comes at each look, while a database is away: it is said once a minute then. */
  readonly seldom: boolean;
}

export interface Jobs {
  /** The job as a function that may be called at any moment. With a name it is one that health and metrics know. */
  serially(job: () => Promise<void>, name?: Job): () => Promise<void>;
  /** Whether the job has failed since this was asked last: it is forgotten with the answer. */
  takeUndone(name: Job): boolean;
}

/** How long the same failure isn't told again, in milliseconds. */
const TOLD_MS = 60_000;

export function openJobs({ log, signs, ending, moved, seldom }: JobsOptions): Jobs {
  const undone = new Set<Job>();
  const toldAt = new Map<string, number>();
  const toldLately = (message: string): boolean => {
    const now = performance.now();
    for (const [one, at] of toldAt) if (now - at > TOLD_MS) toldAt.delete(one);
    if (toldAt.has(message)) return true;
    toldAt.set(message, now);
    return false;
  };
  return {
    serially: (job, name) =>
      oneAtATime(name === undefined ? job : () => signs.job(name, job), (error) => {
        if (ending()) return;
        if (name !== undefined) undone.add(name);
        const failure = failureOf(error);
        if (failure.rule === 'MANDAT_MOVED') return moved(failure);
        const { code, message, hint } = failure;
        if (!seldom || !toldLately(message)) log.error({ code, hint }, message);
      }),
    takeUndone: (name) => undone.delete(name),
  };
}
