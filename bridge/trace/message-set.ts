/**
 * Sequence sets (RFC 9051, sequence-set): which messages a command was about. Kept short: in order, neighbours as one range, and in a file as
 * differences of a few bits each. Pure.
 */
import type { Messages } from './access.ts';

/** So many ranges at most: a client that names more names them again. */
const MOST = 1000;

/** `*`, the last of a folder, whatever its number. */
const LAST = 0x1_0000_0000;

type Range = readonly [first: number, last: number];

/** Null for what is none, such as `$` (RFC 5182): the result of a search before. `@param text` as it stood in the command. */
export function messagesIn(text: string, by: Messages['by']): Messages | null {
  const ranges = rangesIn(text);
  if (ranges === undefined) return null;
  const ordered = merged(ranges);
  return { set: setOf(ordered.slice(0, MOST)), by, more: ordered.length > MOST };
}

export function rangesIn(text: string): readonly Range[] | undefined {
  if (!/^[\d*][\d*:,]*$/.test(text)) return undefined;
  const ranges: Range[] = [];
  for (const part of text.split(',')) {
    const [one, other = one, none] = part.split(':');
    const [a, b] = [numberOf(one), numberOf(other)];
    if (a === undefined || b === undefined || none !== undefined) return undefined;
    ranges.push([Math.min(a, b), Math.max(a, b)]);
  }
  return ranges;
}

function numberOf(text: string | undefined): number | undefined {
  if (text === '*') return LAST;
  if (text === undefined || !/^[1-9]\d{0,9}$/.test(text)) return undefined;
  const number = Number(text);
  return number < LAST ? number : undefined;
}

function merged(ranges: readonly Range[]): readonly Range[] {
  const all: [number, number][] = [];
  for (const [first, last] of [...ranges].sort(([a], [b]) => a - b)) {
    const before = all.at(-1);
    // The last message's number is none that others are neighbours of.
    if (before !== undefined && (first <= before[1] || (first === before[1] + 1 && last < LAST))) {
      before[1] = Math.max(before[1], last);
    } else all.push([first, last]);
  }
  return all;
}

function setOf(ranges: readonly Range[]): string {
  const written = (number: number) => (number === LAST ? '*' : String(number));
  return ranges.map(([a, b]) => (a === b ? written(a) : `${written(a)}:${written(b)}`)).join(',');
}

/** In octets as few as may be: for each range how far it begins behind the one before, and whether and how long it goes on. */
export function packedSet(set: string): Buffer {
  const octets: number[] = [];
  let end = 0;
  for (const [first, last] of rangesIn(set) ?? []) {
    push(octets, (first - end) * 2 + (first === last ? 0 : 1));
    if (first !== last) push(octets, last - first);
    end = last;
  }
  return Buffer.from(octets);
}

export function unpackedSet(packed: Buffer): string {
  const ranges: Range[] = [];
  let at = 0;
  let end = 0;
  const next = (): number => {
    let number = 0;
    for (let place = 1; at < packed.length; place *= 128) {
      const octet = packed[at++] ?? 0;
      number += (octet & 0x7f) * place;
      if (octet < 0x80) break;
    }
    return number;
  };
  while (at < packed.length) {
    const head = next();
    const first = end + Math.floor(head / 2);
    end = head % 2 === 1 ? first + next() : first;
    ranges.push([first, end]);
  }
  return setOf(ranges);
}

/** Seven bits an octet, the least first; the eighth says that it goes on. */
function push(octets: number[], number: number): void {
  let rest = number;
  for (; rest >= 128; rest = Math.floor(rest / 128)) octets.push((rest % 128) + 128);
  octets.push(rest);
}
