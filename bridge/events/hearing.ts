/**
 * The sidecar's ear: starts the thread that takes events (intake-thread.ts), asks it for hints a few at a time, and keeps it going. What it
 * says is worth a look; what it could not say, because it was down or had too much, is found by a sweep.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import type { Logger } from 'pino';
import type { Mistake } from '../../config/mistake.ts';
import type { Config } from '../../config/schema.ts';
import { EVENTS_PASSWORD } from '../../config/secret.ts';
import type { Environment } from '../configured/drivers.ts';
import { type KeptSecret, keptSecret } from '../configured/secrets.ts';
import { followConnections } from '../imap/own-connections.ts';
import { failureOf } from '../shared/failure.ts';
import { retryDelay } from '../sidecar/schedule.ts';
import type { MonthNote, TraceCounts, TraceSettings } from '../trace/tracing.ts';
import type { Naming } from '../trace/whose-folder.ts';
import type { Hint } from './hint.ts';
import type { IntakeCounts } from './intake.ts';
import type { FromThread, ThreadData, ToThread } from './intake-thread.ts';
import type { LogCounts } from './log/log-reader.ts';

export interface HearingOptions {
  readonly config: Pick<Config, 'events'>;
  readonly env: Environment;
  readonly log: Logger;
  /** Asked for the next ones when it has resolved. Must not reject. */
  readonly hear: (hints: readonly Hint[]) => Promise<void>;
  /** Something may have happened that nobody heard of. */
  readonly missed: () => void;
  /** What has come since the start, every two seconds; undefined while nobody listens. */
  readonly counted?: (counts: IntakeCounts | undefined) => void;
  /** Undefined: nothing is traced. */
  readonly trace?: TraceKeeping | undefined;
  /** The thread's program. Default: as it was built, or its source. */
  readonly program?: string;
}

/** What the trace needs of the sidecar. */
export interface TraceKeeping {
  /** Asked at each start of the thread. */
  readonly settings: () => TraceSettings;
  /** Into the audit trail. */
  readonly note: (what: MonthNote) => Promise<void>;
  /** How it goes, every two seconds. */
  readonly counted: (counts: TraceCounts) => void;
}

export interface Hearing {
  /** How the server names owners' folders to others, as it has just been learnt. */
  setNaming(naming: Naming): void;
  close(): Promise<void>;
}

/** Hints that are looked into at a time, and how long after that come the next: each costs a question or two to the ledger. */
const PORTION = 20;
const BREATH_MS = 50;
const COUNT_MS = 2000;
const RETRY_MIN_MS = 1000;
const RETRY_MAX_MS = 60_000;
const CLOSING_MS = 2000;
/** In MiB: what a flood makes of the thread ends the thread, not the sidecar. */
const MOST_MEMORY = 128;

