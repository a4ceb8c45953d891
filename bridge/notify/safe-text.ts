/**
 * Names, and whatever else other programs write, before they stand in a mail: nothing that breaks a line or a header, nothing that turns
 * the direction of the text around, nothing invisible, and no novel.
 */

/** Longer than any honest name, profession or address. */
const LONGEST = 254;

export function clean(text: string, longest = LONGEST): string {
  const plain = text
    .slice(0, 4 * longest)
    .replace(/[\p{Cs}\p{Co}\p{Cn}]/gu, '\ufffd')
    .replace(/[\s\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')
    .replace(/\p{Cf}/gu, '')
    .trim();
  const letters = [...plain];
  return letters.length > longest ? `${letters.slice(0, longest - 1).join('')}…` : plain;
}
