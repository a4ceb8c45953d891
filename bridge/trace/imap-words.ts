/**
 * The arguments of an IMAP command as Dovecot tells them in its events: words, "quoted strings", (lists), and `<25 byte literal>` where a
 * literal stood. RFC 9051 section 9. Pure.
 */

export type ImapWord =
  /** An atom, as written. */
  | { readonly kind: 'atom'; readonly text: string }
  | { readonly kind: 'quoted'; readonly text: string }
  /** With its parentheses, as written. */
  | { readonly kind: 'list'; readonly text: string }
  /** Nobody knows what it was. */
  | { readonly kind: 'literal' };

/** The first so many. What can't be read ends them. */
export function imapWords(args: string, most: number): readonly ImapWord[] {
  const words: ImapWord[] = [];
  let at = 0;
  while (words.length < most) {
    while (args[at] === ' ') at++;
    if (at >= args.length) break;
    const read = wordAt(args, at);
    if (read === undefined) break;
    words.push(read.word);
    at = read.end;
  }
  return words;
}

const LITERAL = /<\d{1,15} byte literal>/y;
const QUOTED = /"((?:[^"\\]|\\.)*)"/sy;

function wordAt(args: string, at: number): { readonly word: ImapWord; readonly end: number } | undefined {
  LITERAL.lastIndex = at;
  if (LITERAL.test(args)) return { word: { kind: 'literal' }, end: LITERAL.lastIndex };
  if (args[at] === '"') {
    QUOTED.lastIndex = at;
    const found = QUOTED.exec(args);
    if (found === null) return undefined;
    return { word: { kind: 'quoted', text: (found[1] ?? '').replace(/\\(.)/gs, '$1') }, end: QUOTED.lastIndex };
  }
  if (args[at] === '(') {
    const end = listEnd(args, at);
    return end === undefined ? undefined : { word: { kind: 'list', text: args.slice(at, end) }, end };
  }
  // A section (BODY[HEADER.FIELDS (TO)]) holds blanks.
  let end = at;
  for (let depth = 0; end < args.length && (depth > 0 || args[end] !== ' '); end++) {
    if (args[end] === '[') depth++;
    else if (args[end] === ']') depth--;
  }
  return { word: { kind: 'atom', text: args.slice(at, end) }, end };
}

/** Behind the parenthesis that closes the one at `at`. */
function listEnd(args: string, at: number): number | undefined {
  let depth = 0;
  for (let i = at; i < args.length; i++) {
    const sign = args[i];
    if (sign === '"') {
      QUOTED.lastIndex = i;
      if (!QUOTED.test(args)) return undefined;
      i = QUOTED.lastIndex - 1;
    } else if (sign === '(') depth++;
    else if (sign === ')') {
      depth--;
      if (depth === 0) return i + 1;
    }
  }
  return undefined;
}
