/**
 * Rights as a mailbox delegation knows them: one letter each, held as a string in one canonical order,
 * so that two sets are equal exactly when their strings are.
 * RFC 4314 section 2.1; the virtual rights `c` and `d` (section 2.1.1) never appear here.
 */

/** A canonical rights string: letters of {@link LETTERS}, each once, in that order. Empty means no right at all. */
export type Rights = string & { readonly __rights: unique symbol };

/** Every right that is a right of its own, in our canonical order: those of RFC 4314, and what else servers know. */
export const LETTERS = [
  'l', // lookup: LIST, SUBSCRIBE
  'r', // read: SELECT, STATUS
  's', // keep \Seen across sessions
  'w', // write other flags
  'i', // insert: APPEND, COPY into
  'p', // post to the folder's submission address
  'k', // create folders below
  'x', // delete or rename the folder itself
  't', // set \Deleted
  'e', // expunge
  'a', // administer: SETACL, DELETEACL, GETACL
  'n', // annotate messages (RFC 5257 section 4.8); Cyrus has it
  ...'0123456789', // the site's own (RFC 2086 section 3); Cyrus uses some for calendars
] as const;

export const NONE = '' as Rights;

/**
 * The canonical form of whatever a server or a person wrote.
 * Servers add `c` and `d` to their answers and reorder letters; both are dropped (RFC 4314 section 2.1.1), and so is any letter that
 * isn't a right. Cyrus' `n` and digits stay: mandat gives none of them, and puts back what somebody else has given.
 */
export function canonical(text: string): Rights {
  return LETTERS.filter((letter) => text.includes(letter)).join('') as Rights;
}

/**
 * What a server says of somebody's rights. One that knows RFC 2086 only says `c` for what is k here, and `d` for x, t and e together
 * (RFC 4314 section 2.1.1); one that knows them apart never says `c` or `d` without one of these.
 */
export function asAnswered(text: string): Rights {
  const create = text.includes('c') && !/[kx]/.test(text) ? 'k' : '';
  const remove = text.includes('d') && !/[xte]/.test(text) ? 'xte' : '';
  return canonical(text + create + remove);
}

export function without(rights: Rights, letters: string): Rights {
  return canonical([...rights].filter((letter) => !letters.includes(letter)).join(''));
}

/** Whether every letter of `part` is in `whole`. */
export function covers(whole: Rights, part: Rights): boolean {
  return [...part].every((letter) => whole.includes(letter));
}

/** The letters of `rights` that `other` lacks. */
export function missing(rights: Rights, other: Rights): Rights {
  return without(rights, other);
}
