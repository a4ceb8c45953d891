/** What somebody holds in a mailbox by hand-made entries, beside what a grant would give: before it is adopted. Pure. */
import { rightsOn } from './desired.ts';
import { entryName } from './entry-name.ts';
import { canonical, covers, NONE, type Rights } from './rights.ts';

/**
 * `whole`: in each folder just what a grant gives; `partial`: less in some, more in none; `more`: in some folder a right that no grant gives,
 * such as `a`, or `x` on a special folder.
 */
export type Extent = 'whole' | 'partial' | 'more';

export interface Holding {
  readonly extent: Extent;
  /** Folders in which they hold anything. */
  readonly folders: number;
  /** Of how many. */
  readonly of: number;
  /** In any of them. */
  readonly rights: Rights;
}

type Folder = Parameters<typeof rightsOn>[0] & { readonly name: string };

/** `holds`: what they may do in a folder. */
export function holding(folders: readonly Folder[], holds: (folder: string) => Rights, rights: Rights): Holding {
  const each = folders.map((folder) => ({ has: holds(folder.name), should: rightsOn(folder, rights) }));
  const more = each.some(({ has, should }) => !covers(should, has));
  const partial = each.some(({ has, should }) => !covers(has, should));
  return {
    extent: more ? 'more' : partial ? 'partial' : 'whole',
    folders: each.filter(({ has }) => has !== NONE).length,
    of: each.length,
    rights: canonical(each.map(({ has }) => has).join('')),
  };
}

/** Whether an entry is a user's own, of somebody else than the owner: not a group's, the site's, everybody's or a negative one. */
export function isAUsers(identifier: string, owner: string): boolean {
  const { negative, sites, whom, name } = entryName(identifier);
  return !negative && !sites && whom === 'user' && name !== owner && name !== 'owner' && name !== 'anonymous';
}
