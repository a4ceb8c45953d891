/**
 * The addresses in a `From:` and its like, read strictly: RFC 5322 section 3.4 with its comments and quoted pairs, and a bare address before the
 * brackets as a name. Groups, routes, obsolete spacing, two angle addresses in a row, an address in raw 8-bit characters: two readers could
 * disagree on each, so it is ambiguous, with the reason. What is read is also written anew, in the one form that all readers take alike.
 */
import { type Token, tokenize } from './address-tokens.ts';
import { holdsForbidden } from './display-name.ts';
import { fromWindows1252 } from './encoded-words.ts';
import { type Run, readName, writeName } from './name-form.ts';

export interface Mailbox {
  /** What is shown beside the address, decoded: the display name; comments too, since some clients show them. */
  readonly shown: readonly string[];
  /** As written: local@domain. */
  readonly address: string;
  /** The whole in its plain form: `name <local@domain>`. Comments are left out, but for one that serves as the name. */
  readonly text: string;
}

export type AddressList =
  | { readonly kind: 'mailboxes'; readonly mailboxes: readonly [Mailbox, ...Mailbox[]] }
  | { readonly kind: 'ambiguous'; readonly why: string };

/** In octets; local part and domain may have 64 and 255 (RFC 5321 section 4.5.3.1). */
const LONGEST_ADDRESS = 320;
/** In octets as written, so that a mailbox fits on a line of 998. */
const LONGEST_NAME = 600;
const FORBIDDEN = 'it holds control characters, or marks that nobody sees';

/** `value` in latin1, unfolded; `utf8`: whether the message says that its header may hold UTF-8 (RFC 6532). */
export function readAddresses(value: string, utf8: boolean): AddressList {
  const text = decoded(value, utf8)?.replaceAll('\t', ' ');
  if (text === undefined) return ambiguous('it is not UTF-8');
  if (holdsForbidden(text)) return ambiguous(FORBIDDEN);
  const found = tokenize(text);
  if (found.kind === 'ambiguous') return found;
  const mailboxes: Mailbox[] = [];
  let tokens: Token[] = [];
  for (const token of [...found.tokens, COMMA]) {
    if (token.kind !== 'mark' || token.text !== ',') {
      tokens.push(token);
      continue;
    }
    const mailbox = readMailbox(tokens, utf8);
    if (typeof mailbox === 'string') return ambiguous(mailbox);
    mailboxes.push(mailbox);
    tokens = [];
  }
  return { kind: 'mailboxes', mailboxes: mailboxes as [Mailbox, ...Mailbox[]] };
}

const COMMA: Token = { kind: 'mark', text: ',' };

/** Old programs write Latin-1 without a word; what announces UTF-8 has to be it. */
function decoded(latin1: string, utf8: boolean): string | undefined {
  if (!/[\u0080-\u00ff]/.test(latin1)) return latin1;
  try {
    const octets = Uint8Array.from(latin1, (letter) => letter.charCodeAt(0));
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets);
  } catch {
    return utf8 ? undefined : fromWindows1252(latin1);
  }
}

