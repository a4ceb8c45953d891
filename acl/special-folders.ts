/**
 * Which folders of a mailbox are special: Sent, Drafts, Junk, Trash and the like, which a delegate may fill and empty but not delete or
 * rename. For each use (RFC 6154), the folders that the server flags for it; where it flags none, those that are called as folders of
 * that use usually are, at the top or directly below INBOX. With each of them the folders that it lies in, since a RENAME carries
 * along what lies below.
 */
import { folded, NAMED_USES, type NamedUse, usualNames } from './usual-names.ts';

export interface ListedFolder {
  /** As people read it, from the top of the mailbox: without what the server puts before all of an owner's names. */
  readonly path: string;
  /** Empty where the server has no levels. */
  readonly delimiter: string;
  /** As LIST has them, in lower case. */
  readonly flags: ReadonlySet<string>;
}

/** Further names for folders of a use, as people write them, before the usual ones: the site's own. */
export type SiteNames = Partial<Readonly<Record<NamedUse, readonly string[]>>>;

/** RFC 6154 section 2, and RFC 8457. */
const FLAGS = ['\\all', '\\archive', '\\drafts', '\\flagged', '\\important', '\\junk', '\\sent', '\\trash'];

export function specialFolders<Folder extends ListedFolder>(
  folders: readonly Folder[],
  site: SiteNames = {},
): ReadonlySet<Folder> {
  const flagged = folders.filter(({ flags }) => FLAGS.some((flag) => flags.has(flag)));
  const called = byName(folders);
  const special = [...flagged, ...NAMED_USES.flatMap((use) => ofUse(folders, called, use, site))];
  return new Set([...special, ...above(special, folders)]);
}

/** The one that is meant where one is wanted: the first that is flagged, else the first by the order of the names. */
export function folderOfUse<Folder extends ListedFolder>(
  folders: readonly Folder[],
  use: NamedUse,
  site: SiteNames = {},
): Folder | undefined {
  return ofUse(folders, byName(folders), use, site)[0];
}

interface Called<Folder> {
  /** At the top or directly below INBOX, by {@link folded} name. */
  readonly atTop: ReadonlyMap<string, readonly Folder[]>;
  /** By {@link folded} path. */
  readonly anywhere: ReadonlyMap<string, readonly Folder[]>;
}

function byName<Folder extends ListedFolder>(folders: readonly Folder[]): Called<Folder> {
  const atTop = new Map<string, Folder[]>();
  const anywhere = new Map<string, Folder[]>();
  const note = (map: Map<string, Folder[]>, name: string, folder: Folder) =>
    map.set(name, [...(map.get(name) ?? []), folder]);
  for (const folder of folders) {
    const path = folded(folder.path);
    const name = nameAtTop(path, folder.delimiter);
    note(anywhere, path, folder);
    if (name !== undefined) note(atTop, name, folder);
  }
  return { atTop, anywhere };
}

function ofUse<Folder extends ListedFolder>(
  folders: readonly Folder[],
  { atTop, anywhere }: Called<Folder>,
  use: NamedUse,
  site: SiteNames,
): readonly Folder[] {
  const flagged = folders.filter(({ flags }) => flags.has(`\\${use}`));
  if (flagged.length > 0) return flagged;
  const own = (site[use] ?? []).map(folded);
  const found = [
    ...own.flatMap((name) => [...(atTop.get(name) ?? []), ...(anywhere.get(name) ?? [])]),
    ...usualNames(use).flatMap((name) => atTop.get(name) ?? []),
  ];
  return [...new Set(found)];
}

/** Undefined for a folder that lies deeper. */
function nameAtTop(path: string, delimiter: string): string | undefined {
  if (delimiter === '') return path;
  const inbox = `INBOX${delimiter}`;
  const rest = path.startsWith(inbox) ? path.slice(inbox.length) : path;
  return rest.includes(delimiter) ? undefined : rest;
}

/** The folders that these lie in; never INBOX, which other folders take their rights from. */
function above<Folder extends ListedFolder>(special: readonly Folder[], folders: readonly Folder[]): readonly Folder[] {
  const paths = new Set(
    special.flatMap(({ path, delimiter }) => {
      const parts = delimiter === '' ? [path] : path.split(delimiter);
      return parts.slice(1).map((_, at) => parts.slice(0, at + 1).join(delimiter));
    }),
  );
  return folders.filter(({ path }) => paths.has(path) && path.toUpperCase() !== 'INBOX');
}
