/** The owner's whole tree with the entries that stand in it, kept true through our own changes. R10, R11. */

import { rightsOn } from '../../acl/desired.ts';
import { entryStep } from '../../acl/plan.ts';
import type { Rights } from '../../acl/rights.ts';
import { type BeforeEntry, type FolderName, type Pair, recordBefore } from '../store/ledger.ts';
import type { Entries, Folder, OwnerView } from './mail-server.ts';
import { INBOX } from './mail-server.ts';
import type { Pass } from './pass.ts';

export interface Tree {
  readonly folders: readonly Folder[];
  entry(folder: FolderName, login: string): Rights | undefined;
  identifiers(folder: FolderName): readonly string[];
  /** Reads some folders' entries again. */
  refresh(folders: readonly FolderName[]): Promise<void>;
  /** Sets or removes the delegate's entry. Returns whether anything was changed. */
  apply(
    folder: FolderName,
    login: string,
    facts: { desired: Rights | undefined; effective: Rights; before: Rights | undefined },
  ): Promise<boolean>;
}

export async function readTree(pass: Pass, owner: OwnerView): Promise<Tree> {
  const folders = await owner.folders();
  const entries = new Map<FolderName, Entries>(await owner.entries(folders.map(({ name }) => name)));
  const put = (folder: FolderName, login: string, rights: Rights | undefined) => {
    const changed = new Map(entries.get(folder));
    if (rights === undefined) changed.delete(login);
    else changed.set(login, rights);
    entries.set(folder, changed);
  };
  return {
    folders: folders.filter(({ name }) => entries.has(name)),
    entry: (folder, login) => entries.get(folder)?.get(login),
    identifiers: (folder) => [...(entries.get(folder)?.keys() ?? [])],
    refresh: async (names) => {
      for (const [folder, there] of await owner.entries(names)) entries.set(folder, there);
    },
    apply: async (folder, login, { desired, effective, before }) => {
      const step = entryStep({ desired, entry: entries.get(folder)?.get(login), effective, before });
      if (step.kind === 'none') return false;
      await pass.stillCurrent();
      if (step.kind === 'set' ? await owner.set(folder, login, step.rights) : await owner.remove(folder, login)) {
        put(folder, login, step.kind === 'set' ? step.rights : undefined);
      }
      return true;
    },
  };
}

/** What the delegate should have in each folder. */
export function wanted(tree: Tree, rights: Rights): ReadonlyMap<FolderName, Rights> {
  return new Map(tree.folders.map((folder) => [folder.name, rightsOn(folder, rights)]));
}

/**
 * The entries of a pair that stood there before, read once, before the first write beyond INBOX. Folders that weren't there
 * before the grant have none: what they show is a copy of ours.
 */
export async function readBefore(pass: Pass, pair: Pair, tree: Tree): Promise<Pair> {
  if (pair.foldersBefore === undefined) return pair;
  const there = new Set(pair.foldersBefore);
  const before = tree.folders.flatMap(({ name, id }): readonly BeforeEntry[] => {
    const rights = tree.entry(name, pair.login);
    return name === INBOX || rights === undefined || !there.has(id) ? [] : [{ folder: name, folderId: id, rights }];
  });
  await recordBefore(pass.site.state, pair.id, before);
  return { ...pair, foldersBefore: undefined, before };
}

/** The entry that stood in a folder before the grant, found by the folder's id, whatever it is called now. */
export function beforeIn(pair: Pair, folder: Folder): Rights | undefined {
  if (folder.name === INBOX) return pair.inboxBefore;
  return pair.before.find(({ folderId, folder: name }) =>
    folderId === null ? name === folder.name : folderId === folder.id,
  )?.rights;
}
