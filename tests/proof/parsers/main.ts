/**
 * `npm run proof:parsers -- --runs 100000 [--seed S] [--only WORDS] [--without-lengths]`: each reader of others' input is given so many inputs by chance, so many that
 * are led by what code they reach, and long ones of each piece for the time they take. Those behind a file or a connection are given fewer, by
 * what one costs. Exit status 1 when anything was found.
 */
import { parseArgs } from 'node:util';
import { PARSERS } from './all-parsers.ts';
import { guided } from './guided.ts';
import { steep } from './linear.ts';
import type { Parser } from './parser.ts';
import { fuzz } from './run.ts';
import { closeWires } from './wire-parsers.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '10000' },
    seed: { type: 'string' },
    only: { type: 'string', default: '' },
    'without-lengths': { type: 'boolean', default: false },
  },
});
const runs = Number(values.runs);
const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 30));
const say = (line: string) => process.stdout.write(`${line}\n`);

interface Sum {
  inputs: number;
  kept: number;
  lengths: number;
  found: number;
}

async function prove(parser: Parser, sum: Sum): Promise<void> {
  const many = Math.max(1, Math.ceil(runs / (parser.cost ?? 1)));
  const failed = await fuzz(parser, many, seed);
  const led = await guided(parser, many, seed);
  sum.inputs += many + led.runs;
  sum.kept += led.kept;
  const found = [failed, led.failed];
  for (const around of values['without-lengths'] ? [] : (parser.within ?? [['', '']])) {
    for (const piece of parser.pieces) {
      sum.lengths++;
      const slow = await steep(parser, piece, around);
      if (slow !== undefined) found.push(`more than linear: ${JSON.stringify(slow)}`);
    }
  }
  const all = found.filter((one) => one !== undefined);
  sum.found += all.length;
  say(
    `${all.length === 0 ? 'held' : 'FOUND'}  ${parser.name}: ${many} by chance, ${led.runs} led (${led.kept} new ways, ${(led.part * 100).toFixed(1)} % of the code)`,
  );
  for (const one of all) say(one);
}

process.on('unhandledRejection', (error) => {
  say(`an unhandled rejection: ${error instanceof Error ? error.stack : error}`);
  process.exitCode = 1;
});
say(`seed ${seed}`);
const sum: Sum = { inputs: 0, kept: 0, lengths: 0, found: 0 };
for (const parser of PARSERS.filter(({ name }) => name.includes(values.only))) await prove(parser, sum);
await closeWires();
say(`${sum.inputs} inputs, ${sum.kept} of them new ways; ${sum.lengths} kinds of long ones; ${sum.found} found`);
if (sum.found > 0) process.exitCode = 1;
