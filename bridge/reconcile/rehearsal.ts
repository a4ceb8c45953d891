/**
 * A mail server that only pretends to change: reads go to the real one, changes stay in memory, and later reads show them. The same
 * passes that `sync` would make run on it, so that `sync --dry-run` prints exactly their steps.
 * What a delegate would see after a change is worked out as Dovecot does: his own entry decides, else INBOX's where it is inherited.
 */

import type { SenderRule } from '../../acl/desired.ts';
import { NONE, type Rights } from '../../acl/rights.ts';
import type { FolderName } from '../store/ledger.ts';
import type { DelegateView, MailServer, OwnerView, SenderPublisher } from './mail-server.ts';
import { INBOX } from './mail-server.ts';

/** Changed entries by owner, folder and identifier; undefined where one was removed. */
type Changes = Map<string, Map<FolderName, Map<string, Rights | undefined>>>;

export function rehearsedServer(real: MailServer, inherits: boolean): MailServer {
  const changes: Changes = new Map();
  const seenFolders = new Map<string, readonly FolderName[]>();
  return {
    name: real.name,
    asOwner: async (login) => rehearsedOwner(await real.asOwner(login), changes, seenFolders),
    asDelegate: async (login) => rehearsedDelegate(await real.asDelegate(login), changes, seenFolders, inherits),
  };
}

function changesIn(changes: Changes, owner: string, folder: FolderName): Map<string, Rights | undefined> {
  const folders = changes.get(owner) ?? new Map();
  changes.set(owner, folders);
  const entries = folders.get(folder) ?? new Map();
  folders.set(folder, entries);
  return entries;
}

function rehearsedOwner(view: OwnerView, changes: Changes, seen: Map<string, readonly FolderName[]>): OwnerView {
  const overlaid = (folder: FolderName, there: ReadonlyMap<string, Rights>) => {
    const entries = new Map(there);
    for (const [identifier, rights] of changesIn(changes, view.login, folder)) {
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
    folders: async () => {
      const folders = await view.folders();
      seen.set(
        view.login,
        folders.map(({ name }) => name),
      );
      return folders;
    },
    entries: async (folders) =>
      new Map([...(await view.entries(folders))].map(([folder, there]) => [folder, overlaid(folder, there)])),
    set: change,
    remove: (folder, identifier) => change(folder, identifier, undefined),
  };
}

function rehearsedDelegate(
  view: DelegateView,
  changes: Changes,
  seen: Map<string, readonly FolderName[]>,
  inherits: boolean,
): DelegateView {
  const changed = (owner: string, folder: FolderName) => changesIn(changes, owner, folder);
  const inboxChanged = (owner: string) => changed(owner, INBOX).has(view.login);
  const inherited = async (owner: string) =>
    inboxChanged(owner)
      ? ((inherits ? changed(owner, INBOX).get(view.login) : undefined) ?? NONE)
      : view.inherited(owner);
  const rights: DelegateView['rights'] = async (owner, folders) => {
    const real = await view.rights(owner, folders);
    const fallback = await inherited(owner);
    return new Map(
      folders.map((folder) => {
        const own = changed(owner, folder);
        if (own.has(view.login)) return [folder, own.get(view.login) ?? (folder === INBOX ? NONE : fallback)];
        const untouched = real.get(folder) ?? NONE;
        return [folder, inboxChanged(owner) && untouched === NONE ? fallback : untouched];
      }),
    );
  };
  return {
    ...view,
    inherited,
    rights,
    listed: async (owner) => {
      const names = seen.get(owner) ?? [...(await view.listed(owner))];
      return new Set(
        [...(await rights(owner, names))].filter(([, right]) => right.includes('l')).map(([name]) => name),
      );
    },
    subscribe: async () => true,
    unsubscribe: async () => true,
  };
}

export function rehearsedPublisher(real: Pick<SenderPublisher, 'rules'>): SenderPublisher {
  const published = new Map<number, readonly SenderRule[]>();
  const rules = (mailboxId: number) => published.get(mailboxId) ?? real.rules(mailboxId);
  return {
    rules,
    publish: (mailboxId, next) => {
      const there = rules(mailboxId);
      const within = (rule: SenderRule, all: readonly SenderRule[]) =>
        all.some(({ address, login }) => address === rule.address && login === rule.login);
      published.set(mailboxId, next);
      return {
        added: next.filter((rule) => !within(rule, there)),
        removed: there.filter((rule) => !within(rule, next)),
      };
    },
  };
}
