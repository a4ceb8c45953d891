/** Everything the reconciler works with, put together in one place (bridge/daemon.ts, or rehearsal.ts for a dry run). */
import type { Policy } from '../../acl/desired.ts';
import type { NoticeRules } from '../notify/telling.ts';
import type { DelegationDb } from '../store/delegation-db.ts';
import type { Clock } from '../store/facts.ts';
import type { StateDb } from '../store/state-db.ts';
import type { Gate } from './gate.ts';
import type { MailServer, SenderPublisher, SessionCutter } from './mail-server.ts';

/** in-force: usable; verified: seen through his eyes; repaired: drift was mended; ended: nothing of it is left; failed: see the detail; notices: to whom. */
export type AuditedOutcome =
  | 'in-force'
  | 'verified'
  | 'repaired'
  | 'ended'
  | 'failed'
  | 'notice-sent'
  | 'notice-failed';

export interface Site {
  readonly table: DelegationDb;
  readonly state: StateDb;
  readonly server: MailServer;
  /** Undefined without `[sender_rules]`. */
  readonly senders: SenderPublisher | undefined;
  /** Undefined without `[sessions]`: open sessions then outlive a revoke. */
  readonly cutter: SessionCutter | undefined;
  readonly clock: Clock;
  /** What came of a delegation, for the audit trail. */
  readonly audit: (action: AuditedOutcome, mailbox: string, delegate: string | null, detail?: object) => Promise<void>;
  /** Keeps our own delegate sessions and the cuts at a grant apart. */
  readonly gate: Gate;
  /** Undefined: nobody is told of anything, but how things stand is remembered for the day when somebody is. */
  readonly noticeRules: NoticeRules | undefined;
  /** True once the sidecar is asked to leave: a pass finishes the step in hand. */
  readonly stopping: () => boolean;
  readonly policy: Policy & {
    readonly autoSubscribe: boolean;
    readonly cutAtGrant: boolean;
  };
}
