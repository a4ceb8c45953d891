/** Where each file below data_dir lies. */
import { join } from 'node:path';

/** Programs of this Unix group may read and write the delegation table. */
export const SHARED_GROUP = 'mandat';

export interface DataFiles {
  /** data_dir: only its owner writes there, others pass through. */
  readonly directory: string;
  /** What programs of the shared group may write, and nothing else. */
  readonly tableDirectory: string;
  /** What is ours alone: the files below, and what was imported. Nobody else enters. */
  readonly privateDirectory: string;
  readonly delegations: string;
  readonly state: string;
  readonly lock: string;
  readonly sealKey: string;
  /** How far the table had come when it was last seen, where it is in PostgreSQL: bridge/store/postgres/last-seen.ts. */
  readonly lastSeen: string;
  readonly submissions: string;
  /** Who shares with whom, as Dovecot asks for it: bridge/shares/. */
  readonly shares: string;
  readonly senderDirectory: string;
}

export function dataFiles(directory: string): DataFiles {
  const tableDirectory = join(directory, 'table');
  const privateDirectory = join(directory, 'private');
  return {
    directory,
    tableDirectory,
    privateDirectory,
    delegations: join(tableDirectory, 'delegation.db'),
    state: join(privateDirectory, 'state.db'),
    lock: join(privateDirectory, 'sidecar.lock'),
    sealKey: join(privateDirectory, 'seal.key'),
    lastSeen: join(privateDirectory, 'table.seen'),
    submissions: join(privateDirectory, 'submission.db'),
    shares: join(privateDirectory, 'shares.db'),
    senderDirectory: join(directory, 'sender'),
  };
}
