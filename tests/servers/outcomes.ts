/** What the sidecar says of a mailbox, as `mandat status` shows it. */
import { listOutcomes, type Outcome } from '../../bridge/store/state/outcomes.ts';
import { openStateDb } from '../../bridge/store/state/state-db.ts';
import { waitFor } from '../../config/lab/wait.ts';
import { at, type Site } from './site.ts';

export async function outcome(site: Site, owner: string): Promise<Outcome | undefined> {
  const state = openStateDb(site.stateFile, { readonly: true });
  try {
    return (await listOutcomes(state)).find(({ address }) => address === at(owner));
  } finally {
    await state.close();
  }
}

/** The failure as soon as there is one. */
export async function failure(site: Site, owner: string, limitMs = 20_000): Promise<NonNullable<Outcome['failure']>> {
  return waitFor(`a failure of ${owner}`, limitMs, async () => (await outcome(site, owner))?.failure);
}
