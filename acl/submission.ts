/**
 * Who may say in a header that they wrote it. One verdict a message, whatever the number of recipients; the first row that fits:
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
 *   a display name shows an address not allowed ........ refused 550 5.7.1, or the names taken out
 *   a DKIM signature, and the field not in plain form .. refused 550 5.6.0, since it can't be written anew (acl/plain-form.ts)
 *   From: own addresses only ........................... pass; a false Sender is removed
 *   From: an owner's, mode on-behalf (**) .............. pass; Sender is the delegate's own address, none where they have no mailbox
 *   From: an owner's, mode send-as (**) ................ pass; no Sender
 *   From: several addresses, an owner's among them ..... pass on behalf of each owner; Sender as in on-behalf
 *   an owner's address in a name in From, or in Author . the same as in From: whoever reads it takes the owner for the author
 *   an owner's address in a resent field ............... pass on behalf of that owner; From and Sender as without it
 *
 * (*) In the envelope, From or Resent-From: so many disappeared at once that it may be an accident (acl/guard.ts). Never a yes.
 * (**) The delegation's mode, else the site's.
 *
 * What passes leaves in its plain form. Several addresses in From need a Sender (RFC 5322 section 3.6.2): own address where there is one. Reply-To is free. R1, R31.
 */
import { AUTHOR_NAMES } from './author-fields.ts';
import { type Author, type Authors, anew, type Named } from './authors.ts';
import type { SendMode } from './delegation-facts.ts';
import type { Field } from './header-fields.ts';
import { plainList } from './plain-form.ts';
import { type Changes, later, type Refusal, refuse, type SubmissionVerdict } from './verdict.ts';

/**
 * Whose an address is, seen from the login: their own, an owner's who has delegated to them, an owner's whose delegation to them has gone with
 * too many others at once, or none of these.
 */
export type Standing =
  | { readonly kind: 'own' }
  | { readonly kind: 'owner'; readonly owner: string; readonly mode: SendMode | null }
  | { readonly kind: 'held' }
  | { readonly kind: 'stranger' };

/** What is held is no more theirs than a stranger's. */
export const mayUse = ({ kind }: Standing): boolean => kind === 'own' || kind === 'owner';

export interface Rights {
  /** The login's own address; null where they have no mailbox. */
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

const HELD =
  'has lost the right to send as this address together with many others, which may be an accident: ask the administrator, or try again';
const UNREADABLE = '4.3.0 who may send as whom cannot be looked up now: try again';

/** `rights` undefined: they can't be read. */
export function decide(
  { login, mailFrom }: Submission,
  authors: Authors,
  rights: Rights | undefined,
  rules: SubmissionRules,
): SubmissionVerdict {
  if (rights === undefined) return later(UNREADABLE);
  const { from, fields, signed } = authors;
  const stranger = (address: string) => rights.standing(address).kind === 'stranger';
  const imitating = ({ shows, unclear }: Named) => unclear || shows.some((one) => !mayUse(rights.standing(one)));
  if (mailFrom !== '' && stranger(mailFrom)) return foreign(mailFrom, login, 'as the envelope sender');
  const others = fields.filter(({ field }) => field.name !== 'from' && field.name !== 'sender');
  for (const { field, mailboxes } of others) {
    const wrong = mailboxes.find(({ address }) => stranger(address));
    if (wrong !== undefined) return foreign(wrong.address, login, `in ${AUTHOR_NAMES[field.name]}`);
    if (mailboxes.some(imitating)) return imitates(AUTHOR_NAMES[field.name]);
  }
  const writers = [...others, from].flatMap(({ mailboxes }) => mailboxes.map(({ address }) => address));
  const held = (mailFrom === '' ? writers : [mailFrom, ...writers]).find((one) => rights.standing(one).kind === 'held');
  if (held !== undefined) return later(`4.3.0 <${held}>: ${login} ${HELD}`);

  const forged = from.mailboxes.find(({ address }) => stranger(address));
  const { self } = rights;
  if (forged !== undefined) {
    if (rules.onMismatch === 'reject' || self === null || signed.has('from')) {
      return foreign(forged.address, login, 'in From');
    }
    return passing([], written([{ ...from, text: `<${self}>` }, ...others], signed), NO_SENDER);
  }
  const imitated = from.mailboxes.some(imitating);
  if (imitated && (rules.onImitation === 'reject' || signed.has('from'))) return imitates('From');
  const bare = from.mailboxes.map(({ address }) => ({ address, text: `<${address}>`, shows: [], unclear: false }));
  const author = imitated ? { ...from, mailboxes: bare, text: plainList('from', bare) } : from;

  const isResent = ({ field }: Author) => field.name.startsWith('resent-');
  const forWhom = ownersIn([author, ...others.filter((one) => !isResent(one))], rights);
  const owners = [...forWhom, ...ownersIn(others.filter(isResent), rights)].map(({ owner }) => owner);
  const sender = self === null ? NO_SENDER : ({ kind: 'set', address: self } as const);
  if (forWhom.length > 0) {
    const open = author.mailboxes.length > 1 || forWhom.some(({ mode }) => (mode ?? rules.mode) === 'on-behalf');
    return passing(owners, written([author, ...others], signed), open ? sender : NO_SENDER);
  }
  const truthful = truthfulSender(fields, rights);
  if (truthful !== undefined) return passing(owners, written([author, ...others, truthful], signed), { kind: 'keep' });
  return passing(owners, written([author, ...others], signed), author.mailboxes.length > 1 ? sender : NO_SENDER);
}

const NO_SENDER = { kind: 'none' } as const;

type Owner = Extract<Standing, { readonly kind: 'owner' }>;

/** Whom they name, in an address or in a name beside it. */
function ownersIn(authors: readonly Author[], { standing }: Rights): readonly Owner[] {
  const named = authors.flatMap(({ mailboxes }) => mailboxes.flatMap(({ address, shows }) => [address, ...shows]));
  return named.map(standing).filter((one): one is Owner => one.kind === 'owner');
}

/** The one Sender there is, where all that it names is their own. */
function truthfulSender(fields: readonly Author[], { standing }: Rights): Author | undefined {
  const [sender, ...more] = fields.filter(({ field }) => field.name === 'sender');
  const [one, ...others] = sender?.mailboxes ?? [];
  if (one === undefined || more.length > 0 || others.length > 0 || one.unclear) return undefined;
  return [one.address, ...one.shows].every((address) => standing(address).kind === 'own') ? sender : undefined;
}

/** The fields to be written anew. */
function written(authors: readonly Author[], signed: ReadonlySet<string>): ReadonlyMap<Field, string> | Refusal {
  const lines = new Map<Field, string>();
  for (const author of authors) {
    const text = anew(author, signed);
    if (typeof text === 'object') return text;
    if (text !== undefined) lines.set(author.field, text);
  }
  return lines;
}

function passing(
  owners: readonly string[],
  lines: ReadonlyMap<Field, string> | Refusal,
  sender: Changes['sender'],
): SubmissionVerdict {
  if ('kind' in lines) return lines;
  return { kind: 'pass', owners: [...new Set(owners)], changes: { anew: lines, sender } };
}

const foreign = (address: string, login: string, where: string): Refusal => ({
  ...refuse(550, `5.7.1 <${address}>: ${login} may not send as this address (${where})`),
  forged: address,
});

const imitates = (where: string) =>
  refuse(550, `5.7.1 the display name in ${where} shows an address that is not the sender's`);
