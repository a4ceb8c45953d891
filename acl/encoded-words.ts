/** Encoded words, RFC 2047: what a display name says that isn't ASCII. */

/** A part of a name: what stands there as it is, or an encoded word. */
export interface Part {
  readonly text: string;
  /** Every reader decodes it alike, so that it may stay as it came. */
  readonly plain: boolean;
}

const ENCODED = /=\?([^?*\s]+)(\*[^?\s]*)?\?([bq])\?([^?]*)\?=/gi;
/** RFC 2047 section 2. */
const LONGEST = 75;
/** What every reader knows. Of Latin-1 without the octets that are controls in it, and letters of windows-1252 for most readers. */
const KNOWN: Readonly<Record<string, RegExp>> = {
  'utf-8': /^[\s\S]*$/,
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range of ASCII
  'us-ascii': /^[\u0000-\u007f]*$/,
  'iso-8859-1': /^[^\u0080-\u009f]*$/,
  'iso-8859-15': /^[^\u0080-\u009f]*$/,
  'windows-1252': /^[^\u0081\u008d\u008f\u0090\u009d]*$/,
};
/** What may stand in an encoded word of a phrase without quotes. RFC 2047 section 5 (3). */
const IN_PHRASE = /^[A-Za-z0-9!*+/=_-]+$/;

interface Word {
  readonly charset: string;
  readonly octets: string;
  readonly plain: boolean;
}

/** Undefined where one can't be decoded: an unknown charset, octets that aren't of it, base64 that is none. */
export function decodeParts(text: string): readonly Part[] | undefined {
  const parts: Part[] = [];
  let words: Word[] = [];
  let end = 0;
  /** The words so far, and what follows them up to here; false where they can't be decoded. */
  const until = (at: number, last: boolean): boolean => {
    const between = text.slice(end, at);
    // White space between two encoded words says nothing. RFC 2047 section 6.2
    if (words.length > 0 && !last && between.trim() === '') return true;
    const decoded = decodeWords(words);
    if (decoded === undefined) return false;
    parts.push(...decoded);
    if (between !== '') parts.push({ text: between, plain: true });
    words = [];
    return true;
  };
  for (const found of text.matchAll(ENCODED)) {
    if (!until(found.index, false)) return undefined;
    end = found.index + found[0].length;
    const [word, charset = '', language, how = '', said = ''] = found;
    const octets = how.toLowerCase() === 'b' ? fromBase64(said) : fromQuoted(said);
    if (octets === undefined) return undefined;
    const known = KNOWN[charset.toLowerCase()]?.test(octets) === true;
    const plain = known && language === undefined && word.length <= LONGEST && IN_PHRASE.test(said);
    words.push({ charset: charset.toLowerCase(), octets, plain });
  }
  return until(text.length, true) ? parts : undefined;
}

/** Each by itself; else those of one charset together, since some programs cut a character in two. */
function decodeWords(words: readonly Word[]): Part[] | undefined {
  const alone = words.map(({ octets, charset, plain }) => ({ text: decode(octets, charset), plain }));
  if (alone.every((part): part is Part => part.text !== undefined)) return alone;
  const charset = words[0]?.charset ?? '';
  if (words.some((word) => word.charset !== charset)) return undefined;
  const text = decode(words.map(({ octets }) => octets).join(''), charset);
  return text === undefined ? undefined : [{ text, plain: false }];
}

/** Of windows-1252, from 0x80 on. Node 20 takes them for controls. */
const WINDOWS_1252 =
  '\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178';

export const fromWindows1252 = (octets: string): string =>
  octets.replace(/[\u0080-\u009f]/g, (octet) => WINDOWS_1252.charAt(octet.charCodeAt(0) - 0x80));

function decode(octets: string, charset: string): string | undefined {
  try {
    const decoder = new TextDecoder(charset, { fatal: true, ignoreBOM: true });
    if (decoder.encoding === 'windows-1252') return fromWindows1252(octets);
    return decoder.decode(Uint8Array.from(octets, (letter) => letter.charCodeAt(0)));
  } catch {
    return undefined;
  }
}

function fromBase64(text: string): string | undefined {
  return /^[A-Za-z0-9+/]*={0,2}$/.test(text) && text.length % 4 === 0 ? atob(text) : undefined;
}

function fromQuoted(text: string): string | undefined {
  if (/=(?![0-9a-f]{2})/i.test(text)) return undefined;
  return text
    .replaceAll('_', ' ')
    .replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
}

/** Whether a reader that decodes twice would find more in it. */
export const looksEncoded = (text: string): boolean => /=\?[^?]*\?[bq]\?[^?]*\?=/i.test(text);

/** As words of UTF-8, none longer than RFC 2047 allows, no character cut in two. */
export function encodeWords(text: string): string {
  const words: string[] = [];
  const encoder = new TextEncoder();
  const room = LONGEST - '=?utf-8?Q??='.length;
  let word = '';
  for (const letter of text) {
    const written = /^[A-Za-z0-9]$/.test(letter)
      ? letter
      : letter === ' '
        ? '_'
        : Array.from(encoder.encode(letter), (octet) => `=${octet.toString(16).toUpperCase().padStart(2, '0')}`).join(
            '',
          );
    if (word.length + written.length > room) {
      words.push(word);
      word = '';
    }
    word += written;
  }
  return [...words, word].map((one) => `=?utf-8?Q?${one}?=`).join(' ');
}
