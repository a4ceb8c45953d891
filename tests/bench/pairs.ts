/**
 * Interleaved pairs of measurements: ours and the floor in turn, so that the machine's drift meets both, and each after a moment's
 * rest, so that neither meets what the other left to be done.
 */
import { setTimeout as pause } from 'node:timers/promises';

export interface Comparison {
  readonly what: string;
  /** Medians, in milliseconds. */
  readonly ours: number;
  readonly floor: number;
  /** Median of ours / floor, pair by pair, and where the middle half of the pairs lies. */
  readonly ratio: number;
  readonly spread: readonly [low: number, high: number];
  readonly pairs: number;
  /** The spread is larger than the difference: the pairs don't tell which one is faster. */
  readonly inconclusive: boolean;
}

export const PAIRS = 9;
const REST_MS = 100;

export async function compare(
  what: string,
  ours: (round: number) => Promise<number>,
  floor: (round: number) => Promise<number>,
  pairs: number = PAIRS,
): Promise<Comparison> {
  const rested = async (side: (round: number) => Promise<number>, round: number) => {
    await pause(REST_MS);
    return side(round);
  };
  await ours(-1); // neither the first of ours nor the first of theirs counts: caches, just-in-time compilation
  await floor(-1);
  const mine: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < pairs; round++) {
    if (round % 2 === 0) mine.push(await rested(ours, round));
    theirs.push(await rested(floor, round));
    if (round % 2 === 1) mine.push(await rested(ours, round));
  }
  return comparison(what, mine, theirs);
}

/** Of what was measured in turn already. */
export function comparison(what: string, mine: readonly number[], theirs: readonly number[]): Comparison {
  const ratios = mine.map((value, at) => value / (theirs[at] ?? Number.NaN));
  const ratio = quantile(ratios, 0.5);
  const spread = [quantile(ratios, 0.25), quantile(ratios, 0.75)] as const;
  return {
    what,
    ours: quantile(mine, 0.5),
    floor: quantile(theirs, 0.5),
    ratio,
    spread,
    pairs: mine.length,
    inconclusive: spread[1] - spread[0] > Math.abs(ratio - 1),
  };
}

export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

export function row({ what, ours, floor, ratio, spread, inconclusive }: Comparison): readonly string[] {
  return [
    what,
    ms(ours),
    ms(floor),
    `${ratio.toFixed(2)} (${spread[0].toFixed(2)} to ${spread[1].toFixed(2)})${inconclusive ? ' inconclusive' : ''}`,
  ];
}

export const ms = (value: number) => `${value < 10 ? value.toFixed(2) : value.toFixed(1)} ms`;
