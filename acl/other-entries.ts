/**
 * Other people's entries: who else can look or read, or could give themselves the right to, by an entry that isn't mandat's. They stay (what
 * isn't ours isn't ours to take), and are never silent. The site's own, from a global ACL file, are among them (`#anyone`); the owner's and
 * negative ones are not.
 */
import { rightsOn } from './desired.ts';
import { entryName } from './entry-name.ts';
import { canonical, type Rights } from './rights.ts';

export interface OtherEntry {
  /** As the ACL has it: a login, `anyone`, `authenticated`, `$group`, `!$group`; with `#` in front where it is the site's. */
  readonly identifier: string;
  /** In any of the folders. */
  readonly rights: Rights;
  /** How many folders have it; one on INBOX may be inherited by others. */
  readonly folders: number;
}

/** Looking, reading, and administering, by which one gives oneself the others. */
const OPENS = ['l', 'r', 'a'];

/** By identifier. `ours`: logins whose entries are mandat's. `entries`: of each folder, explicit ones. */
export function otherEntries(
  entries: Iterable<ReadonlyMap<string, Rights>>,
  owner: string,
  ours: ReadonlySet<string>,
): readonly OtherEntry[] {
  const found = new Map<string, { letters: string; folders: number }>();
  for (const folder of entries) {
    for (const [identifier, rights] of folder) {
      const { negative, sites, name: whose } = entryName(identifier);
      if (negative || whose === owner || whose === 'owner' || (ours.has(whose) && !sites)) continue;
      if (!OPENS.some((letter) => rights.includes(letter))) continue;
      const name = readable(identifier);
      const one = found.get(name) ?? { letters: '', folders: 0 };
      found.set(name, { letters: one.letters + rights, folders: one.folders + 1 });
    }
  }
  return [...found]
    .map(([identifier, { letters, folders }]) => ({ identifier, rights: canonical(letters), folders }))
    .sort((one, other) => (one.identifier < other.identifier ? -1 : 1));
}

/** Logins that have an entry in some folder which is just as mandat writes it there: all the rights that it gives, and none beside. */
export function likeOurs(
  folders: readonly { readonly name: string; readonly specialUse: boolean }[],
  entries: ReadonlyMap<string, ReadonlyMap<string, Rights>>,
  owner: string,
  rights: Rights,
): readonly string[] {
  const found = new Set<string>();
  for (const folder of folders)
    for (const [identifier, has] of entries.get(folder.name) ?? [])
      if (has === rightsOn(folder, rights) && identifier !== owner && !NO_LOGIN.test(identifier)) found.add(identifier);
  return [...found].sort();
}

/** Negative and global entries, groups, and everybody. */
const NO_LOGIN = /^[-#$!]|^(?:owner|anyone|anonymous|authenticated)$/;

/** Who it is, for people who know no ACL: the owner in a notice. */
export function whoseEntry(identifier: string): string {
  return identifier.replace(/^#/, '');
}

/** What came off the wire a character a byte, as the UTF-8 that it is; anything else as it came. */
function readable(identifier: string): string {
  if (!/[\x80-\xff]/.test(identifier) || /[^\0-\xff]/.test(identifier)) return identifier;
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(identifier, (one) => one.charCodeAt(0)));
  } catch {
    return identifier;
  }
}
