/**
 * Drift: a delegate's entry, as a verified pass has left it, was taken away, narrowed or widened by somebody else since. It is put right; or only
 * told, where `[reconcile] on_drift = "report"`, or where it has been put right so often within the last minutes that another program seems to do
 * the same the other way. R10.
 *
 * It never gets between mandat and what the table says: an entry is no drift in a folder that has come since, nor where the delegate's rights are
 * others than those of the last verified pass, nor before the first of them. Who leaves isn't asked about here: what is taken away goes.
 */
import type { Rights } from '../../acl/rights.ts';
import type { FolderName } from '../store/state/ledger-pairs.ts';

/** `report`: so it is configured. `again`: it was put right `MOST_REPAIRS` times already (bridge/store/state/repairs.ts). */
export type WhyLeft = 'report' | 'again';

/** An entry that is left as it was found. */
export interface Left {
  readonly why: WhyLeft;
  readonly desired: Rights;
  /** Undefined: no entry of theirs. */
  readonly found: Rights | undefined;
}

/** A delegate's own entry that isn't the one that should stand there. */
export interface Differing {
  readonly folder: FolderName;
  /** The server's own id of it. */
  readonly id: string;
  /** It has come since the last verified pass. */
  readonly isNew: boolean;
  readonly found: Rights | undefined;
  readonly desired: Rights;
}

/** Of one pass, and one delegate at one account. */
export interface Drift {
  readonly login: string;
  /** Whether it is to be written. False: it is drift, and is left; {@link Drift.left} has it then. */
  mayMend(entry: Differing): Promise<boolean>;
  /** What {@link Drift.mayMend} let be written counts as put right. */
  noteMended(): Promise<void>;
  readonly left: ReadonlyMap<FolderName, Left>;
  /** Those of them that stand as they should meanwhile are forgotten. */
  forget(isRight: (folder: FolderName) => boolean): void;
}
