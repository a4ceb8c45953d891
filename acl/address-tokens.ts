/**
 * The tokens of an address list, RFC 5322 section 3.2: words, quoted strings, comments (nested), and the marks between them. Each character is
 * looked at once. Control characters have been refused before.
 */

export type Token =
  | { readonly kind: 'space' }
  /** Letters that may stand unquoted, full stops among them; an encoded word is one too. */
  | { readonly kind: 'word'; readonly text: string }
  /** What stands within the quotes, or the outer parentheses; without the backslashes of quoted pairs. */
  | { readonly kind: 'quoted' | 'comment'; readonly text: string }
  /** One of `<>@,`. */
  | { readonly kind: 'mark'; readonly text: string };

export type Tokens =
  | { readonly kind: 'tokens'; readonly tokens: readonly Token[] }
  | { readonly kind: 'ambiguous'; readonly why: string };

const SPACES = /[ \t]+/y;
const WORD = /[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\u0080-\uffff-]+/y;

/** @param text unfolded */
export function tokenize(text: string): Tokens {
  const tokens: Token[] = [];
  let at = 0;
  const take = (pattern: RegExp) => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0];
  };
  while (at < text.length) {
    const letter = text.charAt(at);
    if (letter === '"' || letter === '(') {
      const found = letter === '"' ? quoted(text, at) : comment(text, at);
      if (found === undefined) return ambiguous(`a ${letter === '"' ? 'quote' : 'parenthesis'} is not closed`);
      tokens.push({ kind: letter === '"' ? 'quoted' : 'comment', text: found.text });
      at = found.end;
      continue;
    }
    const spaces = take(SPACES);
    const word = spaces ?? take(WORD);
    if (spaces !== undefined) tokens.push({ kind: 'space' });
    else if (word !== undefined) tokens.push({ kind: 'word', text: word });
    else if ('<>@,'.includes(letter)) tokens.push({ kind: 'mark', text: letter });
    else if (letter === ':' || letter === ';') return ambiguous(`${letter} stands in it without quotes, as in a group`);
    else return ambiguous(`${letter} stands in it without quotes`);
    at += word?.length ?? 1;
  }
  return { kind: 'tokens', tokens };
}

interface Found {
  readonly text: string;
  readonly end: number;
}

/** From the quote at `start`. Undefined where it isn't closed. */
function quoted(text: string, start: number): Found | undefined {
  const letters: string[] = [];
  for (let at = start + 1; at < text.length; at++) {
    const letter = text.charAt(at);
    if (letter === '"') return { text: letters.join(''), end: at + 1 };
    letters.push(letter === '\\' ? text.charAt(++at) : letter);
  }
  return undefined;
}

/** From the parenthesis at `start`. Inner parentheses are kept. */
function comment(text: string, start: number): Found | undefined {
  const letters: string[] = [];
  let depth = 1;
  for (let at = start + 1; at < text.length; at++) {
    const letter = text.charAt(at);
    if (letter === '(') depth++;
    else if (letter === ')' && --depth === 0) return { text: letters.join(''), end: at + 1 };
    letters.push(letter === '\\' ? text.charAt(++at) : letter);
  }
  return undefined;
}

const ambiguous = (why: string): Tokens => ({ kind: 'ambiguous', why });
