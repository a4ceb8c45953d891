/**
 * One folder that a server lists by several names: a link in a Maildir (`Sent Items` to `Sent`) has the id and the ACL of what it leads to. Rights
 * belong to the folder, so they are the same by each name: the stricter ones.
 */
import type { Rights } from './rights.ts';

export interface Named {
  readonly name: string;
  readonly id: string;
  readonly specialUse: boolean;
  /** All names of this folder, this one among them; undefined where it has only the one. */
  readonly names?: readonly string[];
}

/** Special by one name is special by all. */
export function knownById<Folder extends Named>(folders: readonly Folder[]): readonly Folder[] {
  const groups = new Map<string, Folder[]>();
  for (const folder of folders) groups.set(folder.id, [...(groups.get(folder.id) ?? []), folder]);
  if (groups.size === folders.length) return folders;
  return folders.map((folder) => {
    const group = groups.get(folder.id) ?? [folder];
    if (group.length === 1) return folder;
    return { ...folder, names: group.map(({ name }) => name), specialUse: group.some((one) => one.specialUse) };
  });
}

/** The entries of each folder once. Folders of one id whose entries differ are two after all: a Maildir that was copied, id and all. */
export function* entriesOnce(
  folders: readonly Named[],
  entries: (name: string) => ReadonlyMap<string, Rights> | undefined,
): Generator<ReadonlyMap<string, Rights>> {
  const seen = new Set<string>();
  for (const { name, id } of folders) {
    const there = entries(name) ?? new Map<string, Rights>();
    const key = JSON.stringify([id, [...there].sort()]);
    if (!seen.has(key)) yield there;
    seen.add(key);
  }
}
