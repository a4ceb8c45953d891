/** What commands say and do while mandat is paused: what waits, and what goes through all the same. */

import { waitUntilTaken } from '../bridge/questions/wait-for-change.ts';
import { type Pause, paused, pausedFailure, pauseSentence, RESUME_HINT } from '../bridge/safeguards/pause.ts';
import { countPending } from '../bridge/store/table/rows.ts';
import { EXIT, type ExitStatus } from './exit.ts';
import { counted } from './output.ts';
import { passHere, sidecarSeen } from './own-pass.ts';
import { openWaiting } from './progress.ts';
import { sentence } from './runner.ts';
import type { Session } from './session.ts';
import { shownTime } from './times.ts';

/** Undefined where it isn't paused, and for a user who may not see mandat's own state. */
export async function pauseOf(session: Session): Promise<Pause | undefined> {
  return sidecarSeen(session) === undefined ? undefined : session.state((state) => paused(state));
}

/** As people read it, with what ends it. */
export function pausedText(session: Pick<Session, 'config'>, pause: Pause): string {
  return `${pauseSentence(pause, (at) => shownTime(at, session.config.policy.timezone))}. ${RESUME_HINT}`;
}

/** Beside a result that it bears on. */
export function warnOfPause(session: Session, pause: Pause | undefined): void {
  if (pause !== undefined) session.out.warn(`mandat: ${pausedText(session, pause)}`);
}

/** For what writes to the servers. Fails `refused`, before anything is written. */
export async function refuseWhilePaused(session: Session, what: string): Promise<void> {
  const pause = await pauseOf(session);
  if (pause !== undefined) throw pausedFailure(pause, `${what} would write to the servers`);
}

/** What of a change goes through meanwhile: what was taken by name, unless everything waits. */
export type Kind = 'gives' | 'takes';

export interface Meanwhile {
  /** Mailboxes from which what was taken by name is gone, as the delegates see it. */
  readonly taken: number;
  /** Said to people. */
  readonly text: string;
  readonly status: ExitStatus;
}

/**
 * A change is saved: instead of waiting for what doesn't come, it is said that it is paused. What was taken by name is waited for where that
 * goes through. `wait`: seconds, or false where nobody waits.
 */
export async function meanwhile(
  session: Session,
  pause: Pause,
  kind: Kind,
  mailboxIds: readonly number[],
  wait: number | false,
): Promise<Meanwhile> {
  const keeps = kind === 'takes' ? 'saved, but WHO HAS ACCESS KEEPS IT' : 'saved, and not in force';
  const text = `${keeps}: ${pausedText(session, pause)}`;
  if (kind === 'gives' || pause.all) return { taken: 0, text, status: wait === false ? EXIT.done : EXIT.failed };
  if (wait === false)
    return {
      taken: 0,
      text: `saved, and not waited for: a revoke goes through although ${pausedText(session, pause)}`,
      status: EXIT.done,
    };
  const left = await takenAway(session, mailboxIds, wait);
  const taken = mailboxIds.length - left.length;
  if (left.length === 0)
    return {
      taken,
      text: `taken away, nothing of it is left there, although ${pausedText(session, pause)}`,
      status: EXIT.done,
    };
  const at = counted(left.length, 'mailbox', 'mailboxes');
  return { taken, text: `saved, but not taken away yet at ${at}: "mandat status" shows why`, status: EXIT.unreachable };
}

async function takenAway(session: Session, mailboxIds: readonly number[], wait: number): Promise<readonly number[]> {
  const limitMs = wait * 1000;
  const waiting = openWaiting(session.out, 'waiting until it is taken away');
  const look = (ended?: () => boolean) =>
    session.table((table) => session.state((state) => waitUntilTaken(table, state, mailboxIds, limitMs, ended)));
  try {
    if (sidecarSeen(session) === true) return await look();
    const pass = await passHere(session, mailboxIds, limitMs);
    if (pass.by === 'nobody') session.out.warn(sentence(pass.failure));
    if (pass.by === 'us') {
      for (const one of pass.report.results)
        if (one.kind === 'failed')
          session.out.warn(sentence({ ...one.failure, message: `${one.address}: ${one.failure.message}` }));
    }
    return await look(pass.by === 'sidecar' ? undefined : () => true);
  } finally {
    waiting.end();
  }
}

/** How many mailboxes wait for it to end. */
export async function waitingForResume(session: Session): Promise<number> {
  return session.table(countPending);
}
