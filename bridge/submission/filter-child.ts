/**
 * The submission filter in a process of its own, started and watched by the sidecar: a message that keeps the filter busy keeps no revoke
 * waiting, nor a sweep the messages. They share the databases, and a channel on which each notices when the other is gone.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import os from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { Failure, type FailureCode, failureOf } from '../shared/failure.ts';
import { retryDelay } from '../sidecar/schedule.ts';
import type { StateDb } from '../store/state/state-db.ts';
import { type FilterName, type FilterTrouble, isThere, lastFilter, setFilterTrouble } from './last-filter.ts';

/** What the child says of itself. */
export type FromFilter =
  | { readonly kind: 'listening' }
  | { readonly kind: 'reread' }
  /** It can't start, or can't use the configuration that it was to reread. */
  | { readonly kind: 'failed'; readonly code: FailureCode; readonly message: string; readonly hint: string };

/** What it hears: read the configuration anew. */
export type ToFilter = 'reread';

export interface FilterChild {
  /** It rereads its configuration. Rejects where it can't be used, or it doesn't answer. */
  reread(): Promise<void>;
  /** Messages in hand are finished. */
  stop(): Promise<void>;
}

export interface FilterProgram {
  /** A program and its arguments: node, and what makes it `mandat filter`. */
  readonly command: readonly string[];
  /** Mandat's own state. Opened for the moment: a file may have been replaced since the last time (replaced-files.ts). */
  readonly openState: () => Promise<StateDb>;
  /** What it is called, where several work on one database. */
  readonly name?: FilterName;
  readonly log: Logger;
  readonly patience?: Patience;
}

export interface Patience {
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
  /** How long a start, a reading of the configuration and an end may take. */
  readonly answerMs: number;
}

const PATIENCE: Patience = { retryMinMs: 1000, retryMaxMs: 60_000, answerMs: 15_000 };

/** Each attempt to start it is given twice the time of the one before, so many times: one that is always late would never come. */
const LONGER = 3;

/**
 * Resolves when it takes messages, or is so late, or killed, that it is tried again beside all else: access waits for no messages. Rejects when
 * it can't be started: then there is none.
 */
export async function startFilterChild(program: FilterProgram): Promise<FilterChild> {
  const { log, patience = PATIENCE } = program;
  let stopping = false;
  let attempt = 0;
  let again: NodeJS.Timeout | undefined;
  let child: ChildProcess | undefined;
  /** One that doesn't listen yet. */
  let starting: ChildProcess | undefined;

  const start = async () => {
    await endOrphan(program, patience);
    if (stopping) return;
    const answerMs = patience.answerMs * 2 ** Math.min(attempt, LONGER);
    const begun = await startOne(program, answerMs, (one) => {
      starting = one;
    }).finally(() => {
      starting = undefined;
    });
    child = begun;
    const since = performance.now();
    begun.once('exit', (status, signal) => {
      child = undefined;
      if (stopping) return;
      if (performance.now() - since > patience.retryMaxMs) attempt = 0;
      void tryAgain(`it ended with ${signal ?? `status ${status}`}`);
    });
    await noteTrouble(program, undefined);
    if (begun.exitCode !== null || begun.signalCode !== null) log.debug('the submission filter has ended at once');
  };
  const tryAgain = async (why: string) => {
    const ms = retryDelay(++attempt, patience.retryMinMs, patience.retryMaxMs);
    log.error({ againInMs: ms }, `the submission filter is not running: ${why}`);
    again = setTimeout(() => {
      start().catch((error: unknown) => {
        if (!stopping) void tryAgain(error instanceof Hindered ? error.why : failureOf(error).message);
      });
    }, ms);
    const now = Date.now();
    await noteTrouble(program, {
      at: new Date(now).toISOString(),
      message: why,
      againAt: new Date(now + ms).toISOString(),
    });
  };

  await start().catch(async (error: unknown) => {
    if (!(error instanceof Hindered)) throw error;
    await tryAgain(error.why);
  });
  return {
    reread: async () => {
      if (child === undefined) return; // the next one reads it anyway
      child.send('reread' satisfies ToFilter);
      await answerOf(child, 'reread', patience.answerMs);
    },
    stop: async () => {
      stopping = true;
      clearTimeout(again);
      const there = child ?? starting;
      if (there !== undefined) await end(there, patience.answerMs);
    },
  };
}

