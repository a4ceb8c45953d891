/** Readers of others' input, given what nobody thought of, anew each time: a few seconds of what `npm run proof:parsers` does for long. */
import path from 'node:path';
import t from 'tap';
import { run } from '../../config/lab/run.ts';
import { PARSERS } from './parsers/all-parsers.ts';
import { numbers } from './parsers/guided.ts';
import { steep } from './parsers/linear.ts';
import type { Parser } from './parsers/parser.ts';
import { fuzz } from './parsers/run.ts';
import { closeWires } from './parsers/wire-parsers.ts';

const RUNS = 200;
/** Readings of a long input take so many ms at least. */
const MEASURABLE_MS = 4;

t.teardown(closeWires);

/** As `npm run proof:parsers` does it: from the sources, since V8 names what has run by file. */
async function ledBySource({ name }: Parser, seed: number): Promise<string> {
  const argv = ['--import', 'tsx', 'tests/proof/parsers/main.ts', '--without-lengths'];
  const given = ['--runs', `${RUNS}`, '--seed', `${seed}`, '--only', name];
  const cwd = path.resolve(import.meta.dirname, '../..');
  const { stdout } = await run(process.execPath, [...argv, ...given], { cwd }).catch((error) => error);
  return stdout;
}

t.test('readers of what others write', async (t) => {
  const seed = Number(process.env.PROOF_SEED ?? Math.floor(Math.random() * 2 ** 30));
  t.comment(`seed ${seed}`);
  const next = numbers(seed);
  const pick = <T>(of: readonly T[]): T => of[Math.floor(next() * of.length)] as T;
  const led = pick(PARSERS.filter(({ cost = 1 }) => cost < 10));
  for (const parser of PARSERS) {
    const runs = Math.ceil(RUNS / (parser.cost ?? 1));
    t.equal(await fuzz(parser, runs, seed), undefined, `${parser.name}: ${runs} inputs`);
    if ((parser.cost ?? 1) >= 10) continue;
    const slow = await steep(parser, pick(parser.pieces), pick(parser.within ?? [['', '']]), MEASURABLE_MS);
    t.equal(slow, undefined, `${parser.name}: in proportion to the length`);
  }
  const said = await ledBySource(led, seed);
  const [, part = ''] = /^held +.* led .* ([\d.]+) % of the code\)$/m.exec(said) ?? [];
  t.ok(Number(part) > 30, `${led.name}: led by the code that it reaches, in ${part} % of it\n${said}`);
});
