/**
 * A display name as it is read, and as it is written so that every reader takes it for a name and nothing else: words, one quoted string, or
 * encoded words. What came in such a form stays; what nobody can decode is no name.
 */
import { holdsForbidden } from './display-name.ts';
import { decodeParts, encodeWords, looksEncoded, type Part } from './encoded-words.ts';

/** What stands before the angle brackets: words with the spaces between them, or a quoted string. */
export interface Run {
  readonly kind: 'words' | 'quoted';
  readonly text: string;
}

export type Name =
  /** `text` decoded, empty where there is none; `parts` as it came. */
  { readonly kind: 'name'; readonly text: string; readonly parts: readonly Part[] } | { readonly kind: 'forbidden' };

const NONE: Name = { kind: 'name', text: '', parts: [] };
const WORD = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\uffff-]+$/;
const ENCODED_WORD = /^=\?[!->@-~]+\?[bq]\?[!->@-~]+\?=$/i;
/** Neither a quote, nor a backslash, nor angle brackets, by which simple readers go. */
const QUOTABLE = /^[ !#-;=?-[\]-~\u0080-\uffff]*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII
const ASCII = /^[\u0000-\u007f]*$/;

const joined = (runs: readonly Run[]) => runs.map(({ text }) => text).join(' ');

export function readName(runs: readonly Run[]): Name {
  const parts = decodeParts(joined(runs));
  if (parts === undefined) return NONE;
  const decoded = parts.map((part) => part.text).join('');
  const text = decoded.replace(/ +/g, ' ').replace(/^ | $/g, '');
  if (holdsForbidden(text)) return { kind: 'forbidden' };
  return text === '' || looksEncoded(text) ? NONE : { kind: 'name', text, parts };
}

/**
 * As it goes into the field; empty where there is none.
 * @param utf8 whether the header may hold UTF-8 (RFC 6532): else what isn't ASCII is encoded
 */
export function writeName(
  runs: readonly Run[],
  { text, parts }: Extract<Name, { kind: 'name' }>,
  utf8: boolean,
): string {
  if (text === '') return '';
  const came = joined(runs);
  const [first, ...more] = runs;
  const raw = (what: string) => !what.includes('=?') && (ASCII.test(what) || (utf8 && !/[^\S ]/.test(what)));
  const isWord = (word: string) => WORD.test(word) && raw(word);
  if (first?.kind === 'quoted' && more.length === 0 && QUOTABLE.test(came) && raw(came)) return `"${came}"`;
  const words = runs.every(({ kind }) => kind === 'words') && parts.every(({ plain }) => plain);
  const same = words && came.split(' ').every((word) => isWord(word) || ENCODED_WORD.test(word));
  if (same && parts.every((part) => tame(part.text) === part.text)) return came;
  if (text.split(' ').every(isWord)) return text;
  return QUOTABLE.test(text) && raw(text) ? `"${text}"` : encodeWords(tame(text));
}

/**
 * For encoded words, since some programs decode the whole field before they look for addresses: what would then begin an address or a quoted
 * string is replaced by what looks like it. Quotes in pairs stay.
 */
function tame(text: string): string {
  const quotes = text.split('"').length - 1;
  const calm = quotes % 2 === 1 || text.includes('\\') ? text.replaceAll('"', "'") : text;
  return calm.replaceAll('@', '\uff20').replaceAll('<', '\u2039').replaceAll('>', '\u203a');
}
