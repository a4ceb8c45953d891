/**
 * What a display name may hold, and which addresses it shows: to a person, and to a program that reads the name as if it stood outside
 * quotes. Both are asked of the name as it is after decoding.
 */

const FORBIDDEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ufffd\u{e0000}-\u{e007f}\p{Cs}]/u;

/**
 * Controls (NUL, CR, LF among them), marks that turn the direction of writing, separators of lines, and what shows nothing at all.
 * Joiners may stand in a name, since Persian and emoji are written with them.
 */
export const holdsForbidden = (text: string): boolean => FORBIDDEN.test(text);

export interface Shown {
  readonly addresses: readonly string[];
  /** Something else than a space touches an at sign (`"carol"@evil.test`): readers differ in which address that is. */
  readonly unclear: boolean;
}

/** A run of letters, or of what stands between them; in the latter an at sign may be. */
const PIECES = /[\s"`<>()[\],;:\\@«»\u2018-\u201f\u2039\u203a]+|[^\s"`<>()[\],;:\\@«»\u2018-\u201f\u2039\u203a]+/gu;

/**
 * Also with a full-width or small at sign, and with spaces around it where a domain with a dot follows: `Bob @ Acme` shows none. In one
 * pass: each run of the name is looked at twice at most.
 */
export function addressesShown(name: string): Shown {
  const pieces =
    name
      .normalize('NFKC')
      .replace(/\p{DI}/gu, '')
      .match(PIECES) ?? [];
  const addresses: string[] = [];
  let unclear = false;
  for (const [index, gap] of pieces.entries()) {
    if (!gap.includes('@')) continue;
    const left = pieces[index - 1];
    const right = pieces[index + 1];
    if (left === undefined || right === undefined) continue;
    const spaced = /\s/.test(gap);
    const domain = domainIn(right);
    if (spaced && !domain.includes('.')) continue;
    if (gap.trim() !== '@' || left.endsWith("'") || right.startsWith("'")) unclear = true;
    else if (domain !== '') addresses.push(`${left.replace(/^['.]+/, '')}@${domain}`);
  }
  return { addresses, unclear };
}

/** What may be a domain at the beginning of it, without the full stop of a sentence. */
function domainIn(run: string): string {
  const found = /^[\p{L}\p{N}\p{M}._-]*/u.exec(run)?.[0] ?? '';
  let end = found.length;
  while (end > 0 && (found[end - 1] === '.' || found[end - 1] === '-')) end--;
  return found.slice(0, end);
}
