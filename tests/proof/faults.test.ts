/** Faults between the sidecar and its servers, by chance and anew each time: for a quarter of a minute here, any number with `npm run proof:faults`. */
import t from 'tap';
import { within } from '../../config/lab/wait.ts';
import { startFaultyWorld } from './faults/faulty-world.ts';
import { described } from './faults/inject.ts';
import { planned } from './faults/plan.ts';
import { measure, noFigures, survive } from './faults/session.ts';

/** The last fault is set within this time; the servers' start and what it takes to be put right come on top. */
const SET_MS = 12_000;
/** Then what hangs is told, before the file's own time is over and nobody says what it was. */
const LIMIT_MS = 170_000;
const MOST = 200;

t.test('what a grant and a revoke come to when the way to a server breaks', async (t) => {
  const seed = Number(process.env.PROOF_SEED ?? Math.floor(Math.random() * 2 ** 30));
  t.comment(`seed ${seed}`);
  const faulty = await startFaultyWorld(seed % 2 === 0);
  t.teardown(() => faulty.stop());
  const figures = noFigures();
  const faults = planned(await measure(faulty), seed, MOST);
  const until = Date.now() + SET_MS;
  try {
    const over = survive(faulty, faults, figures, () => Date.now() < until);
    await within(`the end of seed ${seed}`, LIMIT_MS, over);
  } catch (error) {
    t.fail(
      `${error}\n  ${faults
        .slice(0, figures.set + 1)
        .map(described)
        .join('\n  ')}\n${faulty.world.log()}`,
    );
    return;
  }
  t.ok(
    figures.set > 0,
    `${figures.set} faults were set, ${figures.happened} happened, ${figures.told} stood in status`,
  );
});
