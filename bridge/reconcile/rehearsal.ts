/**
 * A mail server that only pretends to change: reads go to the real one, changes stay in memory, and later reads show them. The same
 * passes that `sync` would make run on it, so that `sync --dry-run` prints exactly their steps.
 * What a delegate would see after a change is worked out as Dovecot does: their own entry decides, else INBOX's where it is inherited.
 */

import { hasRule, type SenderRule } from '../../acl/desired.ts';
import { negativeEntries } from '../../acl/entry-plan.ts';
import { NONE, type Rights, without } from '../../acl/rights.ts';
import type { FolderName } from '../store/state/ledger-pairs.ts';
import type { DelegateView, Entries, Folder, MailServer, OwnerView, SenderPublisher } from './driver-interfaces.ts';
import { INBOX } from './driver-interfaces.ts';

/** Changed entries by owner, folder and identifier; undefined where one was removed. */
type Changes = Map<string, Map<FolderName, Map<string, Rights | undefined>>>;

/** What was read as an owner, by owner: their folders, and the entries that really stand in them. */
interface Read {
  readonly folders: Map<string, readonly Folder[]>;
  readonly entries: Map<string, Map<FolderName, Entries>>;
}

/** What is known of the server: whether INBOX's entry is inherited, and whether delegates write the owner's list of subscriptions. */
export interface Known {
  readonly inherits: boolean;
  readonly ownersList: boolean;
}

/** Changed subscriptions by folder: in an owner's list, or in a delegate's of that owner's folders. */
type Lists = Map<string, Map<FolderName, boolean>>;

const overlay = (there: ReadonlySet<FolderName>, changed: ReadonlyMap<FolderName, boolean> = new Map()) => {
  const list = new Set(there);
  for (const [folder, does] of changed) does ? list.add(folder) : list.delete(folder);
  return list;
};

export function rehearsedServer(real: MailServer, { inherits, ownersList }: Known): MailServer {
  const changes: Changes = new Map();
  const read: Read = { folders: new Map(), entries: new Map() };
  const lists: Lists = new Map();
  const listOf = (owner: string, delegate: string) => (ownersList ? owner : JSON.stringify([owner, delegate]));
  const note = (list: string, folder: FolderName, does: boolean) => {
    lists.set(list, new Map([...(lists.get(list) ?? []), [folder, does]]));
    return true;
  };
  return {
    name: real.name,
    prepare: real.prepare,
    asOwner: async (login, ...how) => {
      const view = rehearsedOwner(await real.asOwner(login, ...how), changes, read);
      return {
        ...view,
        subscribed: async () => overlay(await view.subscribed(), lists.get(login)),
        subscribe: async (folder) => note(login, folder, true),
      };
    },
    asDelegate: async (login) => {
      const view = rehearsedDelegate(await real.asDelegate(login), changes, read, inherits);
      return {
        ...view,
        subscribed: async (owner) => overlay(await view.subscribed(owner), lists.get(listOf(owner, login))),
        subscribe: async (owner, folder) => note(listOf(owner, login), folder, true),
        unsubscribe: async (owner, folder) => note(listOf(owner, login), folder, false),
      };
    },
  };
}

function changesIn(changes: Changes, owner: string, folder: FolderName): Map<string, Rights | undefined> {
  const folders = changes.get(owner) ?? new Map();
  changes.set(owner, folders);
  const entries = folders.get(folder) ?? new Map();
  folders.set(folder, entries);
  return entries;
}

/** What was changed there, by this name or another of the same folder: its names show the same entries. */
function changesAt(changes: Changes, read: Read, owner: string, folder: FolderName): Map<string, Rights | undefined> {
  const names = read.folders.get(owner)?.find(({ name }) => name === folder)?.names ?? [];
  if (names.length === 0) return changesIn(changes, owner, folder);
  const standing = (name: FolderName) => JSON.stringify([...(read.entries.get(owner)?.get(name) ?? [])].sort());
  const same = names.filter((name) => name !== folder && standing(name) === standing(folder));
  return new Map([...same, folder].flatMap((name) => [...changesIn(changes, owner, name)]));
}

