/** Databases as `mandat init` makes them, in the running test's own directory, closed when it ends. */
import type { Test } from 'tap';
import { initialise } from '../../bridge/store/databases.ts';
import { type DataFiles, dataFiles } from '../../bridge/store/files/data-files.ts';
import { openStateDb, type StateDb } from '../../bridge/store/state/state-db.ts';
import { openSubmissions, type SubmissionStore } from '../../bridge/store/submissions/submission-db.ts';
import { type DelegationDb, openDelegationDb, type TableOptions } from '../../bridge/store/table/delegation-db.ts';
import { rows } from './shell.ts';

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

/** Everything of a site, in one place. */
export interface Stores {
  readonly table: DelegationDb;
  readonly state: StateDb;
  /** The table once more, as another process opens it. */
  readonly another: () => Promise<DelegationDb>;
  readonly submissions: () => Promise<SubmissionStore>;
  /** What another program does to the table, or sees in it: lines, columns apart by `|`. Throws what its shell says. */
  readonly sql: (text: string) => Promise<readonly string[]>;
}

/** Where it is made: in files, unless on-postgresql.ts was imported. */
let made = async (t: Test, options: TableOptions): Promise<Stores> => {
  const files = freshFiles(t);
  const opened = () => {
    const table = openDelegationDb(files.delegations, options);
    t.teardown(() => table.close());
    return table;
  };
  return {
    table: opened(),
    state: openState(t, files),
    another: async () => opened(),
    submissions: async () => {
      const store = openSubmissions(files.submissions);
      t.teardown(() => store.close());
      return store;
    },
    sql: async (text) => rows(files.delegations, text),
  };
};

export function makesStoresBy(make: typeof made): void {
  made = make;
}

export function freshStores(t: Test, options: TableOptions = {}): Promise<Stores> {
  return made(t, options);
}

export async function freshTable(t: Test): Promise<DelegationDb> {
  return (await made(t, {})).table;
}

export async function freshState(t: Test): Promise<StateDb> {
  return (await made(t, {})).state;
}
