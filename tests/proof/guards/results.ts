/** What was found when each guard was taken out last: results.json, from which docs/guards.md is made. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Outcome } from './run-guard.ts';

export interface Result {
  /** The test file that failed, and the innermost assertion, in its own words. Null: none has. */
  readonly test: string | null;
  readonly assertion?: string;
  /** How long that took, on a machine that was busy with other things besides. */
  readonly seconds?: number;
}

/** By the guard's name. */
export type Results = Readonly<Record<string, Result>>;

const FILE = 'tests/proof/guards/results.json';

export const readResults = (tree: string): Results => JSON.parse(readFileSync(join(tree, FILE), 'utf8')) as Results;

/** One guard's outcome into the file, as it stands now; of guards that are not listed any more it goes. */
export function record(tree: string, names: readonly string[], name: string, outcome: Outcome): void {
  if (outcome.kind === 'unclear') return;
  const all: Results = { ...readResults(tree), [name]: resultOf(outcome) };
  const kept = names.filter((one) => all[one] !== undefined).map((one) => [one, all[one]]);
  writeFileSync(join(tree, FILE), `${JSON.stringify(Object.fromEntries(kept), undefined, 2)}\n`);
}

function resultOf(outcome: Exclude<Outcome, { kind: 'unclear' }>): Result {
  if (outcome.kind === 'survived') return { test: null };
  const { test, assertion, seconds } = outcome;
  return { test, assertion, seconds };
}
