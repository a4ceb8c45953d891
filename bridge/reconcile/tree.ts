/** The owner's whole tree with the entries that stand in it, kept true through our own changes. R10, R11. */

import { rightsOn } from '../../acl/desired.ts';
import { entryStep } from '../../acl/entry-plan.ts';
import { type Rights, without } from '../../acl/rights.ts';
import { Failure } from '../shared/failure.ts';
import { allOver, portions } from '../shared/portions.ts';
import { rememberFolders } from '../store/state/folders-seen.ts';
import { recordAllBefore } from '../store/state/ledger.ts';
import type { BeforeEntry, FolderName, Pair } from '../store/state/ledger-pairs.ts';
import type { Entries, Folder, OwnerView } from './driver-interfaces.ts';
import { INBOX } from './driver-interfaces.ts';
import type { Pass, Target } from './pass.ts';
import { patiently } from './slow-server.ts';

/** Of one delegate in one folder: what they should have, have now, and had before the grant. */
export interface EntryFacts {
  readonly desired: Rights | undefined;
  readonly effective: Rights;
  readonly before: Rights | undefined;
}

export interface Tree {
  readonly owner: OwnerView;
  /** As last listed. */
  readonly listed: readonly Folder[];
  /** Of these, those that the owner may administer. */
  readonly folders: readonly Folder[];
  has(folder: FolderName): boolean;
  /** The server's own id of a folder that is listed. */
  id(folder: FolderName): string;
  /** Whether it has come since the last verified pass, or become a special-use folder or an ordinary one. */
  isNew(folder: FolderName): boolean;
  entry(folder: FolderName, login: string): Rights | undefined;
  identifiers(folder: FolderName): readonly string[];
  /** Those that stand in the folder itself. */
  entries(folder: FolderName): Entries;
  /** Reads some folders' entries again. */
  refresh(folders: readonly FolderName[]): Promise<void>;
  /** Lists again: forgets folders that have gone, and reads the entries of those that have come or been renamed. Returns these. */
  newcomers(): Promise<readonly FolderName[]>;
  /** Sets or removes the delegate's entry. Returns whether anything was changed. */
  apply(folder: FolderName, login: string, facts: EntryFacts): Promise<boolean>;
  /** The same in several folders, a few at once. */
  applyAll(login: string, facts: ReadonlyMap<FolderName, EntryFacts>): Promise<boolean>;
  /**
   * Changes their entry and back again, for a folder that they may see and LIST doesn't show: Dovecot's LIST of shared folders goes by
   * a list of its own, which a RENAME leaves out of date until some entry of the tree changes.
   */
  touch(folder: FolderName, login: string, rights: Rights): Promise<void>;
}

/** So many entries are written before it is looked whether somebody else has changed the rows, or a revoke waits. */
export const ENTRIES_AT_ONCE = 5;

/** Where a revoke begins, a connection that has fallen silent isn't waited for as a server is that is slow: it is tried again on another. */
export async function readTree(pass: Pass, owner: OwnerView, { leaving }: Target): Promise<Tree> {
  const what = `the list of the folders of ${owner.login} with their ids`;
  const begins = leaving.some(({ phase }) => phase !== 'revoking');
  const list = () => (begins ? owner.folders() : patiently(pass, what, (patience) => owner.folders(patience)));
  let folders = await list();
  const { site } = pass;
  const unsettled = new Set(await rememberFolders(site.state, site.server.name, owner.login, folders));
  if (unsettled.size > 0) pass.unsettled.add(owner.login);
  const idOf = (folder: FolderName) => folders.find(({ name }) => name === folder)?.id ?? folder;
  const closed = (folder: FolderName) => void pass.failures.push(notHis(owner.login, folder));
  const entries = new Map<FolderName, Entries>(
    await owner.entries(
      folders.map(({ name }) => name),
      closed,
    ),
  );
  const put = (folder: FolderName, login: string, rights: Rights | undefined) => {
    const changed = new Map(entries.get(folder));
    if (rights === undefined) changed.delete(login);
    else changed.set(login, rights);
    entries.set(folder, changed);
  };
  const applyAll: Tree['applyAll'] = async (login, facts) => {
    const changes = [...facts].flatMap(([folder, { desired, effective, before }]) => {
      const step = entryStep({ desired, entry: entries.get(folder)?.get(login), effective, before });
      return step.kind === 'none' ? [] : [{ folder, rights: step.kind === 'set' ? step.rights : undefined }];
    });
    for (const some of portions(changes, ENTRIES_AT_ONCE)) {
      await pass.stillCurrent();
      await allOver(
        some.map(async ({ folder, rights }) => {
          const isThere = rights === undefined ? owner.remove(folder, login) : owner.set(folder, login, rights);
          if (await isThere) put(folder, login, rights);
          else entries.delete(folder); // it has vanished
        }),
      );
    }
    return changes.length > 0;
  };
  return {
    owner,
    get listed() {
      return folders;
    },
    get folders() {
      return folders.filter(({ name }) => entries.has(name));
    },
    has: (folder) => entries.has(folder),
    id: idOf,
    isNew: (folder) => unsettled.has(idOf(folder)),
    entry: (folder, login) => entries.get(folder)?.get(login),
    identifiers: (folder) => [...(entries.get(folder)?.keys() ?? [])],
    entries: (folder) => entries.get(folder) ?? new Map(),
    refresh: async (names) => {
      for (const [folder, there] of await owner.entries(names)) entries.set(folder, there);
    },
    newcomers: async () => {
      const before = new Map(folders.map(({ name, id }) => [name, id]));
      const knownIds = new Set(before.values());
      folders = await list();
      for (const { id } of folders) if (!knownIds.has(id)) unsettled.add(id);
      const fresh = folders.filter(({ name, id }) => before.get(name) !== id).map(({ name }) => name);
      for (const name of before.keys()) if (!folders.some((folder) => folder.name === name)) entries.delete(name);
      for (const [folder, there] of await owner.entries(fresh, closed)) entries.set(folder, there);
      return fresh;
    },
    apply: (folder, login, facts) => applyAll(login, new Map([[folder, facts]])),
    applyAll,
    touch: async (folder, login, rights) => {
      await pass.stillCurrent();
      // Posting is a right that no IMAP command asks for, so nobody misses it in between.
      const less = without(rights, rights.includes('p') ? 'p' : rights.slice(-1));
      for (const passing of [less, rights]) if (await owner.set(folder, login, passing)) put(folder, login, passing);
    },
  };
}

