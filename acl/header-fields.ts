/**
 * The header of a message as lines that every reader cuts alike (RFC 5322 section 2.2), in latin1: one character, one octet.
 * Names are printable ASCII up to the colon; a line that is neither a field nor its continuation ends the header for some readers
 * and not for others, so the whole is refused then.
 */

export interface Field {
  /** Lower case. */
  readonly name: string;
  /** What stands after the colon, unfolded. */
  readonly value: string;
  /** As it came, with its line ends. */
  readonly raw: string;
}

export type Header =
  | { readonly kind: 'fields'; readonly fields: readonly Field[] }
  | { readonly kind: 'unreadable'; readonly why: string };

/** `block` ends with the line end of its last field; the empty line that ends the header is not part of it. */
export function readHeader(block: string): Header {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/\u0000/.test(block)) return unreadable('it holds a NUL');
  if (/\r(?!\n)|(?<!\r)\n/.test(block)) return unreadable('a line ends with CR or LF alone');
  const fields: Field[] = [];
  for (const raw of block.split(/(?<=\r\n)(?![ \t])/)) {
    if (raw === '') continue;
    const { name, space, value } = FIELD.exec(raw)?.groups ?? {};
    if (name === undefined || space === undefined || value === undefined) {
      return unreadable('a line is neither a field nor the continuation of one');
    }
    if (space !== '') return unreadable(`a space stands before the colon of ${name}`);
    fields.push({ name: name.toLowerCase(), value: value.replaceAll('\r\n', ''), raw });
  }
  return { kind: 'fields', fields };
}

const FIELD = /^(?<name>[!-9;-~]+)(?<space>[ \t]*):(?<value>[\s\S]*)\r\n$/;

const unreadable = (why: string): Header => ({ kind: 'unreadable', why });
