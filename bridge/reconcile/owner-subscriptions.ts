/**
 * What a delegate makes or renames, the owner's Thunderbird and Roundcube don't show either: it is the delegate who gets subscribed.
 * So while there are delegates the owner is subscribed once to each folder that appears, whoever made it: the server doesn't say who.
 * What stood before the first grant is the owner's affair, and so is everything that the owner unsubscribes. R46.
 */

import type { Pair } from '../store/state/ledger-pairs.ts';
import { forgetOwnerFolders, noteOwnerFolders, type OwnerFolder, ownerFolders } from '../store/state/owner-folders.ts';
import type { Folder, OwnerView } from './driver-interfaces.ts';
import type { Pass } from './pass.ts';
import type { Tree } from './tree.ts';

/** `pairs`: the account's, as they were before what stood there was read ({@link readBefore} in tree.ts). */
export async function subscribeOwner(pass: Pass, owner: OwnerView, pairs: readonly Pair[], tree: Tree): Promise<void> {
  const { policy, server, state } = pass.site;
  if (!policy.autoSubscribe) return;
  let known = await ownerFolders(state, server.name, owner.login);
  if (known.size === 0) {
    const stood = tree.listed
      .filter((folder) => !bornSince(folder, pairs, tree))
      .filter(({ name, names }) => names === undefined || name === names[0]);
    await noteOwnerFolders(state, server.name, owner.login, stood);
    known = new Map(stood.map((folder) => [folder.id, folder]));
  }
  const noted: OwnerFolder[] = [];
  for (const { id, name, names, subscribed } of tree.listed) {
    const before = known.get(id);
    // Another name of a folder that is known by one of its names: a link, made by hand, and the owner's affair.
    if (names !== undefined && name !== knownName(names, before)) continue;
    if (before?.name === name) {
      if (before.subscribed !== subscribed) noted.push({ id, name, subscribed });
      continue;
    }
    // A subscription is to a name: a rename by somebody else leaves it with the old one.
    const wanted = !subscribed && (before === undefined || before.subscribed);
    if (wanted) await pass.stillCurrent();
    const done = wanted && (await owner.subscribe(name));
    if (done || !wanted) noted.push({ id, name, subscribed: subscribed || done });
  }
  await noteOwnerFolders(state, server.name, owner.login, noted);
  const there = new Set(tree.listed.map(({ id }) => id));
  const gone = [...known.keys()].filter((id) => !there.has(id));
  await forgetOwnerFolders(state, server.name, owner.login, gone);
}

/** Made between the first write of the first grant and this look: a folder that wasn't there then, with the server's copy of our entry. */
function bornSince(folder: Folder, pairs: readonly Pair[], tree: Tree): boolean {
  return pairs.some(
    ({ login, foldersBefore }) =>
      foldersBefore?.includes(folder.id) === false && tree.entry(folder.name, login) !== undefined,
  );
}

/** Of a folder of several names the one that is looked at: as before, as long as it is there. */
function knownName(names: readonly string[], before: OwnerFolder | undefined): string | undefined {
  return names.find((name) => name === before?.name) ?? names[0];
}
