/** Where somebody acts: the configuration, the databases, and who it is; whether they sit at a keyboard or in a browser. */
import type { Actor } from '../../acl/actor.ts';
import type { Config } from '../../config/schema.ts';
import type { DataFiles } from '../store/files/data-files.ts';
import type { OpenOptions } from '../store/files/open.ts';
import type { StateDb } from '../store/state/state-db.ts';
import type { SubmissionStore } from '../store/submissions/submission-db.ts';
import type { DelegationDb, Writer } from '../store/table/delegation-db.ts';
import type { Pending } from '../store/table/rows.ts';

export interface Site {
  readonly config: Config;
  readonly files: DataFiles;
  /** Opens the delegation table for the time of the work. */
  table<T>(work: (table: DelegationDb) => Promise<T>, options?: OpenOptions): Promise<T>;
  /** The same, to write to it. A refusal says whom it is about. */
  writing<T>(about: string, work: (table: DelegationDb) => Promise<T>): Promise<T>;
  state<T>(work: (state: StateDb) => Promise<T>): Promise<T>;
  /** What the submission filter has noted; undefined where it never ran. */
  submissions<T>(read: (store: SubmissionStore) => Promise<T>): Promise<T | undefined>;
  /** Mailboxes that `writing` has left to be worked off. */
  touched(): Promise<readonly Pending[]>;
  /** Whether a sidecar runs on these databases now. */
  sidecarRuns(): boolean;
}

export interface Acting extends Site {
  readonly actor: Actor;
  /** As the trail has it: who, and by which way. */
  readonly writer: Writer;
}
