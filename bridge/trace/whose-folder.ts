/**
 * Whose folder a name is that a user's session uses: their own, or one of an owner's in a shared namespace, where the server writes the owner into
 * the name (Dovecot's `prefix = shared/%%u/` and its kin, imap/dovecot-names.ts). Pure; names are in UTF-8.
 */
import type { Namespace } from '../imap/namespaces.ts';

export interface Naming {
  /** The private namespace that holds INBOX. */
  readonly own: Namespace;
  /** Where others' folders are shown. */
  readonly others: readonly SharedSpace[];
}

export interface SharedSpace extends Namespace {
  /** How the owner is written, as it stands in dovecot.conf: `%%u`; undefined where it isn't known: any of them. */
  readonly pattern: string | undefined;
}

/** As the shipped fragments have it, until a delegate's session has shown how this server has it. */
export const SHIPPED_NAMING: Naming = {
  own: { prefix: '', delimiter: '/' },
  others: [{ prefix: 'shared/', delimiter: '/', pattern: '%%u' }],
};

export interface OwnersFolder {
  /** Logins that the name may mean, the likeliest first. */
  readonly logins: readonly string[];
  /** As that owner names the folder. */
  readonly folder: string;
}

/** The ways in which the name of an owner may be read, the likeliest first; undefined: it is the user's own folder. */
export function whoseFolder(name: string, user: string, naming: Naming): readonly OwnersFolder[] | undefined {
  const space = naming.others
    .filter(({ prefix, delimiter }) => name.startsWith(prefix) && name.length > prefix.length && delimiter !== '')
    .reduce<SharedSpace | undefined>(
      (best, one) => (best && best.prefix.length >= one.prefix.length ? best : one),
      undefined,
    );
  if (space === undefined || isOwn(name, naming, space)) return undefined;
  const parts = name.slice(space.prefix.length).split(space.delimiter);
  const known = FORMS.filter(({ pattern }) => space.pattern === undefined || pattern === space.pattern);
  return (known.length === 0 ? FORMS : known).flatMap(({ takes, logins }) =>
    parts.length < takes || parts.slice(0, takes).includes('')
      ? []
      : [{ logins: logins(parts, user), folder: folderBelow(parts.slice(takes), naming.own) }],
  );
}

/** A private namespace whose longer prefix it has. */
function isOwn(name: string, { own }: Naming, { prefix }: SharedSpace): boolean {
  return own.prefix.length > prefix.length && name.startsWith(own.prefix);
}

interface Form {
  readonly pattern: string;
  /** So many levels of the name. */
  readonly takes: number;
  logins(parts: readonly string[], user: string): readonly string[];
}

const FORMS: readonly Form[] = [
  { pattern: '%%u', takes: 1, logins: ([login = '']) => [login] },
  { pattern: '%%d/%%n', takes: 2, logins: ([domain = '', local = '']) => [`${local}@${domain}`] },
  { pattern: '%%n/%%d', takes: 2, logins: ([local = '', domain = '']) => [`${local}@${domain}`] },
  // Dovecot adds the user's own domain.
  { pattern: '%%n', takes: 1, logins: ([local = ''], user) => [`${local}@${user.replace(/^.*@/, '')}`, local] },
];

function folderBelow(parts: readonly string[], own: Namespace): string {
  const [first, ...rest] = parts;
  if (first === undefined || (parts.length === 1 && first === '')) return 'INBOX';
  if (first.toUpperCase() === 'INBOX') return rest.length === 0 ? 'INBOX' : ['INBOX', ...rest].join(own.delimiter);
  return own.prefix + parts.join(own.delimiter);
}
