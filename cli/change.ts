/** Waiting for a grant or a revoke to take effect, and saying how it went and how long it took. */

import type { Written } from '../bridge/store/delegations.ts';
import type { Outcome } from '../bridge/store/outcomes.ts';
import { type Waited, waitForChange } from '../bridge/wait.ts';
import { EXIT, type ExitStatus, exitStatusOf } from './exit.ts';
import { sentence } from './runner.ts';
import type { Session } from './session.ts';
import { shownDuration } from './times.ts';

export interface Change {
  readonly verb: 'grant' | 'revoke';
  readonly mailbox: string;
  readonly delegate: string;
  readonly written: Written;
  /** performance.now() from before the write. */
  readonly began: number;
  /** Why a grant isn't in force although its row is there; undefined when it is, and for a revoke. */
  readonly withheld?: string | undefined;
}

export const DEFAULT_WAIT_S = 30;

const SAYS = {
  grant: { inForce: 'in force', verified: 'verified through his own eyes' },
  revoke: { inForce: 'access withdrawn', verified: 'verified: he sees nothing any more' },
} as const;

/** `wait`: seconds, or false for --no-wait. */
export async function followChange(session: Session, change: Change, wait: number | false): Promise<ExitStatus> {
  const { out, config } = session;
  const { verb, mailbox, delegate } = change;
  const did =
    verb === 'grant' ? `${mailbox} delegated to ${delegate}` : `${mailbox} no longer delegated to ${delegate}`;
  const subject = { mailbox, delegate };
  if (config.sessions === undefined) {
    out.warn(
      `mandat: [sessions] is not configured: sessions that ${delegate} has open ${verb === 'grant' ? 'will outlive a revoke' : 'outlive this revoke'}`,
    );
  }
  if (!session.sidecarRuns()) {
    out.result(
      { ...subject, saved: true, sidecar: false, inForceMs: null, verifiedMs: null },
      `${did}: saved. No sidecar is running: it takes effect when one does ("mandat run", or "mandat sync" once).`,
    );
    return EXIT.done;
  }
  if (wait === false) {
    out.result(
      { ...subject, saved: true, sidecar: true, inForceMs: null, verifiedMs: null },
      `${did}: saved, the sidecar is at it`,
    );
    return EXIT.done;
  }
  const waited = await session.state((state) =>
    waitForChange(state, change.written, change.began, wait * 1000, ({ failure }) => {
      if (failure !== undefined) out.warn(`mandat: not yet: ${failure.message}; it is being tried again`);
    }),
  );
  return told(session, change, did, waited, wait);
}

function told(session: Session, change: Change, did: string, waited: Waited, wait: number): ExitStatus {
  const { out } = session;
  const says = SAYS[change.verb];
  const { inForceMs, verifiedMs, outcome } = waited;
  const failure = failureFor(outcome, change.written.version);
  const lines = [did];
  if (change.withheld !== undefined && verifiedMs !== undefined) {
    const text = `${did}: saved, and not in force yet: ${change.withheld}`;
    out.result(
      { mailbox: change.mailbox, delegate: change.delegate, saved: true, sidecar: true, withheld: change.withheld },
      text,
    );
    return EXIT.done;
  }
  if (inForceMs !== undefined) lines.push(`  ${says.inForce} after ${shownDuration(inForceMs)}`);
  if (verifiedMs !== undefined) lines.push(`  ${says.verified} after ${shownDuration(verifiedMs)}`);
  const notices =
    verifiedMs === undefined ? [] : (outcome?.notices ?? []).filter(({ code }) => code !== 'no-session-cutting');
  for (const { message } of notices) out.warn(`mandat: ${message}`);
  const document = { mailbox: change.mailbox, delegate: change.delegate, saved: true, sidecar: true };
  const ms = { inForceMs: rounded(inForceMs), verifiedMs: rounded(verifiedMs), notices };
  if (verifiedMs !== undefined) {
    out.result({ ...document, ...ms }, lines.join('\n'));
    return EXIT.done;
  }
  out.result({ ...document, ...ms, failure: failure ?? null }, lines.join('\n'));
  if (failure === undefined) {
    out.warn(
      `mandat: saved, but not ${inForceMs === undefined ? says.inForce : 'verified'} after ${wait} s; the sidecar goes on: see "mandat status"`,
    );
    return EXIT.unreachable;
  }
  out.warn(
    sentence({
      message: `saved, but not done: ${failure.message}`,
      hint: `${failure.hint}${failure.hint ? '; ' : ''}the sidecar tries again: see "mandat status"`,
      rule: undefined,
    }),
  );
  return failure.code === 'retry' ? exitStatusOf('retry') : EXIT.failed;
}

function failureFor(outcome: Outcome | undefined, version: number): Outcome['failure'] {
  return outcome?.failure !== undefined && outcome.failure.version >= version ? outcome.failure : undefined;
}

const rounded = (ms: number | undefined) => (ms === undefined ? null : Math.round(ms));
