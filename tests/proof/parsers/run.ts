/** One parser given many inputs. */
import fc from 'fast-check';
import { inputsOf } from './inputs.ts';
import type { Parser } from './parser.ts';

/** What was found, as a sentence that says how to see it again; undefined: nothing. */
export async function fuzz(parser: Parser, runs: number, seed: number): Promise<string | undefined> {
  const property = fc.asyncProperty(inputsOf(parser), async (input) => parser.check(input));
  const details = await fc.check(property, { numRuns: runs, seed, endOnFailure: false });
  if (!details.failed) return undefined;
  const [input] = details.counterexample ?? [];
  const why = details.errorInstance instanceof Error ? details.errorInstance.stack : String(details.errorInstance);
  return `${parser.name}, seed ${seed}: ${JSON.stringify(input)}\n${why}`;
}
