/**
 * Whose list of subscriptions a delegate's SUBSCRIBE writes. With `subscriptions = yes` in Dovecot's shared namespace it is the owner's: subscribing a
 * delegate changes what the owner's mail program shows, and unsubscribing one takes folders out of everybody's. There subscriptions are left alone.
 * It is found out by looking: what a delegate subscribes to, or unsubscribes from, shows in the owner's list, and is put back at once. R46.
 */
import { fact, setFact } from '../store/state/facts.ts';
import type { FolderName, Pair } from '../store/state/ledger-pairs.ts';
import {
  forgetSubscriptions,
  intendSubscriptions,
  settleSubscriptions,
  settleTried,
  triedSubscriptions,
  trySubscription,
} from '../store/state/subscriptions.ts';
import { type DelegateView, INBOX } from './driver-interfaces.ts';
import type { Pass } from './pass.ts';
import { noteOwnList } from './shown-lately.ts';
import type { Site } from './site.ts';
import type { Tree } from './tree.ts';

export type Keeper = 'owner' | 'delegate';

export async function keeperAsSeen({ state }: Pick<Site, 'state'>): Promise<Keeper | undefined> {
  return (await fact(state, 'subscriptions-kept-by')) as Keeper | undefined;
}

interface Asked {
  readonly view: DelegateView;
  readonly tree: Tree;
  readonly pair: Pair;
}

/** In each folder that a delegate is to be subscribed to. */
export interface Wanted {
  /** Noted by a pass that ended early: it may have been done. */
  readonly unsettled: readonly FolderName[];
  readonly fresh: readonly FolderName[];
  /** Subscribed already, by the delegate's list. */
  readonly there: readonly FolderName[];
}

/** Before a delegate is subscribed to anything. What was tried on the way is either settled, where the list is theirs, or put back. */
export async function keeperAtGrant(pass: Pass, asked: Asked, { unsettled, fresh, there }: Wanted): Promise<Keeper> {
  const { login } = asked.tree.owner;
  // Seen a moment ago, in this pass: the list of another delegate's is kept as this one's is.
  if (pass.keepers.has(login) && unsettled.length === 0) return 'delegate';
  return keeperByLooking(pass, asked, { unsettled, fresh, there });
}

async function keeperByLooking(pass: Pass, asked: Asked, { unsettled, fresh, there }: Wanted): Promise<Keeper> {
  const { view, tree, pair } = asked;
  const { state } = pass.site;
  const { login } = tree.owner;
  const before = await tree.owner.subscribed();
  const left = unsettled.filter((folder) => before.has(folder));
  for (const folder of left) await view.unsubscribe(login, folder);
  if (left.length > 0) {
    const after = await tree.owner.subscribed();
    if (left.some((folder) => !after.has(folder))) return ownersList(pass, pair, unsettled);
  }
  for (const folder of [...unsettled, ...fresh].filter((one) => !before.has(one))) {
    await intendSubscriptions(state, pair.id, [folder]);
    if (!(await view.subscribe(login, folder))) {
      await forgetSubscriptions(state, pair.id, [folder]);
      continue; // it isn't there for them: another one
    }
    if ((await tree.owner.subscribed()).has(folder)) {
      await view.unsubscribe(login, folder);
      if (!(await tree.owner.subscribed()).has(folder)) return ownersList(pass, pair, [...unsettled, folder]);
      await view.subscribe(login, folder); // the owner has subscribed to it in this moment
    }
    await settleSubscriptions(state, pair.id, [folder]);
    return seen(pass, login);
  }
  // Of one list they would see the same of it, but for INBOX and special folders, which may show by auto = subscribe alone.
  const [owners] = inOrder(tree, fresh, before);
  if (owners !== undefined && owners !== INBOX && !specialIn(tree).has(owners)) return seen(pass, login);
  const known = await keeperAsSeen(pass.site);
  const [shared] = inOrder(tree, there, before);
  if (known !== undefined || shared === undefined) return known ?? 'delegate';
  await trySubscription(state, pair.id, shared);
  await view.unsubscribe(login, shared);
  const gone = !(await tree.owner.subscribed()).has(shared);
  await view.subscribe(login, shared);
  await settleTried(state, pair.id, shared);
  return gone ? ownersList(pass, pair, [shared]) : seen(pass, login);
}

/** Before a delegate is unsubscribed from what they were subscribed to: whether that is theirs to leave. */
export async function keeperAtRevoke(pass: Pass, asked: Asked, folders: readonly FolderName[]): Promise<Keeper> {
  const { view, tree, pair } = asked;
  const known = await keeperAsSeen(pass.site);
  const before = folders.length === 0 || known === 'owner' ? new Set<FolderName>() : await tree.owner.subscribed();
  const [shared] = inOrder(tree, folders, before);
  if (known === 'owner' || shared === undefined) return known ?? 'delegate';
  await trySubscription(pass.site.state, pair.id, shared);
  await view.unsubscribe(tree.owner.login, shared);
  if ((await tree.owner.subscribed()).has(shared)) return 'delegate';
  await tree.owner.subscribe(shared);
  return ownersList(pass, pair, [shared]);
}

/** Those in the owner's list; INBOX and special ones last: what `auto = subscribe` shows stays whatever is done to the list. */
function inOrder(tree: Tree, folders: readonly FolderName[], owners: ReadonlySet<FolderName>): readonly FolderName[] {
  const special = specialIn(tree);
  const rank = (folder: FolderName) => (special.has(folder) ? 2 : folder === INBOX ? 1 : 0);
  return folders.filter((folder) => owners.has(folder)).sort((one, other) => rank(one) - rank(other));
}

function specialIn(tree: Tree): ReadonlySet<FolderName> {
  return new Set(tree.listed.filter(({ specialUse }) => specialUse).map(({ name }) => name));
}

/** What a pass took out of both lists to see whose they are, and ended before it was put back. */
export async function putBackTried(pass: Pass, { view, tree, pair }: Asked): Promise<void> {
  const tried = await triedSubscriptions(pass.site.state, pair.id);
  if (tried.length === 0) return;
  const owners = await tree.owner.subscribed();
  for (const folder of tried) {
    await view.subscribe(tree.owner.login, folder);
    if (!owners.has(folder)) await tree.owner.subscribe(folder);
    await settleTried(pass.site.state, pair.id, folder);
  }
}

async function ownersList(pass: Pass, pair: Pair, folders: readonly FolderName[]): Promise<Keeper> {
  await forgetSubscriptions(pass.site.state, pair.id, folders);
  return note(pass, 'owner');
}

function seen(pass: Pass, owner: string): Promise<Keeper> {
  noteOwnList(pass, owner);
  return note(pass, 'delegate');
}

async function note(pass: Pass, keeper: Keeper): Promise<Keeper> {
  if ((await keeperAsSeen(pass.site)) !== keeper) await setFact(pass.site.state, 'subscriptions-kept-by', keeper);
  return keeper;
}
