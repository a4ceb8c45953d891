/** What of an open sidecar is looked at for its health; there is none while a replaced file is opened anew. */
import type { Config } from '../../config/schema.ts';
import type { LoopHolds } from '../shared/loop-holds.ts';
import type { ScheduleSizes } from '../sidecar/schedule.ts';
import type { StateDb } from '../store/state/state-db.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';

/** The connection on which commits are heard of. */
export interface DatabaseSeen {
  readonly up: boolean;
  /** How often it was lost since the sidecar began. */
  readonly losses: number;
}

export interface Sight {
  readonly table: DelegationDb;
  readonly state: StateDb;
  /** As it counts now. */
  config(): Config;
  sizes(): ScheduleSizes;
  loop(): LoopHolds;
  /** Undefined where the databases are files. */
  readonly database?: (() => DatabaseSeen | undefined) | undefined;
}
