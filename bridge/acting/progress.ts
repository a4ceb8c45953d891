/**
 * What has become of a change, one look at a time: whether it waits, is in force, is verified, by what the sidecar has noted of it. Pages and
 * programs look again; a command waits (bridge/questions/wait-for-change.ts).
 */

import { stands } from '../questions/wait-for-change.ts';
import { paused } from '../safeguards/pause.ts';
import type { FailureCode } from '../shared/failure.ts';
import { type Notice, outcomeOf } from '../store/state/outcomes.ts';
import { delegateNamed } from '../store/table/delegates.ts';
import { rowOf } from '../store/table/delegations.ts';
import { mailboxAt } from '../store/table/mailboxes.ts';
import type { Changed, Verb } from './delegations.ts';
import { policyNow, whyHeld, whyWithheld } from './not-in-force.ts';
import { mayDelegate } from './permitted.ts';
import type { Acting } from './site.ts';

/** What a page keeps of a change to ask after it. */
export interface Followed {
  readonly verb: Verb;
  readonly mailbox: string;
  /** Their identifier. */
  readonly delegate: string;
  /** Of the table, as the change left it. */
  readonly version: number;
}

/**
 * `waiting`: nothing of it stands on the servers yet. `in force`: what decides does; of what was taken: access is gone. `verified`: seen so with
 * a fresh login as the delegate. `withheld`: the row is there, and a condition keeps it from being in force. `failed`: trying again won't mend
 * it. `put back`: what was taken stands in the table again. `superseded`: what was given isn't in the table any more.
 */
export const PROGRESS_STATES = [
  'waiting',
  'in force',
  'verified',
  'withheld',
  'failed',
  'put back',
  'superseded',
] as const;
export type ProgressState = (typeof PROGRESS_STATES)[number];

export interface Progress {
  readonly state: ProgressState;
  /** Nothing more comes of it by itself: whoever looks may stop. */
  readonly final: boolean;
  /** Conditions that don't hold, by code, with what would change them. */
  readonly withheld: Changed['withheld'];
  /** The last attempt that failed; null where none has since the change. */
  readonly failure: {
    readonly code: FailureCode;
    readonly message: string;
    readonly hint: string;
    readonly retryAt: string | null;
  } | null;
  readonly notices: readonly Notice[];
  /** False: nobody works on it. */
  readonly sidecar: boolean;
  readonly paused: boolean;
}

export const followed = ({ verb, mailbox, delegate, written }: Changed): Followed => ({
  verb,
  mailbox,
  delegate,
  version: written.version,
});

/** Fails `refused` where whoever acts may not ask, `absent` where the mailbox has gone. */
export async function progressOf(acting: Acting, change: Followed): Promise<Progress> {
  const { verb, mailbox: address, delegate, version } = change;
  const gives = verb === 'grant' || verb === 'resume';
  const policy = await policyNow(acting);
  const seen = await acting.table(async (db) => {
    await mayDelegate(acting, db, [address]);
    const mailbox = await mailboxAt(db, address);
    return {
      mailbox,
      row: await rowOf(db.query, address, delegate),
      withheld: gives ? await whyWithheld(db, policy, address, delegate) : [],
      login: (await delegateNamed(db, delegate).catch(() => undefined))?.login,
    };
  });
  const { id, server } = seen.mailbox;
  const { outcome, given, pause } = await acting.state(async (state) => ({
    outcome: await outcomeOf(state, id, server),
    given: seen.login !== undefined && (await stands(state, id, seen.login, server)),
    pause: await paused(state),
  }));
  const withheld = gives ? [...(await whyHeld(acting)), ...seen.withheld] : [];
  const failed = outcome?.failure !== undefined && outcome.failure.version >= version ? outcome.failure : undefined;
  const verified = (outcome?.verifiedVersion ?? 0) >= version;
  const decided = (outcome?.inForceVersion ?? 0) >= version && (verified || !gives || given);
  const state = stateOf(verb, seen.row, { verified, decided, withheld: withheld.length > 0, failed: failed?.code });
  const final = state !== 'waiting' && !(state === 'in force') && !(state === 'withheld' && !verified);
  return {
    state,
    final,
    withheld,
    failure: verified || failed === undefined ? null : shown(failed),
    notices: verified ? (outcome?.notices ?? []) : [],
    sidecar: acting.sidecarRuns(),
    paused: pause !== undefined,
  };
}

function stateOf(
  verb: Verb,
  row: { readonly suspended: boolean } | undefined,
  is: {
    readonly verified: boolean;
    readonly decided: boolean;
    readonly withheld: boolean;
    readonly failed: FailureCode | undefined;
  },
): ProgressState {
  if (verb === 'revoke' && row !== undefined) return 'put back';
  if (verb === 'suspend' && row?.suspended === false) return 'put back';
  if ((verb === 'grant' || verb === 'resume') && row === undefined) return 'superseded';
  if (is.withheld) return 'withheld';
  if (is.verified) return 'verified';
  if (is.failed !== undefined && is.failed !== 'retry') return 'failed';
  return is.decided ? 'in force' : 'waiting';
}

const shown = ({ code, message, hint, retryAt }: NonNullable<Progress['failure']>) => ({
  code,
  message,
  hint,
  retryAt,
});
