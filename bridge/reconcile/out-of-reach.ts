/**
 * Folders of an owner's that no delegate can reach: they lie in a private namespace (an archive's, a virtual one) that the site doesn't share. They get
 * no entry, are not waited for, and are named once; whatever entry of a delegate's stands in them goes at the end like any other.
 */
import type { DesiredDelegate } from '../../acl/desired.ts';
import { NONE, type Rights } from '../../acl/rights.ts';
import type { FolderName, Pair } from '../store/state/ledger-pairs.ts';
import { asDelegate } from './delegate-sessions.ts';
import type { DelegateView, Folder } from './driver-interfaces.ts';
import type { Pass } from './pass.ts';
import { beforeIn, type Tree, wanted } from './tree.ts';

/** Of what a delegate should have, that which they can have. */
export async function inReach(
  view: DelegateView,
  owner: string,
  tree: Tree,
  rights: ReadonlyMap<FolderName, Rights>,
): Promise<ReadonlyMap<FolderName, Rights>> {
  const reached = await view.reach(owner, tree.folders);
  return new Map([...rights].filter(([folder]) => reached.has(folder)));
}

/**
 * Whether a private namespace is shared too shows only where the delegate has an entry in it: one folder gets it, and where nothing comes of it, loses
 * it again.
 */
export async function tryApart(
  pass: Pass,
  owner: string,
  { login, rights }: DesiredDelegate,
  pair: Pair,
  tree: Tree,
): Promise<void> {
  const apart = tree.folders.filter((folder) => folder.apart !== undefined);
  const lostOne = apart.some(({ name }) => pair.subscriptions.has(name));
  if (apart.length === 0 || (pair.phase === 'verified' && !lostOne)) return;
  const tried = await asDelegate(pass, login, async (view) => {
    const reached = await view.reach(owner, apart);
    return view.untried(
      owner,
      apart.filter(({ name }) => !reached.has(name)),
    );
  });
  if (tried.length === 0) return;
  const desired = wanted(tree, rights);
  for (const { name } of tried)
    await tree.apply(name, login, { desired: desired.get(name), effective: NONE, before: undefined });
  const reached = await asDelegate(pass, login, (view) => view.reach(owner, tried));
  for (const folder of tried) {
    const facts = { desired: undefined, effective: NONE, before: beforeIn(pair, folder) };
    if (!reached.has(folder.name)) await tree.apply(folder.name, login, facts);
  }
}

/** Once a mailbox, however many delegates it has. */
export function tellOutOfReach(pass: Pass, owner: string, tree: Tree, reached: ReadonlyMap<FolderName, Rights>): void {
  for (const message of sayings(tree.folders.filter(({ name }) => !reached.has(name)))) {
    if (pass.notices.some((one) => one.code === 'out-of-reach' && one.message === message)) continue;
    pass.notices.push({ code: 'out-of-reach', login: owner, message });
  }
}

/** One a namespace. */
export function sayings(folders: readonly Folder[]): readonly string[] {
  const apart = [...new Set(folders.flatMap((folder) => folder.apart ?? []))];
  return [
    ...apart.map((prefix) => {
      const count = folders.filter((folder) => folder.apart === prefix).length;
      return `${count === 1 ? '1 folder' : `${count} folders`} in the private namespace ${prefix} can't be reached by delegates, since no shared namespace shows it: left out`;
    }),
    ...folders
      .filter((folder) => folder.apart === undefined)
      .map(
        ({ name }) =>
          `${name} can't be reached by delegates, since its name can't be written in the shared namespace: left out`,
      ),
  ];
}
