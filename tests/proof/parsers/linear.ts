/**
 * Whether reading takes time in proportion to the length, told by doubling and by no clock's absolute value: input of one piece (or two in turn)
 * over and over, made as long as it needs to be measured, then twice and four times as long. A linear reading doubles each time, a quadratic one
 * takes four times as long; three times, twice in a row and whenever it is tried again, is too much.
 */
import type { Parser } from './parser.ts';

/** How long the shortest of the three readings is to take of this process's time: enough that a doubling is more than noise. */
export const MEASURABLE_MS = 20;
/** What is refused unread, or read so fast, needs no more. */
const LONGEST = 2 ** 18;
const TOO_STEEP = 3;
const TRIES = 6;

export interface Steep {
  readonly parser: string;
  readonly input: string;
  readonly length: number;
  readonly ms: readonly number[];
}

/** The middle one of so many readings. */
async function took(read: () => unknown, runs = 3): Promise<number> {
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const before = process.cpuUsage();
    await read();
    const { user, system } = process.cpuUsage(before);
    times.push((user + system) / 1000);
  }
  return times.sort((a, b) => a - b)[runs >> 1] ?? 0;
}

/** Undefined: in proportion, or too fast to tell. */
export async function steep(
  parser: Parser,
  piece: string,
  around: readonly [string, string],
  measurableMs = MEASURABLE_MS,
): Promise<Steep | undefined> {
  const [before, after] = around;
  const read = parser.read ?? parser.check;
  const at = (length: number) => {
    const input = before + piece.repeat(Math.max(1, Math.ceil(length / piece.length))) + after;
    return async () => {
      try {
        await read(input);
      } catch {} // what it says of such an input is the other half's
    };
  };
  let length = 64;
  while (length < LONGEST && (await took(at(length), 1)) < measurableMs) length *= 4;
  if (length >= LONGEST) return undefined;
  let ms: readonly number[] = [];
  for (let tried = 0; tried < TRIES; tried++) {
    ms = [await took(at(length)), await took(at(2 * length)), await took(at(4 * length))];
    const [one = 0, two = 0, four = 0] = ms;
    if (two < TOO_STEEP * one || four < TOO_STEEP * two) return undefined;
  }
  return { parser: parser.name, input: `${before}${JSON.stringify(piece)} over and over${after}`, length, ms };
}
