/** Rounds one after the other in one world, which is made anew after a failure; and the shrinking of one that failed. */
import fc from 'fast-check';
import { plainHistory, rounds } from './generator.ts';
import { Broken } from './history.ts';
import { historyOfGroup, type Item, itemsOf } from './items.ts';
import { runRound } from './run-round.ts';
import { type Shrunk, shrink } from './shrink.ts';
import { simpler } from './simpler.ts';
import type { Step } from './steps.ts';
import { startWatchers, type Watchers } from './watchers.ts';
import { startWorld, type World, type WorldOptions } from './world.ts';

export interface Runner {
  /** Undefined: all held. */
  run(items: readonly Item[]): Promise<Failed | undefined>;
  /** The round of a seed, run. */
  runSeed(seed: number): Promise<Failed | undefined>;
  /** As few steps as still fail in the same way, found within the time. Undefined: it didn't fail again, so that nothing can be learned. */
  shrink(failed: Failed, limitMs: number): Promise<Shrunk<Failed> | undefined>;
  readonly figures: Figures;
  close(): Promise<void>;
}

/** Of those that held; `tries`: how often a watcher has tried to read or to send, in all. */
export interface Figures {
  /** One of each group in a round. */
  readonly histories: number;
  /** That did something; a shared one counts for each group. */
  readonly steps: number;
  readonly tries: number;
  /** In how many histories each kind of step did something. */
  readonly kinds: ReadonlyMap<string, number>;
  readonly oddities: readonly string[];
}

export interface Failed {
  /** Up to the one at which it failed. */
  readonly steps: readonly Item[];
  /** In whose history, where it is clear. */
  readonly group: number | undefined;
  /** Which invariant, where it was one. */
  readonly invariant: string | undefined;
  readonly message: string;
  readonly log: string;
  /** Of sidecars and servers, all. */
  readonly everything: string;
}

export interface RunnerOptions extends WorldOptions {
  /** Histories of the steps alone that have been played for long. */
  readonly plain?: boolean;
}

export function roundOf(seed: number, { groups = 1, plain = false }: Omit<RunnerOptions, 'inherit'>): readonly Item[] {
  const one = <T>(arbitrary: fc.Arbitrary<T>) => fc.sample(arbitrary, { seed, numRuns: 1 })[0];
  return plain ? itemsOf(one(plainHistory) ?? []) : (one(rounds(groups)) ?? []);
}

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

export function openRunner(options: RunnerOptions): Runner {
  const done = { histories: 0, steps: 0, tries: 0, kinds: new Map<string, number>(), oddities: [] as string[] };
  let world: World | undefined;
  let watchers: readonly Watchers[] = [];
  const discard = async () => {
    done.tries += watchers.reduce((sum, { tries }) => sum + tries, 0);
    done.oddities.push(...(world?.oddities ?? []));
    await Promise.all(watchers.map((one) => one.stop()));
    await world?.stop();
    watchers = [];
    world = undefined;
  };
  /** `shrinking`: the world is used again where it can be brought back to its beginning, and what is played doesn't count. */
  const run = async (items: readonly Item[], shrinking = false): Promise<Failed | undefined> => {
    if (world === undefined) {
      // On a machine that is busy with other things servers may be late to answer.
      const started = await startedWorld(options);
      watchers = started.groups.map((group) => startWatchers(started.site, group));
      world = started;
    }
    const outcome = await runRound(world, watchers, items, shrinking);
    if (outcome.kind === 'held') {
      if (shrinking) return undefined;
      done.steps += outcome.steps;
      done.histories += outcome.played.length;
      for (const played of outcome.played)
        for (const kind of played) done.kinds.set(kind, (done.kinds.get(kind) ?? 0) + 1);
      return undefined;
    }
    const { error, at, group } = outcome;
    const invariant = error instanceof Broken ? error.invariant : undefined;
    const message = error instanceof Broken ? error.message : String((error as Error).stack ?? error);
    const log = world.log();
    const everything = shrinking ? '' : world.everything();
    if (!outcome.clean) await discard();
    return { steps: items.slice(0, at), group, invariant, message, log, everything };
  };
  const shrinkHere = async (failed: Failed, until: number) => {
    const alike = ({ invariant }: Failed) => invariant === failed.invariant;
    for (let time = 1; time <= AGAIN; time++) {
      const again = await run(failed.steps, true);
      if (again === undefined || !alike(again)) continue;
      const [times, over] = [time, () => Date.now() > until];
      return shrink(again, { run: (items) => run(items, true), alike, times, over, simpler });
    }
    return undefined;
  };
  return {
    run,
    runSeed: (seed) => run(roundOf(seed, options)),
    shrink: async (failed, limitMs) => {
      const until = Date.now() + limitMs;
      const { group } = failed;
      if (group === undefined || (options.groups ?? 1) === 1) return shrinkHere(failed, until);
      // Its own group alone first.
      const alone = openRunner({ ...options, groups: 1 });
      try {
        const steps: readonly Step[] = historyOfGroup(failed.steps, group);
        const found = await alone.shrink({ ...failed, steps: itemsOf(steps), group: 0 }, limitMs);
        if (found !== undefined) return found;
      } finally {
        await alone.close();
      }
      return shrinkHere(failed, Math.max(until, Date.now() + limitMs / 2));
    },
    get figures() {
      return {
        ...done,
        tries: done.tries + watchers.reduce((sum, { tries }) => sum + tries, 0),
        oddities: [...done.oddities, ...(world?.oddities ?? [])],
      };
    },
    close: discard,
  };
}
