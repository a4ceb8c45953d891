/** Histories one after the other in one world, which is made anew after a failure; and the shrinking of one that failed. */
import fc from 'fast-check';
import { Broken } from './history.ts';
import { runHistory } from './run-history.ts';
import { history, type Step } from './steps.ts';
import { startWatchers, type Watchers } from './watchers.ts';
import { startWorld, type World, type WorldOptions } from './world.ts';

export interface Runner {
  /** Undefined: all held. */
  run(steps: readonly Step[]): Promise<Failed | undefined>;
  /** The history of a seed, run. */
  runSeed(seed: number): Promise<Failed | undefined>;
  /** As few steps as still fail in the same way, found within the time. */
  shrink(failed: Failed, limitMs: number): Promise<Failed>;
  readonly figures: { histories: number; steps: number; tries: number };
  close(): Promise<void>;
}

export interface Failed {
  readonly steps: readonly Step[];
  /** Which invariant, where it was one. */
  readonly invariant: string | undefined;
  readonly message: string;
  readonly log: string;
}

export const historyOf = (seed: number): readonly Step[] => fc.sample(history, { seed, numRuns: 1 })[0] ?? [];

export function openRunner(options: WorldOptions): Runner {
  const figures = { histories: 0, steps: 0, tries: 0 };
  let world: World | undefined;
  let watchers: Watchers | undefined;
  const discard = async () => {
    figures.tries += watchers?.tries ?? 0;
    await watchers?.stop();
    await world?.stop();
    watchers = undefined;
    world = undefined;
  };
  const run = async (steps: readonly Step[]): Promise<Failed | undefined> => {
    if (world === undefined) {
      // On a machine that is busy with other things servers may be late to answer.
      world = await startWorld(options).catch(() => startWorld(options));
      watchers = startWatchers(world.site);
    }
    try {
      figures.steps += await runHistory(world, watchers as Watchers, steps);
      figures.histories++;
      return undefined;
    } catch (error) {
      const invariant = error instanceof Broken ? error.invariant : undefined;
      const message = error instanceof Broken ? error.message : String((error as Error).stack ?? error);
      const log = world.log();
      await discard();
      return { steps, invariant, message, log };
    }
  };
  return {
    run,
    runSeed: (seed) => run(historyOf(seed)),
    shrink: async (failed, limitMs) => {
      const until = Date.now() + limitMs;
      let least = failed;
      // Chunks first, then single steps: a history without some of its steps is one too.
      for (let size = Math.ceil(failed.steps.length / 2); size >= 1; size = Math.floor(size / 2)) {
        for (let from = least.steps.length - size; from >= 0 && Date.now() < until; from -= size) {
          const less = least.steps.filter((_, index) => index < from || index >= from + size);
          const again = less.length === 0 ? undefined : await run(less);
          if (again !== undefined && again.invariant === failed.invariant) least = again;
        }
      }
      return least;
    },
    figures,
    close: discard,
  };
}
