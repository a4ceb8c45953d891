/**
 * Thunderbird and Roundcube show subscribed folders only. So the delegate is subscribed to each delegated folder, once: whether they
 * keep it is their affair from then on. At the end what we subscribed is unsubscribed, by name. R46.
 */
import { NONE } from '../../acl/rights.ts';
import { allOver, portions } from '../shared/portions.ts';
import type { FolderName, Pair } from '../store/state/ledger-pairs.ts';
import {
  forgetSubscriptions,
  intendSubscriptions,
  recordSubscriptions,
  settleSubscriptions,
  unsettledSubscriptions,
} from '../store/state/subscriptions.ts';
import type { DelegateView } from './driver-interfaces.ts';
import type { Pass } from './pass.ts';
import { keeperAsSeen, keeperAtGrant, keeperAtRevoke, putBackTried } from './subscription-list.ts';
import type { Tree } from './tree.ts';

/** So many folders are subscribed to before it is looked whether somebody else has changed the rows. */
const AT_ONCE = 10;

/** `again`: it has been tried for this grant before, whose list it is. */
export async function subscribeTo(
  pass: Pass,
  view: DelegateView,
  tree: Tree,
  pair: Pair,
  folders: readonly FolderName[],
  again: boolean,
): Promise<void> {
  if (!pass.site.policy.autoSubscribe) return;
  const { state } = pass.site;
  const owner = tree.owner.login;
  await putBackTried(pass, { view, tree, pair });
  const gone = [...pair.subscriptions].filter(([folder]) => !folders.includes(folder));
  const fresh = folders.filter((folder) => !pair.subscriptions.has(folder));
  const unsettled = await unsettledSubscriptions(state, pair.id);
  const left = again && (await keeperAsSeen(pass.site)) === 'owner';
  for (const [folder, ours] of gone) if (ours && !left) await view.unsubscribe(owner, folder);
  if (gone.length > 0)
    await forgetSubscriptions(
      state,
      pair.id,
      gone.map(([folder]) => folder),
    );
  if (fresh.length + unsettled.length === 0 || (left && unsettled.length === 0)) return;
  const subscribed = await view.subscribed(owner);
  const own = fresh.filter((folder) => subscribed.has(folder));
  const wanted = fresh.filter((folder) => !subscribed.has(folder));
  if (wanted.length + unsettled.length > 0) {
    await pass.stillCurrent();
    const known = { unsettled, fresh: wanted, there: folders.filter((folder) => subscribed.has(folder)) };
    if ((await keeperAtGrant(pass, { view, tree, pair }, known)) === 'owner') return;
  }
  await recordSubscriptions(state, pair.id, new Map(own.map((folder) => [folder, false])));
  // Noted first: after a crash in between, a folder that shows as subscribed must still pass for ours.
  await intendSubscriptions(state, pair.id, wanted);
  const done: FolderName[] = [];
  const refused: FolderName[] = [];
  try {
    for (const some of portions(await unsettledSubscriptions(state, pair.id), AT_ONCE)) {
      await pass.stillCurrent();
      const subscribe = async (folder: FolderName) =>
        void ((await view.subscribe(owner, folder)) ? done : refused).push(folder);
      await allOver(some.map(subscribe));
    }
  } finally {
    await settleSubscriptions(state, pair.id, done);
    await forgetSubscriptions(state, pair.id, refused);
  }
}

/**
 * What the delegate has subscribed to by themselves and may not see any more, where the server goes on to show it: their mail program
 * would stumble over it at each start.
 */
export async function unsubscribeDead(view: DelegateView, owner: string): Promise<void> {
  if (!view.keepsDeadSubscriptions) return;
  const left = [...(await view.subscribed(owner))];
  const rights = await view.rights(owner, left);
  for (const folder of left) if ((rights.get(folder) ?? NONE) === NONE) await view.unsubscribe(owner, folder);
}

export async function unsubscribeAll(pass: Pass, view: DelegateView, tree: Tree, pair: Pair): Promise<void> {
  await putBackTried(pass, { view, tree, pair });
  const ours = [...pair.subscriptions].filter(([, one]) => one).map(([folder]) => folder);
  const left = (await keeperAtRevoke(pass, { view, tree, pair }, ours)) === 'owner';
  // What a pass that ended early may have put into the owner's list was not in it before.
  for (const folder of left ? await unsettledSubscriptions(pass.site.state, pair.id) : ours)
    await view.unsubscribe(tree.owner.login, folder);
}
