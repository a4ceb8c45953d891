/**
 * Lines of Dovecot's dict protocol: words between tabs, up to a line feed; what would break a line or a word is written as octet 1 and a
 * letter (Dovecot's lib/strescape). Pure.
 */

/** Dovecot itself sends and takes no longer ones (DICT_CLIENT_MAX_LINE_LENGTH). In octets. */
export const LONGEST_LINE = 65_536;

const ESCAPE = '\u0001';
const WRITTEN: Readonly<Record<string, string>> = { '\0': '0', [ESCAPE]: '1', '\t': 't', '\r': 'r', '\n': 'n' };
const READ = new Map(Object.entries(WRITTEN).map(([meant, letter]) => [letter, meant]));

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is escaped
const SPECIAL = /[\u0000\u0001\t\r\n]/g;

export const escaped = (word: string): string =>
  word.replace(SPECIAL, (special) => ESCAPE + (WRITTEN[special] as string));

/** The words of a line. An escape that nobody writes stands for its letter, as Dovecot reads it. */
export function wordsOf(line: string): readonly string[] {
  return line.split('\t').map((word) => {
    if (!word.includes(ESCAPE)) return word;
    let meant = '';
    for (let at = 0; at < word.length; at++) {
      const letter = word[at] as string;
      if (letter !== ESCAPE) meant += letter;
      else if (++at < word.length) meant += READ.get(word[at] as string) ?? (word[at] as string);
    }
    return meant;
  });
}

export interface Cut {
  /** Without their line feeds. */
  readonly lines: readonly Buffer[];
  /** The beginning of one that isn't whole yet. */
  readonly rest: Buffer;
  /** Longer than {@link LONGEST_LINE}: nothing that comes after can be read. */
  readonly tooLong: boolean;
}

export function cutLines(bytes: Buffer): Cut {
  const lines: Buffer[] = [];
  let from = 0;
  for (;;) {
    const end = bytes.indexOf(0x0a, from);
    const length = (end < 0 ? bytes.length : end) - from;
    if (length > LONGEST_LINE) return { lines, rest: Buffer.alloc(0), tooLong: true };
    if (end < 0) return { lines, rest: bytes.subarray(from), tooLong: false };
    lines.push(bytes.subarray(from, end));
    from = end + 1;
  }
}
