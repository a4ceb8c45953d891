/**
 * The addresses in a `From:`, read strictly: the forms of RFC 5322 section 3.4 that every reader takes alike. Groups, routes, quoted
 * local parts, obsolete spacing, two angle addresses in a row, comments with an address in them, raw octets that aren't UTF-8: two
 * readers could disagree on each, so it is ambiguous, with the reason.
 */

export interface Mailbox {
  /** The display name, decoded; comments too, since some clients show them. */
  readonly shown: string;
  /** As written: local@domain. */
  readonly address: string;
}

export type AddressList =
  | { readonly kind: 'mailboxes'; readonly mailboxes: readonly [Mailbox, ...Mailbox[]] }
  | { readonly kind: 'ambiguous'; readonly why: string };

const ATEXT = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~\\u0080-\\uffff-]";
const ADDR_SPEC = new RegExp(
  `^${ATEXT}+(?:\\.${ATEXT}+)*@[A-Za-z0-9\\u0080-\\uffff](?:[A-Za-z0-9.\\u0080-\\uffff-]*[A-Za-z0-9\\u0080-\\uffff])?$`,
);
const WORD = new RegExp(`^(?:${ATEXT}|\\.)+`);

/** `value` in latin1, unfolded; `utf8`: whether the message says that its header may hold UTF-8 (RFC 6532). */
export function readAddresses(value: string, utf8: boolean): AddressList {
  let text = value;
  if (/[\u0080-\u00ff]/.test(value)) {
    if (!utf8) return ambiguous('it holds raw 8-bit characters');
    try {
      text = new TextDecoder('utf-8', { fatal: true }).decode(Uint8Array.from(value, (letter) => letter.charCodeAt(0)));
    } catch {
      return ambiguous('it is not UTF-8');
    }
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufffd]/.test(text)) {
    return ambiguous('it holds control characters');
  }
  const mailboxes: Mailbox[] = [];
  let rest = text.trim();
  for (;;) {
    const read = readMailbox(rest);
    if (typeof read === 'string') return ambiguous(read);
    mailboxes.push(read.mailbox);
    if (read.rest === '') break;
    rest = read.rest.slice(1).trim(); // the comma
  }
  return { kind: 'mailboxes', mailboxes: mailboxes as [Mailbox, ...Mailbox[]] };
}

const TOKEN =
  /^(?:(?<angle><[^<>\s]*>)|(?<quote>"(?:[^"\\]|\\[\t -~])*")|(?<comment>\([^()\\]*\))|(?<word>[^\s<>()[\]:;,"\\]+))/;

/** One mailbox at the beginning of the text, up to a comma or the end; or why it isn't one. */
function readMailbox(text: string): { readonly mailbox: Mailbox; readonly rest: string } | string {
  const shown: string[] = [];
  let address: string | undefined;
  let quoted = false;
  const words: string[] = [];
  let rest = text;
  while (rest !== '' && !rest.startsWith(',')) {
    const { angle, quote, comment, word } = TOKEN.exec(rest)?.groups ?? {};
    const token = comment ?? (address === undefined ? (angle ?? quote ?? word) : undefined);
    if (token === undefined) return `${JSON.stringify(rest[0])} stands where it can be read in two ways`;
    rest = rest.slice(token.length);
    if (comment !== undefined) shown.push(comment.slice(1, -1));
    else if (angle !== undefined) address = angle.slice(1, -1);
    else if (quote !== undefined) {
      quoted = true;
      shown.push(quote.slice(1, -1).replace(/\\(.)/g, '$1'));
      if (rest !== '' && !/^[ \t<]/.test(rest)) return 'a quoted string stands where part of an address would';
    } else if (word !== undefined) words.push(word);
    rest = rest.trimStart();
  }
  if (address === undefined) {
    if (words.length !== 1 || quoted)
      return words.length === 0 ? 'an address is missing' : 'an address has no angle brackets';
    address = words[0] ?? '';
  } else {
    if (words.some((word) => word.includes('@') || WORD.exec(word)?.[0] !== word)) {
      return 'an address stands before the angle brackets, without quotes';
    }
    if (words.length > 0) shown.push(words.join(' '));
  }
  if (!ADDR_SPEC.test(address) || address.includes('..')) return 'an address is not of the form local@domain';
  const decoded: string[] = [];
  for (const one of shown) {
    const said = decodeWords(one);
    if (said === undefined) return 'an encoded word in it cannot be decoded';
    decoded.push(said);
  }
  return { mailbox: { shown: decoded.join(' '), address }, rest };
}

/** Encoded words as RFC 2047 has them; some clients decode them within quotes too. */
function decodeWords(text: string): string | undefined {
  try {
    const decoded = text
      .replace(/(\?=)[ \t]+(?==\?)/g, '$1')
      .replace(
        /=\?([^?*\s]+)(?:\*[^?\s]*)?\?([bq])\?([^?\s]*)\?=/gi,
        (_, charset: string, how: string, word: string) => {
          const octets =
            how.toLowerCase() === 'b'
              ? atob(word)
              : word
                  .replaceAll('_', ' ')
                  .replace(/=([0-9a-f]{2})/gi, (__, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
          return new TextDecoder(charset).decode(Uint8Array.from(octets, (letter) => letter.charCodeAt(0)));
        },
      );
    return decoded.includes('=?') ? undefined : decoded;
  } catch {
    return undefined;
  }
}

const ambiguous = (why: string): AddressList => ({ kind: 'ambiguous', why });
