/** The thread that takes events (intake.ts). Started by hearing.ts, with which it talks in these messages. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Hint } from './hint.ts';
import { type Intake, type IntakeCounts, openIntake } from './intake.ts';

export interface ThreadData {
  readonly host: string;
  readonly port: number;
  readonly password: string;
}

export type ToThread =
  /** Answered by hints, when there are any: no more come before it is asked again. */
  | { readonly kind: 'more'; readonly most: number }
  | { readonly kind: 'password'; readonly password: string }
  | { readonly kind: 'own'; readonly at: string; readonly open: boolean }
  | { readonly kind: 'count' }
  | { readonly kind: 'close' };

export type FromThread =
  | { readonly kind: 'listening'; readonly port: number }
  | { readonly kind: 'hints'; readonly hints: readonly Hint[] }
  | { readonly kind: 'counts'; readonly counts: IntakeCounts }
  | { readonly kind: 'failed'; readonly message: string };

const say = (message: FromThread) => parentPort?.postMessage(message);

/** How many are asked for; 0: nobody has asked. */
let asked = 0;
let intake: Intake | undefined;

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
  if (message.kind === 'count' && intake !== undefined) say({ kind: 'counts', counts: intake.counts });
  if (message.kind === 'close') void intake?.close().then(() => parentPort?.close());
}

async function begin(data: ThreadData): Promise<void> {
  try {
    intake = await openIntake({ ...data, onHint: tell });
    parentPort?.on('message', hear);
    say({ kind: 'listening', port: intake.port });
  } catch (error) {
    say({ kind: 'failed', message: error instanceof Error ? error.message : String(error) });
  }
}

if (parentPort !== null) void begin(workerData as ThreadData);
