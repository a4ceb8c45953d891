/** Everything the reconciler works with, put together in one place (bridge/sidecar/daemon.ts, or rehearsal.ts for a dry run). */
import type { Policy } from '../../acl/desired.ts';
import type { NoticeRules } from '../notify/notice-rules.ts';
import type { Clock } from '../store/state/facts.ts';
import type { StateDb } from '../store/state/state-db.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';
import type { Vouchable } from '../store/table/last-actor.ts';
import type { MailServer, SenderPublisher, SessionCutter } from './driver-interfaces.ts';
import type { Gate } from './login-turns.ts';
import type { Step } from './steps.ts';

/**
 * in-force: usable; verified: seen as the delegate; repaired: drift was mended; withdrawn: they can't get in any more; ended: nothing of it
 * is left; failed: see the detail; notices: to whom.
 */
export type AuditedOutcome =
  | 'in-force'
  | 'verified'
  | 'repaired'
  | 'withdrawn'
  | 'ended'
  | 'failed'
  | 'notice-sent'
  | 'notice-failed'
  | 'other-entry' // somebody else has access by an entry that isn't ours: seen for the first time
  | 'other-entry-gone'
  | 'drift-left' // a delegate's entry was changed by somebody else, and is left so
  | 'administer-taken' // a delegate in force held 'a', and has it no longer
  | 'adopted' // an entry like ours that this state.db didn't know
  | 'foreign-state' // this state.db isn't the one that the table was worked off with
  | 'values-mended'
  | 'trace-gap' // events that found no place in it
  | 'trace-month-begun' // a file of the trace of access
  | 'trace-month-deleted' // kept for long enough
  | 'rules-changed'
  | 'rules-restored';

/** One line of ours for the audit trail: an outcome, or what was done on a server. */
export interface Said {
  readonly action: AuditedOutcome | Step['kind'];
  readonly mailbox: string | null;
  /** The owner, as in `owner:810101026994`; null where they aren't known. */
  readonly onBehalf: string | null;
  /** By identifier. */
  readonly delegate: string | null;
  readonly detail?: object | undefined;
}

export interface Site {
  readonly table: DelegationDb;
  readonly state: StateDb;
  readonly server: MailServer;
  /** Undefined without `[sender_rules]`. */
  readonly senders: SenderPublisher | undefined;
  /** Undefined without `[sessions]`: open sessions then outlive a revoke. */
  readonly cutter: SessionCutter | undefined;
  readonly clock: Clock;
  /** Into the audit trail, `within` a transaction on state.db that is open, or in one of its own. */
  readonly audit: (lines: readonly Said[], within?: Pick<StateDb, 'query'>) => Promise<void>;
  /** Whether an event that isn't sealed yet was noted by mandat's own command. */
  readonly vouches?: (event: Vouchable) => boolean;
  /** What the pass at hand has done on the servers since it was last asked. */
  readonly acts: () => readonly Step[];
  /** Whether that is anything. */
  readonly hasActed: () => boolean;
  /** Keeps our own delegate sessions and the cuts at a grant apart. */
  readonly gate: Gate;
  /** Undefined: nobody is told of anything, but how things stand is remembered for the day when somebody is. */
  readonly noticeRules: NoticeRules | undefined;
  /** True once the sidecar is asked to leave: a pass finishes the step in hand. */
  readonly stopping: () => boolean;
  readonly policy: Policy & {
    readonly autoSubscribe: boolean;
    readonly cutAtGrant: boolean;
    /** What becomes of a delegate's entry that somebody else has changed. */
    readonly onDrift: 'repair' | 'report';
  };
}
