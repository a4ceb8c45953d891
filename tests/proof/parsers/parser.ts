/** A reader of what others write, as the fuzzers see it: what its input is made of, and what is true whatever it is given. */
import assert from 'node:assert/strict';
import { Failure } from '../../../bridge/shared/failure.ts';

export interface Parser {
  readonly name: string;
  /** Parts of paths of the files that read, ours and packages': the search for new ways goes by these. */
  readonly files: readonly string[];
  /** It reads octets: its inputs are in latin1, one character each. */
  readonly octets?: boolean;
  /** Well-formed inputs. */
  readonly samples: readonly string[];
  /** What inputs are made of, and what is repeated to see how long it takes. */
  readonly pieces: readonly string[];
  /** Reads as the program does. Throws what is no documented refusal, and an AssertionError where what was read isn't as it must be. */
  readonly check: (input: string) => void | Promise<void>;
  /** Reads only, for the time it takes; {@link check} where it isn't given. */
  readonly read?: (input: string) => unknown;
  /** Around what is repeated, so that it gets as far as it can. */
  readonly within?: readonly (readonly [before: string, after: string])[];
  /** How much slower than the others one reading is (a file, a connection): so many times fewer are made. */
  readonly cost?: number;
}

/** No sentence of ours is longer, whatever it quotes. */
const LONGEST_MESSAGE = 4000;

/** The failure that a reader is documented to throw, or its throwing is a defect. */
export function refusal(error: unknown, codes: readonly Failure['code'][] = ['config', 'refused', 'retry']): void {
  if (!(error instanceof Failure) || !codes.includes(error.code)) throw error;
  assert.ok(
    error.message.length > 0 && error.message.length <= LONGEST_MESSAGE,
    `a message of ${error.message.length}`,
  );
}

/** What `read` gives, or undefined where it has refused as documented. */
export function orRefused<T>(read: () => T, codes?: readonly Failure['code'][]): T | undefined {
  try {
    return read();
  } catch (error) {
    refusal(error, codes);
    return undefined;
  }
}

/** Nothing is made of an input that is many times as large: `times` its length, and what an empty one needs. */
export function bounded(input: string, result: unknown, times: number, least = 1000): void {
  const size = JSON.stringify(result, (_, value) => (value instanceof Map ? [...value] : value))?.length ?? 0;
  assert.ok(size <= times * input.length + least, `${size} of ${input.length}`);
}

export const octets = (latin1: string): Buffer => Buffer.from(latin1, 'latin1');

/** Well-formed Unicode: no half of a surrogate pair. */
export const wellFormed = (text: string): string => text.replace(/\p{Surrogate}/gu, '\ufffd');

/** Reading in two portions, cut at each of some places, gives what reading at once does. */
export function places(length: number): readonly number[] {
  return [...new Set([0, 1, length >> 2, length >> 1, length - 1, length])].filter((at) => at >= 0 && at <= length);
}