function rehearsedOwner(view: OwnerView, changes: Changes, read: Read): OwnerView {
  const standing = read.entries.get(view.login) ?? new Map<FolderName, Entries>();
  read.entries.set(view.login, standing);
  const overlaid = (folder: FolderName, there: ReadonlyMap<string, Rights>) => {
    const entries = new Map(there);
    for (const [identifier, rights] of changesAt(changes, read, view.login, folder)) {
      if (rights === undefined) entries.delete(identifier);
      else entries.set(identifier, rights);
    }
    return entries;
  };
  const change = async (folder: FolderName, identifier: string, rights: Rights | undefined) => {
    changesIn(changes, view.login, folder).set(identifier, rights);
    return true;
  };
  return {
    ...view,
    folders: async (patience) => {
      const folders = await view.folders(patience);
      read.folders.set(view.login, folders);
      return folders;
    },
    entries: async (folders, closed) => {
      const there = await view.entries(folders, closed);
      for (const [folder, entries] of there) standing.set(folder, entries);
      return new Map([...there].map(([folder, entries]) => [folder, overlaid(folder, entries)]));
    },
    set: change,
    remove: (folder, identifier) => change(folder, identifier, undefined),
  };
}

function rehearsedDelegate(view: DelegateView, changes: Changes, read: Read, inherits: boolean): DelegateView {
  const changed = (owner: string, folder: FolderName) => changesAt(changes, read, owner, folder);
  const anyChange = (owner: string) => [...(changes.get(owner)?.values() ?? [])].some((folder) => folder.size > 0);
  const inboxChanged = (owner: string) => changed(owner, INBOX).has(view.login);
  /** What is left of rights once a folder's negative entries have had their say. */
  const lessened = (owner: string, folder: FolderName, rights: Rights) => {
    const there = read.entries.get(owner)?.get(folder);
    const negative = there === undefined ? [] : negativeEntries(there.keys(), view.login);
    return without(rights, negative.map((identifier) => there?.get(identifier)).join(''));
  };
  const inherited = async (owner: string) =>
    inboxChanged(owner)
      ? lessened(owner, INBOX, (inherits ? changed(owner, INBOX).get(view.login) : undefined) ?? NONE)
      : view.inherited(owner);
  const rights: DelegateView['rights'] = async (owner, folders) => {
    const real = await view.rights(owner, folders);
    const fallback = await inherited(owner);
    return new Map(
      folders.map((folder) => {
        const own = changed(owner, folder);
        if (own.has(view.login))
          return [folder, lessened(owner, folder, own.get(view.login) ?? (folder === INBOX ? NONE : fallback))];
        const there = read.entries.get(owner)?.get(folder);
        const inheriting =
          inherits && there?.has(view.login) === false && negativeEntries(there.keys(), view.login).length === 0;
        return [folder, inboxChanged(owner) && inheriting ? fallback : (real.get(folder) ?? NONE)];
      }),
    );
  };
  return {
    ...view,
    unreachable: async (owner) => {
      const why = await view.unreachable(owner);
      return why?.yet === true && anyChange(owner) ? undefined : why;
    },
    reach: async (owner, folders) => {
      const why = await view.unreachable(owner);
      const beside = folders.filter(({ apart }) => apart === undefined);
      return why?.yet === true ? new Set(beside.map(({ name }) => name)) : view.reach(owner, folders);
    },
    untried: async () => [],
    inherited,
    rights,
    listed: async (owner) => {
      if (!anyChange(owner)) return view.listed(owner);
      const names = read.folders.get(owner)?.map(({ name }) => name) ?? [...(await view.listed(owner))];
      return new Set(
        [...(await rights(owner, names))].filter(([, right]) => right.includes('l')).map(([name]) => name),
      );
    },
  };
}

export function rehearsedPublisher(real: Omit<SenderPublisher, 'publish'>): SenderPublisher {
  const published = new Map<number, readonly SenderRule[]>();
  const rules = (mailboxId: number) => published.get(mailboxId) ?? real.rules(mailboxId);
  return {
    rules,
    othersAt: (addresses, mailboxId) =>
      real.othersAt(addresses, mailboxId).filter((rule) => hasRule(rules(rule.mailboxId), rule)),
    mailboxIds: real.mailboxIds,
    publish: (mailboxId, next) => {
      const there = rules(mailboxId);
      published.set(mailboxId, next);
      return {
        added: next.filter((rule) => !hasRule(there, rule)),
        removed: there.filter((rule) => !hasRule(next, rule)),
      };
    },
  };
}
