/**
 * Names on both sides of a delegation, as NAMESPACE (RFC 2342) says: what is the owner's own, and what a delegate calls a folder of theirs.
 * Pure; folder names are as the server writes them (modified UTF-7).
 */
import { INBOX } from '../reconcile/mail-server.ts';
import type { FolderName } from '../store/pairs.ts';

export interface Namespace {
  /** What every name in it begins with; may be empty. */
  readonly prefix: string;
  readonly delimiter: string;
}

export interface Namespaces {
  /** One's own, the one with INBOX first. */
  readonly personal: readonly Namespace[];
  /** Other users' folders; undefined when the server offers none. */
  readonly otherUsers: Namespace | undefined;
  /** Prefixes of everything that isn't the user's own. */
  readonly foreign: readonly string[];
}

/** How one delegate names the folders of one owner. */
export interface OwnersNames {
  /** What all of the owner's folders lie below, or are. */
  readonly root: string;
  readonly delimiter: string;
  /** The delegate's name of a folder that the owner calls so. */
  nameOf(folder: FolderName): string;
  /** The owner's name of a folder that the delegate calls so; undefined when it is somebody else's. */
  folderOf(name: string): FolderName | undefined;
}

/** Whether a name that LIST shows is somebody else's folder. */
export function isForeign(name: string, { foreign }: Pick<Namespaces, 'foreign'>): boolean {
  return foreign.some((prefix) => `${name}/`.startsWith(prefix) || name.startsWith(prefix));
}

/** Owners see `Sent`; a delegate sees it as `shared/OWNER/Sent`, and the INBOX as `shared/OWNER`. */
export function belowTheOwner({ prefix, delimiter }: Namespace, owner: string): OwnersNames {
  const root = `${prefix}${owner}`;
  return {
    root,
    delimiter,
    nameOf: (folder) => (folder === INBOX ? root : `${root}${delimiter}${folder}`),
    folderOf: (name) => {
      if (name === root) return INBOX;
      return name.startsWith(root + delimiter) ? name.slice(root.length + delimiter.length) : undefined;
    },
  };
}
