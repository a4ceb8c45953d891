/** A revoke beside all that a sidecar and its filter have to do at once, and beside a filter that hangs; and the same at rest, in turn by blocks. */
import { startBusySite } from '../servers/everything-at-once.ts';
import { type Comparison, comparison } from './pairs.ts';

export async function besideLoadFigures(pairs: number): Promise<readonly Comparison[]> {
  const site = await startBusySite();
  const times = async (before?: () => void) => {
    const all: number[] = [];
    while (all.length < pairs) all.push(await site.revoke(before));
    return all;
  };
  try {
    const resting = await times();
    const busy = await site.busy();
    const loaded = await times(site.events).finally(busy.stop);
    await site.sealed();
    const again = await times();
    process.kill(site.filter, 'SIGSTOP');
    const beside = await times().finally(() => process.kill(site.filter, 'SIGCONT'));
    return [
      comparison('a revoke, to the BYE, beside everything at once', loaded, resting),
      comparison('a revoke, to the BYE, beside a filter that hangs', beside, again),
    ];
  } finally {
    await site.stop();
  }
}
