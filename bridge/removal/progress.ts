/** How far the removal of mandat has come, kept in state.db: what was interrupted goes on there when it is called again. */
import { jsonFact, setJsonFact } from '../store/state/facts.ts';
import type { StateDb } from '../store/state/state-db.ts';

export interface Removal {
  readonly since: string;
  /** Directories of configuration in which Postfix was seen to ask the map: it is the right one, and may be seen to ask no more. */
  readonly asking: readonly string[];
  /** When nothing of ours was seen any more, on every delegate's fresh login. */
  readonly lookedAt?: string;
  readonly doneAt?: string;
}

type Facts = Pick<StateDb, 'query' | 'server'>;

export async function removal(state: Facts): Promise<Removal | undefined> {
  return jsonFact<Removal>(state, 'uninstall');
}

/** Undefined: it is taken back. */
export async function noteRemoval(state: Facts, how: Removal | undefined): Promise<void> {
  await setJsonFact(state, 'uninstall', how);
}
