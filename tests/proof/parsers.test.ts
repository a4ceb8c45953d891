/** Readers of others' input, given what nobody thought of, anew each time: a few seconds of what `npm run proof:parsers` does for long. */
import t from 'tap';
import { PARSERS } from './parsers/all-parsers.ts';
import { guided, numbers } from './parsers/guided.ts';
import { steep } from './parsers/linear.ts';
import { fuzz } from './parsers/run.ts';
import { closeWires } from './parsers/wire-parsers.ts';

const RUNS = 200;
/** Readings of a long input take so many ms at least. */
const MEASURABLE_MS = 4;

t.teardown(closeWires);

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
  const { failed, part } = await guided(led, RUNS, seed);
  t.equal(failed, undefined, `${led.name}: led by the code that it reaches`);
  t.ok(part > 0.3, `${led.name}: ${Math.round(part * 100)} % of the code`);
});
