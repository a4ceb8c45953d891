/** The author fields of a message, each read once: the addresses that the table is to be asked about, and how each field is to leave. */
import { type Mailbox, readAddresses } from './address-list.ts';
import { AUTHOR_NAMES, type AuthorField, authorFields } from './author-fields.ts';
import { addressesShown } from './display-name.ts';
import type { Field } from './header-fields.ts';
import { isPlain, isPlainButFolded, plainList, signedNames } from './plain-form.ts';
import { ambiguous, type Refusal, refuse } from './verdict.ts';

/** Each costs a look into the table. */
const MOST_ADDRESSES = 100;

export interface Author {
  readonly field: AuthorField;
  /** None of a Sender that can't be read: it is taken out. */
  readonly mailboxes: readonly Named[];
  /** As it is to leave, in Unicode, without its name. */
  readonly text: string;
}

export interface Named extends Pick<Mailbox, 'address' | 'text'> {
  /** The addresses that its name shows beside its own. */
  readonly shows: readonly string[];
  /** An at sign in its name can be read in several ways. */
  readonly unclear: boolean;
}

export interface Authors {
  readonly kind: 'authors';
  readonly from: Author;
  /** All of them, From too. */
  readonly fields: readonly Author[];
  /** Of which the rights must be known before it is decided. */
  readonly addresses: readonly string[];
  /** In lower case, those that a DKIM signature covers. */
  readonly signed: ReadonlySet<string>;
}

/** A refusal where they can't be read, or can't be read alike. */
export function authorsOf(mail: {
  readonly fields: readonly Field[];
  readonly utf8: boolean;
  /** '' is the null sender. */
  readonly mailFrom: string;
}): Authors | Refusal {
  const found = authorFields(mail.fields);
  if (found.kind === 'unfit') return ambiguous(found.why);
  const fields: Author[] = [];
  for (const field of found.fields) {
    const list = readAddresses(field.value, mail.utf8);
    if (list.kind === 'ambiguous' && field.name !== 'sender') {
      return ambiguous(`${AUTHOR_NAMES[field.name]}: ${list.why}`);
    }
    const mailboxes = list.kind === 'ambiguous' ? [] : list.mailboxes;
    fields.push({ field, mailboxes: mailboxes.map(named), text: plainList(field.name, mailboxes) });
  }
  const from = fields.find(({ field }) => field.name === 'from');
  if (from === undefined) return ambiguous('From is missing');
  const addresses = fields.flatMap(({ mailboxes }) => mailboxes.flatMap(({ address, shows }) => [address, ...shows]));
  const asked = new Set(mail.mailFrom === '' ? addresses : [mail.mailFrom, ...addresses]);
  if (asked.size > MOST_ADDRESSES) return ambiguous(`it names more than ${MOST_ADDRESSES} addresses as authors`);
  return { kind: 'authors', from, fields, addresses: [...asked], signed: signedNames(mail.fields) };
}

/** A name that is nothing but its own address shows none. */
function named({ address, text, shown }: Mailbox): Named {
  const own = address.toLowerCase();
  const names = shown.filter((name) => name.toLowerCase() !== own).map(addressesShown);
  const shows = names.flatMap(({ addresses }) => addresses).filter((one) => one.toLowerCase() !== own);
  return { address, text, shows, unclear: names.some(({ unclear }) => unclear) };
}

/** What the field is to say, undefined to leave it; or a refusal, since a signature that covers it would not verify any more. */
export function anew({ field, text }: Author, signed: ReadonlySet<string>): string | undefined | Refusal {
  if (isPlain(field, text)) return undefined;
  if (!signed.has(field.name)) return text;
  return isPlainButFolded(field, text) ? undefined : signedOver(AUTHOR_NAMES[field.name]);
}

const signedOver = (name: string) =>
  refuse(
    550,
    `5.6.0 ${name} is not in the form that all programs read alike ("Name" <address>), and cannot be brought into it, since a DKIM signature covers it: correct it, or sign later`,
  );
