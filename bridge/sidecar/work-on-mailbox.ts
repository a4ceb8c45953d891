/**
 * One pass over one mailbox, as the schedule asks for it: what it need not look at itself is given away, its end is said in the log, and what
 * follows from it is the schedule's answer.
 */
import type { Logger } from 'pino';
import type { Signs } from '../health/signs.ts';
import type { Result } from '../reconcile/mailbox.ts';
import { failureOf } from '../shared/failure.ts';
import { giveBack } from '../shared/portions.ts';
import type { DelegatesHalf } from './delegates-half.ts';
import type { Engine, Half } from './engine.ts';
import type { Later } from './later.ts';
import type { openOverdue } from './overdue.ts';
import type { Next, Schedule, ScheduleOptions, Urgency } from './schedule.ts';
import type { Sweeping } from './sweeping.ts';

/** How long looks as delegates wait for passes that may leave more of them, in milliseconds. */
const TOGETHER_MS = 500;

export interface WorkOptions {
  readonly engine: Pick<Engine, 'work' | 'working' | 'changes'>;
  readonly log: Logger;
  readonly signs: Pick<Signs, 'pass'>;
  readonly schedule: () => Pick<Schedule, 'sizes'>;
  readonly sweeping: () => Sweeping;
  /** The delegates' half of many grants at once. */
  readonly many: () => DelegatesHalf;
  /** What is left for some minutes, because it was put right too often. */
  readonly later: () => Pick<Later, 'add'>;
  readonly overdue: Pick<ReturnType<typeof openOverdue>, 'workedOff'>;
  /** Of each pass that has come to an end. */
  readonly heard: (result: Result) => void;
  /** After each pass, whatever has become of it. */
  readonly over: () => void;
}

export function workOnMailbox(options: WorkOptions): ScheduleOptions['work'] {
  const { engine, log, signs, schedule, sweeping, many, later, overdue, heard, over } = options;

  /** What a pass need not do itself: of a sweep, and of many grants at once, delegates are looked at by person. */
  const halfOf = (mailboxId: number, urgency: Urgency | undefined): Half => {
    const [swept, granted] = [sweeping().half.take(mailboxId), many().take(mailboxId)];
    if (urgency === 'sweep') return { later: sweeping().waitsFor(mailboxId) };
    if (urgency === undefined || urgency === 'revoke') return {};
    const { rest, change } = schedule().sizes.queued;
    const others = rest + change > 0 || many().waiting > 0;
    const looked = swept ?? granted;
    // What was looked at and differs is mended now: two such mailboxes would wait for one another without end.
    return { looked, later: looked === undefined && others && !many().full };
  };
  /** Once no grant waits for what is left of it; what is in hand still has a moment to come along. */
  const lookAtMany = (waited = false) => {
    const { queued, inHand } = schedule().sizes;
    const { waiting, full, look } = many();
    if (waiting === 0 || (queued.rest + queued.change > 0 && !full)) return;
    if (full || waited || inHand <= 1) return void look();
    together ??= setTimeout(() => {
      together = undefined;
      lookAtMany(true);
    }, TOGETHER_MS);
    together.unref();
  };
  let together: NodeJS.Timeout | undefined;

  const nextAfter = (mailboxId: number, attempt: number, result: Result, ms: number, isSweep: boolean): Next => {
    if (result.kind === 'superseded') return 'again';
    if (result.kind === 'paused') return 'parked';
    if (result.kind === 'unseen') {
      (isSweep ? sweeping().half : many()).keep(result.unseen);
      return 'done';
    }
    const { address, version } = result;
    if (result.kind === 'in-force') {
      log.info({ address, version, ms }, 'in force; verified when others have had their turn');
      return 'rest';
    }
    if (result.kind === 'verified') {
      log.info({ address, version, ms, notices: result.notices }, 'verified');
      for (const message of result.drift ?? []) log.warn({ address }, message);
      if (result.againInMs !== undefined) later().add(mailboxId, result.againInMs);
      if (engine.changes.heldIn(mailboxId).size === 0) overdue.workedOff(mailboxId, performance.now());
      return 'done';
    }
    const { code, message, hint } = result.failure;
    log.error({ address, version, ms, attempt, code, hint }, message);
    if (code === 'internal') log.debug({ err: result.failure.cause }, 'internal failure');
    return result.retry;
  };

  return async (mailboxId, attempt, goOn) => {
    const began = performance.now();
    const isSweep = goOn.urgency === 'sweep';
    try {
      const half = halfOf(mailboxId, goOn.urgency);
      const pass = (login?: () => void) =>
        signs.pass(mailboxId, attempt, (own) => engine.work(mailboxId, attempt, goOn, half, { signs: own, login }));
      const result = await (isSweep ? sweeping().budget.spending(pass) : pass());
      heard(result);
      return nextAfter(mailboxId, attempt, result, Math.round(performance.now() - began), isSweep);
    } catch (error) {
      if (engine.working.isLost) return 'parked';
      // The database itself failed. Where it is the machine's doing, no trace of the program helps anybody.
      const { code, message, hint } = failureOf(error);
      const what = code === 'internal' ? { err: error } : { code, reason: message, hint };
      log.error({ mailboxId, ...what }, 'a pass could not be recorded');
      return 'retry';
    } finally {
      over();
      sweeping().worked(mailboxId);
      lookAtMany();
      await giveBack(); // a pass that had nothing to ask a server was one turn of the loop so far
    }
  };
}
