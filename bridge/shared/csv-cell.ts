/** One value in a table for a spreadsheet. */
import { escapedText } from './harmless-text.ts';

/**
 * RFC 4180, one line an entry: what breaks lines, can't be seen or turns the text around stands as \uXXXX. A quote before what a spreadsheet
 * would reckon with: what begins, after blanks or not, with = + - @ or their wide forms, or does so behind a semicolon, at which a
 * spreadsheet in many languages begins a new cell whatever is quoted.
 */
export function cell(value: string | number | null | undefined): string {
  if (typeof value !== 'string') return value === null || value === undefined ? '' : String(value);
  const tame = escapedText(value.replace(/(^|;)(?=\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r])/g, "$1'"));
  return /[",;]/.test(tame) ? `"${tame.replaceAll('"', '""')}"` : tame;
}