/** The others of the tree are worked on all the same; the pass as a whole fails, and is tried again. */
function notHis(owner: string, folder: FolderName): Failure {
  return new Failure(
    'config',
    `${owner} may not administer ${folder} of their own, so nothing can be given or taken there; the other folders are done`,
    `take away what denies it to them (a line of the global ACL file, a group-override, or): doveadm acl get -u ${owner} "${folder}"; doveadm acl delete -u ${owner} "${folder}" user=${owner}`,
  );
}

/** What the delegate should have in each folder. */
export function wanted(tree: Tree, rights: Rights): ReadonlyMap<FolderName, Rights> {
  return new Map(tree.folders.map((folder) => [folder.name, rightsOn(folder, rights)]));
}

/**
 * The entries of a pair that stood there before, read once, before the first write beyond INBOX. What a folder shows that isn't
 * known to have been there before the grant is a copy of ours, made by the server, when it is what we wrote into INBOX's entry.
 */
export async function readBefore(pass: Pass, pair: Pair, tree: Tree): Promise<Pair> {
  const [read = pair] = await readAllBefore(pass, [pair], tree);
  return read;
}

/** Of several, noted in one commit. */
export async function readAllBefore(pass: Pass, pairs: readonly Pair[], tree: Tree): Promise<readonly Pair[]> {
  const read = new Map(
    pairs.flatMap((pair) => (pair.foldersBefore === undefined ? [] : [[pair.id, entriesBefore(pair, tree)] as const])),
  );
  if (read.size === 0) return pairs;
  await recordAllBefore(pass.site.state, read);
  return pairs.map((pair) => {
    const before = read.get(pair.id);
    return before === undefined ? pair : { ...pair, foldersBefore: undefined, before };
  });
}

function entriesBefore(pair: Pair, tree: Tree): readonly BeforeEntry[] {
  const there = new Set(pair.foldersBefore);
  return tree.folders.flatMap(({ name, id, names }): readonly BeforeEntry[] => {
    const rights = tree.entry(name, pair.login);
    if (name === INBOX || rights === undefined) return [];
    // INBOX by another name has our entry already.
    return (there.has(id) && names?.includes(INBOX) !== true) || !pair.given.includes(rights)
      ? [{ folder: name, folderId: id, rights }]
      : [];
  });
}

/** The entry that stood in a folder before the grant, found by the folder's id, whatever it is called now. */
export function beforeIn(pair: Pair, folder: Folder): Rights | undefined {
  if (folder.name === INBOX) return pair.inboxBefore;
  const recorded = pair.before.filter(({ folderId, folder: name }) =>
    folderId === null ? name === folder.name : folderId === folder.id,
  );
  // Of two folders with one id, each its own: a Maildir that was copied.
  const found = recorded.find(({ folder: name }) => name === folder.name) ?? recorded[0];
  return found === undefined && folder.names?.includes(INBOX) === true ? pair.inboxBefore : found?.rights;
}
