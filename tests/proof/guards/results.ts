/** What was found when each guard was taken out last: results.json, from which docs/guards.md is made. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from './run-guard.ts';

export interface Result {
  /** The test file that failed, and the innermost assertion, in its own words. */
  readonly test: string;
  readonly assertion: string;
  /** How long that took, on a machine that was busy with other things besides. */
  readonly seconds: number;
}

/** By the guard's name. */
export type Results = Readonly<Record<string, Result>>;

const FILE = 'tests/proof/guards/results.json';

export const readResults = (tree: string): Results => JSON.parse(readFileSync(join(tree, FILE), 'utf8')) as Results;

/** One guard's outcome into the file, as it stands now; what is not there any more goes. A guard that nobody noticed loses its result. */
export function record(tree: string, names: readonly string[], name: string, outcome: Outcome): void {
  if (outcome.kind === 'unclear') return;
  const { [name]: _, ...others } = readResults(tree);
  const { kind: _kind, ...result } = outcome;
  const all: Results = outcome.kind === 'caught' ? { ...others, [name]: result as Result } : others;
  const kept = names.filter((one) => all[one] !== undefined).map((one) => [one, all[one]]);
  writeFileSync(join(tree, FILE), `${JSON.stringify(Object.fromEntries(kept), undefined, 2)}\n`);
}
