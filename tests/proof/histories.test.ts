/** Random histories against real servers, anew each time: for half a minute here, any number with `npm run proof`. */
import t from 'tap';
import { itemsOf, lines } from './histories/items.ts';
import { KNOWN } from './histories/known.ts';
import { openRunner, roundOf } from './histories/runner.ts';

/** Begun within this time; the servers' start and the last history come on top. */
const BEGIN_MS = 25_000;

t.test('who may do what, after random histories', async (t) => {
  const seed = Number(process.env.PROOF_SEED ?? Math.floor(Math.random() * 2 ** 30));
  t.comment(`seed ${seed}`);
  const runner = openRunner({ inherit: seed % 2 === 0, plain: true });
  t.teardown(() => runner.close());
  const began = Date.now();
  for (const [name, steps] of Object.entries(KNOWN)) {
    const failed = await runner.run(itemsOf(steps));
    t.equal(failed, undefined, name);
    if (failed !== undefined) return;
  }
  const until = began + BEGIN_MS;
  for (let next = seed; Date.now() < until; next++) {
    const failed = await runner.runSeed(next);
    const steps = lines(roundOf(next, { plain: true })).join('\n  ');
    if (failed === undefined) continue;
    t.fail(`history ${next}: ${failed.message}\n  ${steps}\n${failed.log}`);
    return;
  }
  const { histories, steps, tries } = runner.figures;
  t.pass(`${histories} histories of ${steps} steps, ${tries} tries to get in`);
});
