/** The delegation table, and what is mandat's own, where the configuration says that they are. Whoever opens one closes it. */
import type { Config } from '../../config/schema.ts';
import { dataFiles } from '../store/files/data-files.ts';
import type { OpenOptions } from '../store/files/open.ts';
import { copyStateDb, openStateDb, type StateDb } from '../store/state/state-db.ts';
import { existingSubmissions, openSubmissions, type SubmissionStore } from '../store/submissions/submission-db.ts';
import { type DelegationDb, openDelegationDb, type TableOptions } from '../store/table/delegation-db.ts';

/** What of the configuration says where they are. */
export type Placed = Pick<Config, 'dataDir'>;

export async function openTable({ dataDir }: Placed, options: TableOptions = {}): Promise<DelegationDb> {
  return openDelegationDb(dataFiles(dataDir).delegations, options);
}

export async function openState({ dataDir }: Placed, options: OpenOptions = {}): Promise<StateDb> {
  return openStateDb(dataFiles(dataDir).state, options);
}

/** A copy, to rehearse on: nothing of it is ever saved. */
export async function copyState({ dataDir }: Placed): Promise<StateDb> {
  return copyStateDb(dataFiles(dataDir).state);
}

/** Makes it when there is none. */
export async function openSubmissionStore({ dataDir }: Placed): Promise<SubmissionStore> {
  return openSubmissions(dataFiles(dataDir).submissions);
}

/** Undefined where nothing was ever submitted through us. */
export async function existingSubmissionStore({ dataDir }: Placed): Promise<SubmissionStore | undefined> {
  return existingSubmissions(dataFiles(dataDir).submissions);
}