export async function openHearing(options: HearingOptions): Promise<Hearing> {
  const { config, env, log, hear, missed, trace, program = threadProgram() } = options;
  const { events } = config;
  if (events === undefined) return { setNaming: () => {}, close: async () => {} };
  const { listen, log: read } = events;
  const isOff = listen === 'off';
  const from = isOff ? { log: read } : { listen, ...(read !== undefined && { log: read }) };
  let secret: KeptSecret | undefined;
  let password = '';
  let current: Worker | undefined;
  let closed = false;
  let attempt = 0;
  let again: NodeJS.Timeout | undefined;
  let trouble: string | undefined;
  let counts: IntakeCounts | undefined;
  let logCounts: LogCounts | undefined;
  let logTrouble: string | undefined;

  const tell = (message: ToThread) => current?.postMessage(message);
  const down = (why: string) => {
    current = undefined;
    if (closed) return;
    const ms = retryDelay(++attempt, RETRY_MIN_MS, RETRY_MAX_MS);
    if (trouble !== why)
      log.error({ ...from, againInMs: ms }, `no events are taken: ${why}; sweeps find what they would have told`);
    trouble = why;
    again = setTimeout(start, ms);
    options.counted?.(undefined);
  };
  const counted = (next: IntakeCounts) => {
    const lost = next.dropped - (counts?.dropped ?? 0);
    if (lost > 0) {
      log.warn({ lost }, 'more hints came by events than could be kept: a sweep finds what they were about');
      missed();
    }
    counts = next;
    options.counted?.(next);
  };
  const logCounted = (next: LogCounts) => {
    const lost = next.lost - (logCounts?.lost ?? 0);
    if (lost > 0) {
      log.error(
        { log: read },
        'the log of events was taken away before it was read to its end: what stood there may be lost',
      );
      missed();
    }
    logCounts = next;
  };
  const listening = () => {
    log.info(from, 'taking events');
    if (attempt > 0) missed();
    attempt = 0;
    trouble = undefined;
    counts = undefined;
    logCounts = undefined;
    tell({ kind: 'count' });
    tell({ kind: 'more', most: PORTION });
  };
  const handle = (message: FromThread, worker: Worker) => {
    if (message.kind === 'listening') listening();
    if (message.kind === 'counts') {
      counted(message.counts);
      if (message.log !== undefined) logCounted(message.log);
      if (message.trace !== undefined)
        trace?.counted({ ...message.trace, trouble: message.trace.trouble ?? logTrouble ?? null });
    }
    if (message.kind === 'log') {
      logTrouble = message.trouble;
      if (logTrouble === undefined) log.info({ log: read }, 'the log of events is read');
      else log.error({ log: read, trouble: logTrouble }, 'the log of events is in trouble');
    }
    if (message.kind === 'note') {
      const { id, note } = message;
      void trace?.note(note).then(
        () => worker.postMessage({ kind: 'noted', id } satisfies ToThread),
        (error: unknown) =>
          log.error({ reason: failureOf(error).message }, 'what became of the trace could not be noted'),
      );
    }
    if (message.kind === 'hints') {
      void hear(message.hints)
        .then(() => delay(BREATH_MS))
        .then(() => worker === current && tell({ kind: 'more', most: PORTION }));
    }
    if (message.kind === 'failed') {
      worker.removeAllListeners('exit');
      void worker.terminate();
      down(`can't listen on ${listen}: ${message.message}`);
    }
  };
  const start = () => {
    try {
      secret = isOff ? undefined : keptSecret({ ...EVENTS_PASSWORD, file: events.passwordFile, env });
      password = secret?.read() ?? '';
    } catch (error) {
      return down(mistakeOf(error).message);
    }
    const [, host = '', port = ''] = /^(.*):(\d+)$/.exec(listen) ?? [];
    const worker = new Worker(program, {
      workerData: { host, port: Number(port), password, log: read, trace: trace?.settings() } satisfies ThreadData,
      execArgv: program.endsWith('.ts') ? ['--import', 'tsx'] : [],
      env: {},
      resourceLimits: { maxOldGenerationSizeMb: MOST_MEMORY },
    });
    worker.unref();
    worker.on('message', (message: FromThread) => handle(message, worker));
    worker.on('error', (error) => log.error({ reason: error.message }, 'the thread that takes events has failed'));
    worker.on('exit', () => worker === current && down('the thread that takes them has ended'));
    current = worker;
  };

  start();
  const unfollow = followConnections((at, open) => tell({ kind: 'own', at, open }));
  /** A file that can't be read just now leaves what was known. */
  const rereadPassword = () => {
    try {
      const next = secret?.read() ?? password;
      if (next !== password) tell({ kind: 'password', password: next });
      password = next;
    } catch (error) {
      log.error(
        { reason: failureOf(error).message },
        'the password of the events can not be read: the one before counts',
      );
    }
  };
  const counting = setInterval(() => {
    tell({ kind: 'count' });
    rereadPassword();
  }, COUNT_MS);
  counting.unref();
  return {
    setNaming: (naming) => tell({ kind: 'naming', naming }),
    close: async () => {
      closed = true;
      clearTimeout(again);
      clearInterval(counting);
      unfollow();
      const worker = current;
      if (worker === undefined) return;
      const ended = new Promise((resolve) => worker.once('exit', resolve));
      tell({ kind: 'close' });
      await Promise.race([ended, delay(CLOSING_MS)]);
      await worker.terminate();
    },
  };
}

/** Beside the program where it is bundled (.ci/bundle.ts), else its source. */
function threadProgram(): string {
  const bundled = join(import.meta.dirname, 'intake-thread.js');
  return existsSync(bundled) ? bundled : join(import.meta.dirname, 'intake-thread.ts');
}

/** Of a secret that can't be used: the mistake itself, in one line. */
function mistakeOf(error: unknown): { readonly message: string } {
  const [mistake] = (error as { readonly mistakes?: readonly Mistake[] }).mistakes ?? [];
  return mistake ?? failureOf(error);
}
