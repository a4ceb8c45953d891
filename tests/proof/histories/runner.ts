/** Histories one after the other in one world, which is made anew after a failure; and the shrinking of one that failed. */
import fc from 'fast-check';
import { history, plainHistory } from './generator.ts';
import { Broken } from './history.ts';
import { runHistory } from './run-history.ts';
import { type Shrunk, shrink } from './shrink.ts';
import { simpler } from './simpler.ts';
import type { Step } from './steps.ts';
import { startWatchers, type Watchers } from './watchers.ts';
import { startWorld, type World, type WorldOptions } from './world.ts';

export interface Runner {
  /** Undefined: all held. */
  run(steps: readonly Step[]): Promise<Failed | undefined>;
  /** The history of a seed, run. */
  runSeed(seed: number): Promise<Failed | undefined>;
  /** As few steps as still fail in the same way, found within the time. Undefined: it didn't fail again, so that nothing can be learned. */
  shrink(failed: Failed, limitMs: number): Promise<Shrunk<Failed> | undefined>;
  readonly figures: Figures;
  close(): Promise<void>;
}

/** Of those that held; `tries`: how often a watcher has tried to read or to send, in all. */
export interface Figures {
  readonly histories: number;
  readonly steps: number;
  readonly tries: number;
  /** In how many histories each kind of step did something. */
  readonly kinds: ReadonlyMap<string, number>;
}

export interface Failed {
  /** Up to the one at which it failed. */
  readonly steps: readonly Step[];
  /** Which invariant, where it was one. */
  readonly invariant: string | undefined;
  readonly message: string;
  readonly log: string;
}

export const historyOf = (seed: number, plain: boolean): readonly Step[] =>
  fc.sample(plain ? plainHistory : history, { seed, numRuns: 1 })[0] ?? [];

/** Before it is given up that a history fails again. */
const AGAIN = 4;

/** Attempts to start servers. */
const STARTS = 5;

async function startedWorld(options: WorldOptions): Promise<World> {
  for (let time = 1; ; time++) {
    try {
      return await startWorld(options);
    } catch (error) {
      if (time === STARTS) throw error;
    }
  }
}

/** `plain`: histories of the steps alone that have been played for long. */
export function openRunner({ plain = false, ...options }: WorldOptions & { readonly plain?: boolean }): Runner {
  const done = { histories: 0, steps: 0, tries: 0, kinds: new Map<string, number>() };
  let world: World | undefined;
  let watchers: Watchers | undefined;
  const discard = async () => {
    done.tries += watchers?.tries ?? 0;
    await watchers?.stop();
    await world?.stop();
    watchers = undefined;
    world = undefined;
  };
  /** `shrinking`: the world is used again where it can be brought back to its beginning, and what is played doesn't count. */
  const run = async (steps: readonly Step[], shrinking = false): Promise<Failed | undefined> => {
    if (world === undefined) {
      // On a machine that is busy with other things servers may be late to answer.
      world = await startedWorld(options);
      watchers = startWatchers(world.site);
    }
    const outcome = await runHistory(world, watchers as Watchers, steps, shrinking);
    if (outcome.kind === 'held') {
      if (shrinking) return undefined;
      done.steps += outcome.steps;
      done.histories++;
      for (const kind of outcome.played) done.kinds.set(kind, (done.kinds.get(kind) ?? 0) + 1);
      return undefined;
    }
    const { error, at } = outcome;
    const invariant = error instanceof Broken ? error.invariant : undefined;
    const message = error instanceof Broken ? error.message : String((error as Error).stack ?? error);
    const log = world.log();
    if (!outcome.clean) await discard();
    return { steps: steps.slice(0, at), invariant, message, log };
  };
  return {
    run,
    runSeed: (seed) => run(historyOf(seed, plain)),
    shrink: async (failed, limitMs) => {
      const until = Date.now() + limitMs;
      const alike = ({ invariant }: Failed) => invariant === failed.invariant;
      for (let time = 1; time <= AGAIN; time++) {
        const again = await run(failed.steps, true);
        if (again === undefined || !alike(again)) continue;
        const [times, over] = [time, () => Date.now() > until];
        return shrink(again, { run: (steps) => run(steps, true), alike, times, over, simpler });
      }
      return undefined;
    },
    get figures() {
      return { ...done, tries: done.tries + (watchers?.tries ?? 0) };
    },
    close: discard,
  };
}
