/** Everything the reconciler works with, put together in one place (bridge/daemon.ts, or rehearsal.ts for a dry run). */
import type { Rights } from '../../acl/rights.ts';
import type { DelegationDb } from '../store/delegation-db.ts';
import type { Clock } from '../store/facts.ts';
import type { StateDb } from '../store/state-db.ts';
import type { Gate } from './gate.ts';
import type { MailServer, SenderPublisher, SessionCutter } from './mail-server.ts';

export interface Site {
  readonly table: DelegationDb;
  readonly state: StateDb;
  readonly server: MailServer;
  /** Undefined without `[sender_rules]`. */
  readonly senders: SenderPublisher | undefined;
  /** Undefined without `[sessions]`: open sessions then outlive a revoke. */
  readonly cutter: SessionCutter | undefined;
  readonly clock: Clock;
  /** Keeps our own delegate sessions and the cuts at a grant apart. */
  readonly gate: Gate;
  /** True once the sidecar is asked to leave: a pass finishes the step in hand. */
  readonly stopping: () => boolean;
  readonly policy: {
    readonly rights: Rights;
    readonly autoSubscribe: boolean;
    readonly cutAtGrant: boolean;
  };
}
