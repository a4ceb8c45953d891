/** Where no sidecar runs, a command that changed the table makes the passes itself, as `mandat sync MAILBOX` does: nobody else would. */
import { setTimeout as delay } from 'node:timers/promises';
import { seesState } from '../bridge/acting/site.ts';
import { type Failure, failureOf } from '../bridge/shared/failure.ts';
import type { SyncReport } from '../bridge/sidecar/sync.ts';
import { SYNC_AT_WORK } from '../bridge/store/files/lock.ts';
import { counted } from './output.ts';
import type { Session } from './session.ts';

export type OwnPass =
  | { readonly by: 'us'; readonly report: SyncReport }
  /** One has started meanwhile: it is to be waited for. */
  | { readonly by: 'sidecar' }
  /** What is missing for it. */
  | { readonly by: 'nobody'; readonly failure: Failure };

export const MADE_HERE = 'No sidecar is running: this command made the pass itself.';

/** Beside what such a pass could not do. */
export const NOBODY_GOES_ON =
  'no sidecar is running, so nobody tries again: "mandat sync" does once, "mandat run" as often as it takes';

/** How long another `sync` that is at work is waited for between two looks. */
const POLL_MS = 50;

/** Never fails: what was changed is saved already, and that is to be said whatever comes of the pass. `limitMs`: for another's to end. */
export async function passHere(
  session: Session,
  mailboxIds: readonly number[],
  limitMs: number,
  onProgress?: (done: number, of: number) => void,
): Promise<OwnPass> {
  const { syncOnce } = await import('../bridge/sidecar/sync.ts'); // the IMAP library takes its time to load, the log's too
  const { quietLog } = await import('./log.ts');
  const { config, writer } = session;
  const options = { mailboxIds, force: false, actor: writer.actor, onProgress };
  const until = performance.now() + limitMs;
  for (;;) {
    try {
      return { by: 'us', report: await syncOnce(config, process.env, quietLog(config), options) };
    } catch (error) {
      const failure = failureOf(error);
      if (failure.rule === 'MANDAT_RUNNING') return { by: 'sidecar' };
      if (failure.rule !== SYNC_AT_WORK || performance.now() > until) return { by: 'nobody', failure };
      await delay(POLL_MS);
    }
  }
}

/** Undefined for a user who may write to the table and may not see mandat's own files. */
export function sidecarSeen(session: Session): boolean | undefined {
  try {
    if (!session.sidecarRuns()) return false;
    return seesState(session.config, session.files) ? true : undefined;
  } catch {
    return undefined;
  }
}

export const NO_SIDECAR = 'No sidecar is running: it takes effect when one does ("mandat run", or "mandat sync" once).';

/** Of {@link sidecarSeen} where it doesn't know. */
export function unseen({ files }: Session): string {
  return `Whether a sidecar runs, this user may not see, nor make the pass: that takes root or the owner of ${files.privateDirectory}, who may read the secrets too. It takes effect when a sidecar runs.`;
}

/** `verified at 2 of 3 mailboxes`, and what went wrong at the third. */
export function passLines({ mailboxes, results }: SyncReport): {
  readonly line: string;
  readonly verified: number;
  readonly failures: readonly { readonly mailbox: string; readonly failure: Failure }[];
} {
  const failures = results.flatMap((one) =>
    one.kind === 'failed' ? [{ mailbox: one.address, failure: one.failure }] : [],
  );
  const verified = mailboxes - results.filter(({ kind }) => kind !== 'verified').length;
  const line = `  verified at ${verified} of ${counted(mailboxes, 'mailbox', 'mailboxes')}`;
  return { line, verified, failures };
}
