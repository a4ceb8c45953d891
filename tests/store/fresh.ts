/** Databases as `mandat init` makes them, in the running test's own directory, closed when it ends. */
import type { Test } from 'tap';
import { initialise } from '../../bridge/store/databases.ts';
import { type DataFiles, dataFiles } from '../../bridge/store/files/data-files.ts';
import { openStateDb, type StateDb } from '../../bridge/store/state/state-db.ts';
import { type DelegationDb, openDelegationDb } from '../../bridge/store/table/delegation-db.ts';

export function freshFiles(t: Test): DataFiles {
  const files = dataFiles(t.testdir({}));
  initialise(files);
  return files;
}

export function openTable(t: Test, files: DataFiles): DelegationDb {
  const table = openDelegationDb(files.delegations);
  t.teardown(() => table.close());
  return table;
}

export function openState(t: Test, files: DataFiles): StateDb {
  const state = openStateDb(files.state);
  t.teardown(() => state.close());
  return state;
}

/** What is made where: in files, unless on-postgresql.ts was imported. */
let made = {
  table: async (t: Test) => openTable(t, freshFiles(t)),
  state: async (t: Test) => openState(t, freshFiles(t)),
};

export function makesStoresBy(make: typeof made): void {
  made = make;
}

export function freshTable(t: Test): Promise<DelegationDb> {
  return made.table(t);
}

export function freshState(t: Test): Promise<StateDb> {
  return made.state(t);
}
