/**
 * Names on both sides of a delegation, as NAMESPACE (RFC 2342) says: what is the owner's own, and what a delegate calls a folder of theirs.
 * Pure; folder names are as the server writes them (modified UTF-7).
 */
import { INBOX, type Unreachable } from '../reconcile/driver-interfaces.ts';
import type { FolderName } from '../store/state/ledger-pairs.ts';

export interface Namespace {
  /** What every name in it begins with; may be empty. */
  readonly prefix: string;
  readonly delimiter: string;
}

export interface Namespaces {
  /** One's own, in the server's order. */
  readonly personal: readonly Namespace[];
  /** Other users' folders: the first of {@link others}; undefined when the server offers none. */
  readonly otherUsers: Namespace | undefined;
  readonly others: readonly Namespace[];
  /** Everything that isn't the user's own. */
  readonly foreign: readonly Namespace[];
}

/** A place where one owner's folders are shown: the root is the INBOX, or what it lies in, and all others lie below. */
export interface Place {
  readonly root: string;
  readonly delimiter: string;
}

/** How one delegate names the folders of one owner. */
export interface OwnersNames {
  /** None where nothing of the owner is shown to the delegate, and it isn't known how it would be called. */
  readonly places: readonly Place[];
  /** The delegate's name of a folder that the owner calls so; undefined when they can't reach it. */
  nameOf(folder: FolderName): string | undefined;
  /** The owner's name of a folder that the delegate calls so; undefined when it is somebody else's. */
  folderOf(name: string): FolderName | undefined;
  /** The delegate's name of a folder that is called so at the top of the owner's mailbox. */
  atTop(name: string): string | undefined;
  /** Every name under which the delegate may have been subscribed to it. */
  subscriptions(folder: FolderName): readonly string[];
  /** The same place as the one that shows another of the owner's private namespaces. */
  of(own: Namespace): OwnersNames;
  /** LIST shows none of it: only asked for by name it was there, and what a session has asked for, LIST shows to it from then on. */
  readonly unlisted?: boolean;
  /** Why the server can't show this owner's folders to the delegate. */
  readonly unreachable?: Unreachable;
}

/** Whether a name that LIST shows is somebody else's folder: of the namespaces that it fits into, the one with the longest prefix counts. */
export function isForeign(name: string, { personal, foreign }: Pick<Namespaces, 'personal' | 'foreign'>): boolean {
  const theirs = closest(name, foreign);
  const own = closest(name, personal);
  return theirs !== undefined && (own === undefined || own.prefix.length < theirs.prefix.length);
}

function closest(name: string, namespaces: readonly Namespace[]): Namespace | undefined {
  return namespaces
    .filter(({ prefix, delimiter }) => name.startsWith(prefix) || `${name}${delimiter}` === prefix)
    .reduce<Namespace | undefined>(
      (best, one) => (best && best.prefix.length >= one.prefix.length ? best : one),
      undefined,
    );
}

const NO_PREFIX: Namespace = { prefix: '', delimiter: '/' };

/** The namespace that holds INBOX: one without a prefix, or below INBOX itself; else the first. */
export function home({ personal }: Pick<Namespaces, 'personal'>): Namespace {
  const usual = personal.find(({ prefix, delimiter }) => ['', INBOX + delimiter].includes(prefix.toUpperCase()));
  return usual ?? personal[0] ?? NO_PREFIX;
}

/** The owner's private namespace that a folder lies in; undefined for the one with INBOX. */
export function apartIn(folder: FolderName, owner: Pick<Namespaces, 'personal'>): Namespace | undefined {
  return isAtHome(folder, owner) ? undefined : closest(folder, owner.personal);
}

/** All private namespaces but the one with INBOX. */
export function apartOf(owner: Pick<Namespaces, 'personal'>): readonly Namespace[] {
  return owner.personal.filter((namespace) => namespace !== home(owner));
}

/** Whether it lies beside the owner's INBOX, and not in another private namespace. */
export function isAtHome(folder: FolderName, owner: Pick<Namespaces, 'personal'>): boolean {
  return folder === INBOX || owner.personal.length < 2 || closest(folder, owner.personal) === home(owner);
}

export interface Written {
  /** As the server writes the owner in the namespace for other users' folders. */
  readonly owner: string;
  /** Where an INBOX is a folder of its own below the owner's name: what it is called there. */
  readonly inbox?: string | undefined;
}

/**
 * Owners see `Sent`, or `INBOX.Sent`, or what else their private namespace begins with; a delegate sees `shared/OWNER/Sent`, and the INBOX
 * as `shared/OWNER`.
 */
export function belowTheOwner(
  space: Namespace,
  written: string | Written,
  owner: Pick<Namespaces, 'personal'> = { personal: [] },
  other?: Namespace,
): OwnersNames {
  const { owner: called, inbox = undefined } = typeof written === 'string' ? { owner: written } : written;
  const { delimiter } = space;
  const root = `${space.prefix}${called}`;
  const own = other ?? home(owner.personal.length === 0 ? { personal: [{ prefix: '', delimiter }] } : owner);
  const top = other === undefined ? INBOX : other.prefix.slice(0, -other.delimiter.length);
  const atTop = (name: string) => `${root}${delimiter}${name}`;
  const nameOf = (folder: FolderName) => {
    if (folder === top) return inbox === undefined ? root : atTop(inbox);
    if (!folder.startsWith(own.prefix) || apartIn(folder, owner) !== other) return undefined;
    const below = translated(folder.slice(own.prefix.length), own.delimiter, delimiter);
    return below === undefined || below === '' ? undefined : atTop(below);
  };
  return {
    places: [{ root, delimiter }],
    nameOf,
    folderOf: (name) => {
      if (name === root || (other === undefined && name === atTop(INBOX))) return top;
      if (!name.startsWith(root + delimiter)) return undefined;
      const below = translated(name.slice(root.length + delimiter.length), delimiter, own.delimiter);
      return below === undefined || below === '' ? undefined : own.prefix + below;
    },
    atTop,
    subscriptions: (folder) =>
      folder === INBOX && other === undefined
        ? [...new Set([root, atTop(inbox ?? INBOX)])]
        : [nameOf(folder) ?? []].flat(),
    of: (another) => belowTheOwner(space, called, owner, another),
  };
}

/** Undefined when a part of it holds what separates folders on the other side: there is no such name there. */
function translated(name: string, from: string, to: string): string | undefined {
  if (from === to) return name;
  const parts = name.split(from);
  return parts.some((part) => part.includes(to)) ? undefined : parts.join(to);
}

/** Where nothing is known: nothing is listed or asked, and only what may have been subscribed is told. */
export function nowhere(unreachable: Unreachable, possible: readonly OwnersNames[]): OwnersNames {
  return {
    places: [],
    nameOf: () => undefined,
    folderOf: () => undefined,
    atTop: () => undefined,
    subscriptions: (folder) => possible.flatMap((names) => names.subscriptions(folder)),
    of: (own) =>
      nowhere(
        unreachable,
        possible.map((names) => names.of(own)),
      ),
    unreachable,
  };
}
