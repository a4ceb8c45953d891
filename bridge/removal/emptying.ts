/** The sender map emptied, the owners' own rules last: only once nobody asks it any more (smtp-asks.ts). */
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../../config/schema.ts';
import { setWithdrawn, withdrawn } from '../safeguards/withdrawn.ts';
import { openSenders } from '../sender/configured-outputs.ts';
import { Failure } from '../shared/failure.ts';
import type { DataFiles } from '../store/files/data-files.ts';
import { openSenderMap } from '../store/published/sender-map.ts';
import type { StateDb } from '../store/state/state-db.ts';

const PORTION = 500;
/** A pass of the sidecar that began before publishes what it had read: looked at again so often. */
const LOOKS = 20;
const POLL_MS = 100;

/** How many rules stand in it; undefined where none is published. */
export function publishedRules(config: Config, files: DataFiles): number | undefined {
  if (config.senderRules === undefined) return undefined;
  const map = openSenderMap(files.senderDirectory, { readonly: true });
  try {
    return map.all().length;
  } finally {
    map.close();
  }
}

/** Every output follows. From now on no pass publishes anything, until all is obeyed again. Fails `retry` where something keeps coming back. */
export async function emptySenderMap(config: Config, files: DataFiles, state: StateDb): Promise<void> {
  const how = await withdrawn(state);
  if (how === undefined) throw new Failure('unsafe', 'the delegations are not withdrawn: the sender map stays');
  await setWithdrawn(state, { ...how, unpublished: true });
  const behind: Failure[] = [];
  const map = openSenders(config, files, (failures) => behind.push(...failures), state);
  try {
    for (let look = 0; map !== undefined; look++) {
      const ids = map.mailboxIds(0, PORTION);
      if (ids.length === 0) break;
      if (look > LOOKS + map.mailboxIds(0, Number.MAX_SAFE_INTEGER).length)
        throw new Failure(
          'retry',
          'the sender map fills again: is an older mandat running?',
          'stop it, then call this again',
        );
      for (const id of ids) behind.push(...((await map.publish(id, [])).failed ?? []));
      if (ids.length < PORTION) await delay(POLL_MS);
    }
  } finally {
    map?.close();
  }
  const [first] = behind;
  if (first !== undefined) throw first;
}
