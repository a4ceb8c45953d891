/**
 * The fields of a header that say who a message is from: From and Sender, those of a resent block (RFC 5322 sections 3.6.2 and 3.6.6),
 * and Author (RFC 9057). Reply-To is free. Whoever can log in can write them, so there are bounds to how much is read of them.
 */
import type { Field } from './header-fields.ts';

export const AUTHOR_NAMES = {
  from: 'From',
  sender: 'Sender',
  'resent-from': 'Resent-From',
  'resent-sender': 'Resent-Sender',
  author: 'Author',
} as const;
export type AuthorName = keyof typeof AUTHOR_NAMES;

/** Its name is one of {@link AUTHOR_NAMES}. */
export interface AuthorField extends Field {
  readonly name: AuthorName;
}

export type AuthorFields =
  | { readonly kind: 'fields'; readonly fields: readonly AuthorField[] }
  | { readonly kind: 'unfit'; readonly why: string };

/** In octets, folds and name included; of one field, and of all of them together. */
export const LONGEST_FIELD = 10_000;
export const LONGEST_TOGETHER = 30_000;
/** A message that was resent so often goes in circles. */
export const MOST_FIELDS = 100;

const isAuthor = (field: Field): field is AuthorField => Object.hasOwn(AUTHOR_NAMES, field.name);

/** One From, and no field that only some readers take for one of these: c-client reads `>From:` as From. */
export function authorFields(header: readonly Field[]): AuthorFields {
  const fields = header.filter(isAuthor);
  const from = fields.filter(({ name }) => name === 'from').length;
  if (from !== 1) return unfit(from === 0 ? 'From is missing' : `there are ${from} From lines`);
  const alike = header.find(({ name }) => name.startsWith('>') && Object.hasOwn(AUTHOR_NAMES, name.replace(/^>+/, '')));
  if (alike !== undefined) return unfit(`some programs read the field ${alike.name.slice(0, 20)} without its >`);
  const long = fields.find(({ raw }) => raw.length > LONGEST_FIELD);
  if (long !== undefined) return unfit(`${AUTHOR_NAMES[long.name]} is longer than ${LONGEST_FIELD} bytes`);
  if (fields.length > MOST_FIELDS) return unfit(`more than ${MOST_FIELDS} fields say who it is from`);
  if (fields.reduce((sum, { raw }) => sum + raw.length, 0) > LONGEST_TOGETHER) {
    return unfit(`the fields that say who it is from are longer than ${LONGEST_TOGETHER} bytes together`);
  }
  return { kind: 'fields', fields };
}

const unfit = (why: string): AuthorFields => ({ kind: 'unfit', why });
