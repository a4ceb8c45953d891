/** The thread that takes events (intake.ts). Started by hearing.ts, with which it talks in these messages. */
import { parentPort, workerData } from 'node:worker_threads';
import { type MonthNote, openTracing, type TraceCounts, type TraceSettings, type Tracing } from '../trace/tracing.ts';
import type { Naming } from '../trace/whose-folder.ts';
import type { Hint } from './hint.ts';
import { type Intake, type IntakeCounts, openIntake } from './intake.ts';
import { type Following, followLog } from './log/follow-log.ts';
import type { LogCounts } from './log/log-reader.ts';

export interface ThreadData {
  readonly host: string;
  readonly port: number;
  readonly password: string;
  /** A log that is read too. */
  readonly log: string | undefined;
  /** Undefined: nothing is traced. */
  readonly trace: TraceSettings | undefined;
}

export type ToThread =
  /** Answered by hints, when there are any: no more come before it is asked again. */
  | { readonly kind: 'more'; readonly most: number }
  | { readonly kind: 'password'; readonly password: string }
  | { readonly kind: 'own'; readonly at: string; readonly open: boolean }
  | { readonly kind: 'naming'; readonly naming: Naming }
  /** That note stands in the audit trail now. */
  | { readonly kind: 'noted'; readonly id: number }
  | { readonly kind: 'count' }
  | { readonly kind: 'close' };

export type FromThread =
  | { readonly kind: 'listening'; readonly port: number }
  /** How the log can be read; undefined: it can. */
  | { readonly kind: 'log'; readonly trouble: string | undefined }
  | { readonly kind: 'hints'; readonly hints: readonly Hint[] }
  | {
      readonly kind: 'counts';
      readonly counts: IntakeCounts;
      readonly log: LogCounts | undefined;
      readonly trace: TraceCounts | undefined;
    }
  /** For the audit trail; answered when it stands there. */
  | { readonly kind: 'note'; readonly id: number; readonly note: MonthNote }
  | { readonly kind: 'failed'; readonly message: string };

const say = (message: FromThread) => parentPort?.postMessage(message);

/** How many are asked for; 0: nobody has asked. */
let asked = 0;
let intake: Intake | undefined;
let tracing: Tracing | undefined;
let following: Following | undefined;
let notes = 0;
/** Who waits for a note to stand in the audit trail. */
const unanswered = new Map<number, () => void>();

function note(what: MonthNote): Promise<void> {
  const id = notes++;
  say({ kind: 'note', id, note: what });
  return new Promise((resolve) => void unanswered.set(id, resolve));
}

function tell(): void {
  if (asked === 0 || intake === undefined || intake.waiting === 0) return;
  const hints = intake.hints(asked);
  asked = 0;
  say({ kind: 'hints', hints });
}

function hear(message: ToThread): void {
  if (message.kind === 'more') {
    asked = message.most;
    tell();
  }
  if (message.kind === 'password') intake?.setPassword(message.password);
  if (message.kind === 'own') intake?.own(message.at, message.open);
  if (message.kind === 'naming') tracing?.setNaming(message.naming);
  if (message.kind === 'noted') {
    unanswered.get(message.id)?.();
    unanswered.delete(message.id);
  }
  if (message.kind === 'count' && intake !== undefined) {
    say({ kind: 'counts', counts: intake.counts, log: following?.counts, trace: tracing?.counts });
  }
  if (message.kind === 'close') void close();
}

/** What has been taken is kept; then nothing holds the thread any more. */
async function close(): Promise<void> {
  await intake?.close();
  following?.close();
  await tracing?.close();
  parentPort?.close();
}

/** What a log tells that is older says nothing of how things are now, and whoever starts sweeps. */
const NEWS_MS = 60_000;

function follow(log: string, { isOurs, hear }: Intake, tracing: Tracing | undefined): Following {
  const sink = tracing?.sink('log', isOurs);
  return followLog({
    log,
    position: () => sink?.position(),
    keep: sink === undefined ? undefined : sink.keep,
    recall: (login) => sink?.recall(login),
    hear: (events) => {
      for (const event of events) if (event.at > Date.now() - NEWS_MS) hear(event);
    },
    say: (trouble) => say({ kind: 'log', trouble }),
  });
}

async function begin(data: ThreadData): Promise<void> {
  try {
    tracing = data.trace && openTracing({ ...data.trace, note });
    intake = await openIntake({ ...data, takers: tracing === undefined ? [] : [tracing.take], onHint: tell });
    if (data.log !== undefined) following = follow(data.log, intake, tracing);
    parentPort?.on('message', hear);
    say({ kind: 'listening', port: intake.port });
  } catch (error) {
    say({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
  }
}

if (parentPort !== null) void begin(workerData as ThreadData);