/** What stands between two commas; or why it isn't one mailbox. */
function readMailbox(tokens: readonly Token[], utf8: boolean): Mailbox | string {
  const isMark = (letter: string) => (token: Token) => token.kind === 'mark' && token.text === letter;
  const open = tokens.findIndex(isMark('<'));
  const close = tokens.findIndex(isMark('>'));
  const inside = open < 0 ? tokens : tokens.slice(open + 1, close);
  if (open < 0 ? close >= 0 : close < open) return 'angle brackets stand in it that do not match';
  const address = readAddress(inside, open < 0, utf8);
  if (address.kind === 'none') return address.why;
  const after = open < 0 ? [] : tokens.slice(close + 1);
  if (!after.every(isSpaceOrComment)) return 'something follows the angle brackets';
  const runs = open < 0 ? [] : runsOf(tokens.slice(0, open));
  if (typeof runs === 'string') return runs;
  const comments = tokens.flatMap((token) => (token.kind === 'comment' ? [token.text] : []));
  const remarks = comments.map((text) => readName([{ kind: 'quoted', text }]));
  const namedBy: readonly Run[] = runs.length > 0 ? runs : comments.map((text) => ({ kind: 'quoted', text }));
  const name = readName(namedBy);
  if (name.kind === 'forbidden' || remarks.some(({ kind }) => kind === 'forbidden')) return FORBIDDEN;
  const written = name.text.length > LONGEST_NAME ? undefined : writeName(namedBy, name, utf8);
  if (written === undefined || octets(written) > LONGEST_NAME)
    return `a name in it is longer than ${LONGEST_NAME} bytes`;
  const plain = open < 0 && written === '' ? address.text : `${written === '' ? '' : `${written} `}<${address.text}>`;
  const shown = [name, ...remarks].flatMap((one) => (one.kind === 'name' && one.text !== '' ? [one.text] : []));
  return { shown, address: address.text, text: plain };
}

const isSpaceOrComment = ({ kind }: Token) => kind === 'space' || kind === 'comment';
const octets = (text: string) => new TextEncoder().encode(text).length;

/** A display name's words and quoted strings; words that belong together with the spaces between them. */
function runsOf(tokens: readonly Token[]): readonly Run[] | string {
  const runs: { kind: Run['kind']; text: string[] }[] = [];
  let apart = true;
  for (const token of tokens) {
    if (token.kind === 'space' || token.kind === 'comment') {
      apart = true;
      continue;
    }
    const last = runs.at(-1);
    if (!apart && (token.kind === 'quoted' || last?.kind === 'quoted')) {
      return 'a quoted string stands where part of an address would';
    }
    if (token.kind === 'quoted') runs.push({ kind: 'quoted', text: [token.text] });
    else if (last?.kind === 'words') last.text.push(apart ? ' ' : '', token.text);
    else runs.push({ kind: 'words', text: [token.text] });
    apart = false;
  }
  return runs.map(({ kind, text }) => ({ kind, text: text.join('') }));
}

const DOT_ATOM = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\uffff-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\uffff-]+)*$/;
const DOMAIN = /^[A-Za-z0-9\u0080-\uffff](?:[A-Za-z0-9.\u0080-\uffff-]*[A-Za-z0-9\u0080-\uffff])?$/;

type Address = { readonly kind: 'address'; readonly text: string } | { readonly kind: 'none'; readonly why: string };

/** local@domain, with spaces and comments around each. A quoted local part is one where it needs no quotes. */
function readAddress(tokens: readonly Token[], bare: boolean, utf8: boolean): Address {
  const [local, at, domain, ...more] = tokens.filter((token) => !isSpaceOrComment(token));
  if (local === undefined) return none('an address is missing');
  const said = (token: Token | undefined) => (token === undefined || token.kind === 'space' ? '' : token.text);
  let text = '';
  if (at === undefined && local.kind === 'word') return none('an address is not of the form local@domain');
  if (local.kind === 'mark' || said(at) !== '@' || at?.kind !== 'mark' || domain?.kind !== 'word' || more.length > 0) {
    return none(bare ? 'an address has no angle brackets' : 'an address is not of the form local@domain');
  }
  text = `${said(local)}@${domain.text}`;
  if (octets(text) > LONGEST_ADDRESS) return none(`an address is longer than ${LONGEST_ADDRESS} bytes`);
  const formed = DOT_ATOM.test(said(local)) && DOMAIN.test(domain.text) && !domain.text.includes('..');
  if (!formed || /[\p{DI}\s]/u.test(text)) return none('an address is not of the form local@domain');
  if (text.includes('=?')) return none('an address looks like an encoded word');
  if (!utf8 && /[\u0080-\uffff]/.test(text)) return none('an address holds raw 8-bit characters, which need SMTPUTF8');
  return { kind: 'address', text };
}

const none = (why: string): Address => ({ kind: 'none', why });
const ambiguous = (why: string): AddressList => ({ kind: 'ambiguous', why });