/** As `nice` has it: where the processors don't suffice for all, revokes go before messages. */
const NICE = 5;

/** `spawned`: told of it before it listens. */
async function startOne(
  { command: [file = '', ...args], log }: FilterProgram,
  answerMs: number,
  spawned: (child: ChildProcess) => void,
) {
  const child = spawn(file, args, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  spawned(child);
  try {
    if (child.pid !== undefined) os.setPriority(child.pid, NICE);
  } catch {
    // It isn't allowed here, or the child is gone already, which shows below.
  }
  child.on('error', ({ message }) => log.debug({ err: message }, 'the submission filter could not be reached')); // its exit says the rest
  try {
    await answerOf(child, 'listening', answerMs);
    return child;
  } catch (error) {
    await end(child, answerMs);
    throw error;
  }
}

/** Too much is to be done here, perhaps, or somebody has killed it, as the system does for want of memory: that is no reason to end. */
class Hindered extends Failure {
  readonly why: string;
  constructor(why: string, hint: string) {
    super('retry', `the submission filter: ${why}`, hint);
    this.why = why;
  }
}

/** Rejects when it says that it failed, ends, or says nothing in time. */
function answerOf(child: ChildProcess, wanted: FromFilter['kind'], answerMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const failed = (code: FailureCode, message: string, hint: string) =>
      over(() => reject(new Failure(code, `the submission filter ${message}`, hint)));
    const heard = (said: FromFilter) => {
      if (said.kind === wanted) over(resolve);
      else if (said.kind === 'failed') failed(said.code, `says: ${said.message}`, said.hint);
    };
    const gone = (status: number | null, signal: string | null) => {
      const how = () =>
        signal === null
          ? failed('retry', `ended with status ${status}`, 'its log says why')
          : over(() => reject(new Hindered(`it ended with ${signal}`, 'its log says why')));
      if (child.connected)
        child.once('disconnect', how); // it may have said why
      else how();
    };
    const broken = ({ message }: Error) => failed('retry', `could not be started: ${message}`, '');
    const timer = setTimeout(
      () =>
        over(() => reject(new Hindered(`it has not answered in ${answerMs / 1000} s`, 'it may have too much to do'))),
      answerMs,
    );
    const over = (then: () => void) => {
      clearTimeout(timer);
      child.off('message', heard).off('exit', gone).off('error', broken);
      then();
    };
    child.on('message', heard).on('exit', gone).on('error', broken);
  });
}

/** What takes too long is killed: its messages are sent again by who has them still. */
async function end(child: ChildProcess, limitMs: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), limitMs);
  await ended;
  clearTimeout(late);
}

/** One whose sidecar was killed ends by itself, unless it is too busy to notice. There is one sidecar only, so it can't be another's. */
async function endOrphan({ openState, log, name }: FilterProgram, { answerMs }: Patience): Promise<void> {
  const last = await withState(openState, (state) => lastFilter(state, name));
  if (last === undefined || !last.child || last.pid === process.pid || !isThere(last)) return;
  log.warn({ pid: last.pid }, 'a submission filter whose sidecar is gone is still there: waiting for its end');
  const began = performance.now();
  for (let waited = 0; isThere(last) && waited < 2 * answerMs; waited = performance.now() - began) {
    if (waited > answerMs) process.kill(last.pid, 'SIGKILL');
    await delay(50);
  }
}

async function noteTrouble({ openState, log }: FilterProgram, trouble: FilterTrouble | undefined): Promise<void> {
  await withState(openState, (state) => setFilterTrouble(state, trouble)).catch((error: unknown) =>
    log.warn({ reason: failureOf(error).message }, 'it could not be noted for "mandat status"'),
  );
}

async function withState<T>(openState: FilterProgram['openState'], work: (state: StateDb) => Promise<T>): Promise<T> {
  const state = await openState();
  try {
    return await work(state);
  } finally {
    await state.close();
  }
}
