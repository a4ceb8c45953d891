/**
 * Thunderbird and Roundcube show subscribed folders only. So the delegate is subscribed to each delegated folder, once: whether he
 * keeps it is his affair from then on. At the end what we subscribed is unsubscribed, by name. R46.
 */
import type { FolderName, Pair } from '../store/ledger.ts';
import { forgetSubscriptions, recordSubscriptions } from '../store/ledger.ts';
import type { DelegateView } from './mail-server.ts';
import type { Pass } from './pass.ts';

export async function subscribeTo(
  pass: Pass,
  view: DelegateView,
  owner: string,
  pair: Pair,
  folders: readonly FolderName[],
): Promise<void> {
  if (!pass.site.policy.autoSubscribe) return;
  const { state } = pass.site;
  const gone = [...pair.subscriptions].filter(([folder]) => !folders.includes(folder));
  const fresh = folders.filter((folder) => !pair.subscriptions.has(folder));
  for (const [folder, ours] of gone) if (ours) await view.unsubscribe(owner, folder);
  if (gone.length > 0)
    await forgetSubscriptions(
      state,
      pair.id,
      gone.map(([folder]) => folder),
    );
  if (fresh.length === 0) return;
  const subscribed = await view.subscribed(owner);
  // Noted first: after a crash in between, a folder that shows as subscribed must still pass for ours.
  await recordSubscriptions(state, pair.id, new Map(fresh.map((folder) => [folder, !subscribed.has(folder)])));
  const refused: FolderName[] = [];
  for (const folder of fresh) {
    if (subscribed.has(folder)) continue;
    await pass.stillCurrent();
    if (!(await view.subscribe(owner, folder))) refused.push(folder);
  }
  await forgetSubscriptions(state, pair.id, refused);
}

export async function unsubscribeAll(view: DelegateView, owner: string, pair: Pair): Promise<void> {
  for (const [folder, ours] of pair.subscriptions) if (ours) await view.unsubscribe(owner, folder);
}
