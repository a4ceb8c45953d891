/**
 * Which of other people's entries decide what a delegate has. Dovecot goes from the weakest to the strongest: everybody, groups, the user's
 * own, group-override, then the site's in the same order. A stronger one takes the place of what the weaker ones give; a negative one takes its
 * letters from that. Who is in which group only the server knows, so the answer is worked out backwards, from what the delegate sees.
 */
import { type EntryName, entryName, mayConcern } from './entry-name.ts';
import { covers, missing, type Rights } from './rights.ts';

interface Candidate {
  readonly identifier: string;
  readonly name: EntryName;
  readonly rights: Rights;
}

/**
 * Identifiers of the entries that make of `own` (what the delegate's own entry gives) what is `seen`; none where no entry explains it.
 * `entries`: the folder's, and those that it inherits.
 */
export function deciding(
  entries: ReadonlyMap<string, Rights>,
  login: string,
  own: Rights,
  seen: Rights,
): readonly string[] {
  if (seen === own) return [];
  const others = candidates(entries, login);
  const negative = others.filter(({ name }) => name.negative);
  const stronger = others.filter(({ name }) => !name.negative && (name.sites || name.whom === 'override'));
  for (const given of [undefined, ...stronger]) {
    const base = given?.rights ?? own;
    const taken = missing(base, seen);
    const takers = negative.filter(({ rights }) => missing(taken, rights) !== taken);
    const explained = missing(taken, takers.map(({ rights }) => rights).join('') as Rights) === '';
    if (!covers(base, seen) || !explained) continue;
    const names = [...(given === undefined ? [] : [given]), ...(taken === '' ? [] : takers)];
    if (names.length > 0) return names.map(({ identifier }) => identifier);
  }
  return [];
}

/** Identifiers of the entries that may let somebody in who has none of their own: each gives some of what is `seen`. */
export function lettingIn(entries: ReadonlyMap<string, Rights>, login: string, seen: Rights): readonly string[] {
  const gives = ({ name, rights }: Candidate) => !name.negative && missing(seen, rights) !== seen;
  return candidates(entries, login)
    .filter(gives)
    .map(({ identifier }) => identifier);
}

/** Entries that may concern them, but for their own. */
function candidates(entries: ReadonlyMap<string, Rights>, login: string): readonly Candidate[] {
  return [...entries]
    .filter(([identifier]) => identifier !== login)
    .map(([identifier, rights]) => ({ identifier, name: entryName(identifier), rights }))
    .filter(({ name }) => mayConcern(name, login));
}

/** What a folder shows and what it may have from INBOX, its own entries first in their right. */
export function withInherited(
  folder: ReadonlyMap<string, Rights> | undefined,
  inbox: ReadonlyMap<string, Rights> | undefined,
): ReadonlyMap<string, Rights> {
  return new Map([...(inbox ?? []), ...(folder ?? [])]);
}

/** `foreign entry: "-bob@example.org"`: as the ACL has them; of the site's it is said where they stand. */
export function named(identifiers: readonly string[]): string {
  const sites = identifiers.some((one) => entryName(one).sites) ? " (the site's, from its global ACL file)" : '';
  return `foreign entry: "${identifiers.join(', ')}"${sites}`;
}
