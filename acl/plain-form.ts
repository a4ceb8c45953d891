/**
 * The one form in which author fields leave: on a line, folded only between mailboxes where it would be longer than 998 octets. What is in
 * it already stays byte for byte. Where a DKIM signature covers a field, nothing is written anew: what isn't in the form is refused.
 */
import type { Mailbox } from './address-list.ts';
import { AUTHOR_NAMES, type AuthorField, type AuthorName } from './author-fields.ts';
import type { Field } from './header-fields.ts';

/** RFC 5322 section 2.1.1, without the line end. */
const LONGEST_LINE = 998;

/** What follows `name: `, folded where it must be; in Unicode. */
export function plainList(name: AuthorName, mailboxes: readonly Pick<Mailbox, 'text'>[]): string {
  const lines: string[][] = [[]];
  let length = AUTHOR_NAMES[name].length + 2;
  for (const { text } of mailboxes) {
    const octets = new TextEncoder().encode(text).length + 2; // `, `
    if (length + octets > LONGEST_LINE && lines.at(-1)?.length !== 0) {
      lines.push([]);
      length = 1;
    }
    length += octets;
    lines.at(-1)?.push(text);
  }
  return lines.map((line) => line.join(', ')).join(',\r\n ');
}

/** Unfolded and in latin1, as fields are: one character, one octet. */
export const latin1 = (text: string): string =>
  Array.from(new TextEncoder().encode(text), (octet) => String.fromCharCode(octet)).join('');

/** Whether the field is in its plain form; spaces before and after it say nothing. */
export function isPlain(field: AuthorField, list: string): boolean {
  return fits(field) && valueIn(field).replace(/^[ \t]+/, '') === latin1(list);
}

/** The same, however it is folded and spaced between its tokens, which leaves it to be read alike. */
export function isPlainButFolded(field: AuthorField, list: string): boolean {
  const value = valueIn(field);
  if (!fits(field) || /\n[ \t]*(?:\r|$)/.test(value)) return false; // some readers end the header at a line of spaces
  const said: string[] = [];
  let quoted = false;
  let space = false;
  for (const letter of value) {
    if (!quoted && ' \t\r\n'.includes(letter)) {
      space = true;
      continue;
    }
    if (space && said.length > 0) said.push(' ');
    space = letter === ',' && !quoted;
    said.push(letter);
    if (letter === '"') quoted = !quoted; // no backslash stands in the form
  }
  return said.join('') === latin1(list.replaceAll('\r\n', ''));
}

/** Postfix breaks longer lines where it likes. */
const fits = ({ raw }: Field) => raw.split('\r\n').every((line) => line.length <= LONGEST_LINE);

/** What follows the colon, without the line end and the spaces before it. */
function valueIn({ raw }: Field): string {
  let end = raw.length - 2;
  while (raw[end - 1] === ' ' || raw[end - 1] === '\t') end--;
  return raw.slice(raw.indexOf(':') + 1, end);
}

/** The names of the fields that a DKIM signature in this header covers: From always, RFC 6376 section 3.5 (h=). */
export function signedNames(header: readonly Field[]): ReadonlySet<string> {
  const names = new Set<string>();
  for (const { name, value } of header) {
    if (name !== 'dkim-signature') continue;
    names.add('from');
    for (const tag of value.split(';')) {
      const [key = '', list = ''] = tag.split('=');
      if (key.trim() === 'h') for (const one of list.split(':')) names.add(one.trim().toLowerCase());
    }
  }
  return names;
}
