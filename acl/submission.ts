/**
 * Who may say in a header that he wrote it. One verdict a message, whatever the number of recipients; the first row that fits:
 *
 *   no Received of Postfix's own on top ............... refused 554
 *   Postfix's Received without a login ................ refused 530: nobody has logged in
 *   header can be read in two ways ..................... refused 550 5.6.0
 *   author fields beyond their bounds .................. refused 550 5.6.0 (acl/author-fields.ts)
 *   From: none, or two lines, or ambiguous ............. refused 550 5.6.0, with the reason
 *   the table can't be read ............................ later 451
 *   MAIL FROM:<> ....................................... the header alone decides
 *   MAIL FROM of somebody else ......................... refused 550 5.7.1, though the header be right
 *   MAIL FROM and From differ, both allowed ............ as the header says
 *   Resent-From, Resent-Sender, Author: the same ....... refused as From is, never rewritten
 *   a delegation that is gone, and held by the guard ... later 451 (*)
 *   From, any of them not allowed ...................... refused 550 5.7.1 naming address and login, or rewritten to self
 *   a display name shows another address ............... refused 550 5.7.1, or the name taken out
 *   From: own addresses only ........................... pass; a false Sender is removed
 *   From: an owner's, mode on-behalf (**) .............. pass; Sender is the delegate's own address, none where he has no mailbox
 *   From: an owner's, mode send-as (**) ................ pass; no Sender
 *   From: several addresses, an owner's among them ..... pass on behalf of each owner; Sender as in on-behalf
 *
 * (*) In the envelope, From or Resent-From: so many disappeared at once that it may be an accident (acl/guard.ts). Never a yes.
 * (**) The delegation's mode, else the site's.
 *
 * Several addresses in From need a Sender (RFC 5322 section 3.6.2): own address where there is one. Reply-To is free. R1, R31.
 */
import { type AddressList, type Mailbox, readAddresses } from './address-list.ts';
import { AUTHOR_NAMES, authorFields } from './author-fields.ts';
import { addressesShown } from './display-name.ts';
import type { Field } from './header-fields.ts';
import type { SendMode } from './policy.ts';

/**
 * Whose an address is, seen from the login: his own, an owner's who has delegated to him, an owner's whose delegation to him has gone with
 * too many others at once, or none of these.
 */
export type Standing =
  | { readonly kind: 'own' }
  | { readonly kind: 'owner'; readonly owner: string; readonly mode: SendMode | null }
  | { readonly kind: 'held' }
  | { readonly kind: 'stranger' };

/** What is held is no more his than a stranger's. */
export const mayUse = ({ kind }: Standing): boolean => kind === 'own' || kind === 'owner';

export interface Rights {
  /** The login's own address; null where he has no mailbox. */
  readonly self: string | null;
  /** By the address as written. */
  readonly standing: (address: string) => Standing;
}

export interface SubmissionRules {
  /** Where the delegation says nothing else. */
  readonly mode: SendMode;
  readonly onMismatch: 'reject' | 'rewrite';
  readonly onImitation: 'reject' | 'rewrite';
}

export interface Submission {
  readonly login: string;
  /** '' is the null sender. */
  readonly mailFrom: string;
  /** SMTPUTF8: its header may hold UTF-8. */
  readonly utf8: boolean;
  readonly fields: readonly Field[];
}

/** `owners`: the addresses of the mailboxes on whose behalf it is sent, each once; none for his own. */
export type SubmissionVerdict =
  | { readonly kind: 'pass'; readonly owners: readonly string[]; readonly changes: Changes }
  | {
      readonly kind: 'refuse';
      readonly code: number;
      readonly text: string;
      /** The address that the login may not use, where that is why. */
      readonly forged?: string;
    }
  | { readonly kind: 'later'; readonly code: number; readonly text: string };

export interface Changes {
  /** What From is to be, or undefined to leave it. */
  readonly from: string | undefined;
  /** `keep` what stands there, or have this one, or none. */
  readonly sender:
    | { readonly kind: 'keep' }
    | { readonly kind: 'set'; readonly address: string }
    | { readonly kind: 'none' };
}

export const refuse = (code: number, text: string) => ({ kind: 'refuse', code, text }) as const;
export const later = (text: string) => ({ kind: 'later', code: 451, text }) as const;

const HELD =
  'has lost the right to send as this address together with many others, which may be an accident: ask the administrator, or try again';
const UNREADABLE = '4.3.0 who may send as whom cannot be looked up now: try again';

/** Each address costs a look into the table. */
const MOST_ADDRESSES = 100;

interface Read {
  readonly name: keyof typeof AUTHOR_NAMES;
  readonly list: AddressList;
}

/** The author fields, each read once. */
export interface Authors {
  readonly kind: 'authors';
  readonly fields: readonly Read[];
  /** Of which the rights must be known before {@link decide}. */
  readonly addresses: readonly string[];
}

