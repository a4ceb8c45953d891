/**
 * Whom the data belongs to, and how a command that root types becomes that user. What root does in a directory that others may write can be
 * turned against root by a link; what the owner does there can't.
 */
import { lstatSync, statSync } from 'node:fs';

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Of a directory; undefined where it isn't there. */
export function ownerOf(directory: string): Owner | undefined {
  const stat = statSync(directory, { throwIfNoEntry: false });
  return stat?.isDirectory() ? { uid: stat.uid, gid: stat.gid } : undefined;
}

/** `groups`: names or ids of those that they need beside their own, as the unit gives them; what isn't there is left out. */
export function becomeForGood(owner: Owner | undefined, groups: readonly (string | number)[]): void {
  if (!isAnother(owner)) return;
  takeGroups(owner, groups);
  process.setgid?.(owner.gid);
  process.setuid?.(owner.uid);
}

/** The same for a command that needs root for other things than files of ours: see {@link asRoot}. Starts no program of the configuration. */
export function becomeForFiles(owner: Owner | undefined, groups: readonly (string | number)[]): void {
  if (!isAnother(owner)) return;
  takeGroups(owner, groups);
  process.seteuid?.(owner.uid);
}

/** What is started within the call is root's, where the command was root's. Nothing here may wait, nor touch a file of ours. */
export function asRoot<T>(start: () => T): T {
  const before = process.geteuid?.();
  if (before === undefined || before === 0 || process.getuid?.() !== 0) return start();
  process.seteuid?.(0);
  try {
    return start();
  } finally {
    process.seteuid?.(before);
  }
}

/** The types of node don't know it. */
const initgroups = (uid: number, gid: number) =>
  (process as unknown as { initgroups(user: number, extraGroup: number): void }).initgroups(uid, gid);

/** Whether root is to become somebody. */
export function isAnother(owner: Owner | undefined): owner is Owner {
  return owner !== undefined && owner.uid !== 0 && process.geteuid?.() === 0;
}

function takeGroups({ uid, gid }: Owner, more: readonly (string | number)[]): void {
  process.setegid?.(gid); // first: getgroups names the effective group too, and root's must not be among those set below
  try {
    initgroups(uid, gid);
  } catch {
    process.setgroups?.([gid]); // a number without a name
  }
  for (const one of more.map((group) => (/^\d+$/.test(`${group}`) ? Number(group) : group))) {
    try {
      process.setgroups?.([...new Set([...(process.getgroups?.() ?? []), one])]);
    } catch {
      // no such group: whoever needs it says so
    }
  }
}

/** Whether a path is a link, whose target somebody else may have chosen. */
export function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}