/** A refusal where they can't be read. */
export function authorsOf({ fields, utf8, mailFrom }: Submission): Authors | ReturnType<typeof refuse> {
  const found = authorFields(fields);
  if (found.kind === 'unfit') return ambiguous(found.why);
  const read = found.fields.map(({ name, value }): Read => ({ name, list: readAddresses(value, utf8) }));
  for (const { name, list } of read) {
    if (list.kind === 'ambiguous' && name !== 'sender') return ambiguous(`${AUTHOR_NAMES[name]}: ${list.why}`);
  }
  const named = read.flatMap(({ list }) =>
    mailboxesOf(list).flatMap(({ address, shown }) => [address, ...addressesShown(shown).addresses]),
  );
  const addresses = [...new Set(mailFrom === '' ? named : [mailFrom, ...named])];
  if (addresses.length > MOST_ADDRESSES) return ambiguous(`it names more than ${MOST_ADDRESSES} addresses as authors`);
  return { kind: 'authors', fields: read, addresses };
}

/** `rights` undefined: they can't be read. */
export function decide(
  { login, mailFrom }: Submission,
  authors: Authors,
  rights: Rights | undefined,
  rules: SubmissionRules,
): SubmissionVerdict {
  if (rights === undefined) return later(UNREADABLE);
  const stranger = (address: string) => rights.standing(address).kind === 'stranger';
  if (mailFrom !== '' && stranger(mailFrom)) return foreign(mailFrom, login, 'as the envelope sender');
  const lists = (name: string) => authors.fields.filter((field) => field.name === name).map(({ list }) => list);
  const shownWrongly = ({ address, shown }: Mailbox) => {
    const { addresses, unclear } = addressesShown(shown);
    const strange = (one: string) => one.toLowerCase() !== address.toLowerCase() && !mayUse(rights.standing(one));
    return unclear || addresses.some(strange);
  };
  const resent: Mailbox[] = [];
  for (const { name, list } of authors.fields) {
    if (name === 'from' || name === 'sender') continue;
    const wrong = mailboxesOf(list).find(({ address }) => stranger(address));
    if (wrong !== undefined) return foreign(wrong.address, login, `in ${AUTHOR_NAMES[name]}`);
    if (mailboxesOf(list).some(shownWrongly)) return imitates(AUTHOR_NAMES[name]);
    resent.push(...mailboxesOf(list));
  }

  const from = lists('from').flatMap(mailboxesOf);
  const writers = [...resent, ...from].map(({ address }) => address);
  const held = (mailFrom === '' ? writers : [mailFrom, ...writers]).find((one) => rights.standing(one).kind === 'held');
  if (held !== undefined) return later(`4.3.0 <${held}>: ${login} ${HELD}`);
  const forged = from.find(({ address }) => stranger(address));
  if (forged !== undefined) {
    if (rules.onMismatch === 'reject' || rights.self === null) return foreign(forged.address, login, 'in From');
    return { kind: 'pass', owners: [], changes: { from: `<${rights.self}>`, sender: { kind: 'none' } } };
  }
  const imitating = from.some(shownWrongly);
  if (imitating && rules.onImitation === 'reject') return imitates('From');
  const bare = imitating ? from.map(({ address }) => `<${address}>`).join(', ') : undefined;

  const forWhom = from.flatMap(({ address }) => {
    const standing = rights.standing(address);
    return standing.kind === 'owner' ? [standing] : [];
  });
  const { self } = rights;
  const himself = self === null ? ({ kind: 'none' } as const) : ({ kind: 'set', address: self } as const);
  if (forWhom.length > 0) {
    const open = from.length > 1 || forWhom.some(({ mode }) => (mode ?? rules.mode) === 'on-behalf');
    const sender = open ? himself : ({ kind: 'none' } as const);
    return { kind: 'pass', owners: [...new Set(forWhom.map(({ owner }) => owner))], changes: { from: bare, sender } };
  }
  const senders = lists('sender');
  const truthful =
    senders.length === 1 && senders.flatMap(mailboxesOf).length === 1 && senders.every((list) => isOwn(list, rights));
  if (truthful && !senders.flatMap(mailboxesOf).some(shownWrongly)) {
    return { kind: 'pass', owners: [], changes: { from: bare, sender: { kind: 'keep' } } };
  }
  return { kind: 'pass', owners: [], changes: { from: bare, sender: from.length > 1 ? himself : { kind: 'none' } } };
}

const mailboxesOf = (list: AddressList): readonly Mailbox[] => (list.kind === 'mailboxes' ? list.mailboxes : []);

const isOwn = (list: AddressList, { standing }: Rights) =>
  list.kind === 'mailboxes' && list.mailboxes.every(({ address }) => standing(address).kind === 'own');

const foreign = (address: string, login: string, where: string) => ({
  ...refuse(550, `5.7.1 <${address}>: ${login} may not send as this address (${where})`),
  forged: address,
});

const imitates = (where: string) =>
  refuse(550, `5.7.1 the display name in ${where} shows an address that is not the sender's`);

export const ambiguous = (why: string) => refuse(550, `5.6.0 ambiguous header: ${why}`);

/** The header with the changes made; every other field stays as it came. In latin1. */
export function changed(fields: readonly Field[], { from, sender }: Changes): string {
  return fields
    .filter(({ name }) => sender.kind === 'keep' || name !== 'sender')
    .map((field) => {
      if (field.name !== 'from') return field.raw;
      const line = from === undefined ? field.raw : `From: ${latin1(from)}\r\n`;
      return sender.kind === 'set' ? `${line}Sender: <${sender.address}>\r\n` : line;
    })
    .join('');
}

const latin1 = (text: string) => String.fromCharCode(...new TextEncoder().encode(text));
