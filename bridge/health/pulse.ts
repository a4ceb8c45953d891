/**
 * Whether the sidecar's work goes on: the jobs that come round, and the passes in hand. What has begun and comes to no end within its time
 * hangs; so does a queue that nobody takes from. A failure is an end too: whether work succeeds is another question (ready.ts).
 */

/** Jobs that never wait for a server, hence end soon, however much there is to do. */
export type Job = 'wake' | 'due' | 'upkeep';

export interface Part {
  readonly name: string;
  readonly ok: boolean;
  /** A sentence. It names nobody. */
  readonly told: string;
}

/** As the schedule has it. */
export interface Queue {
  /** What waits for its turn. */
  readonly waiting: number;
  readonly inHand: number;
}

export interface Pulse {
  job(name: Job, work: () => Promise<void>): Promise<void>;
  /** A pass begins; the answer ends it. `sign`: it has got on. */
  pass(): { readonly sign: () => void; readonly end: () => void };
  /** Never throws. `queue`: undefined while nothing is open. */
  look(queue: Queue | undefined): readonly Part[];
}

/** Longer than any work takes that is honest: a look at a million changed rows, say. */
const STALLED_MS = 15 * 60_000;

/**
 * How long a job may take, a pass do nothing on a server, and a queue stand still; ms. A whole command may take ten times
 * imap.timeout_seconds (imap/answer-bounds.ts), and a large tree asks many in a row.
 */
export function stalledAfter(timeoutSeconds: number): number {
  return Math.max(STALLED_MS, 30 * timeoutSeconds * 1000);
}

/** `now`: of a clock that only counts; ms. */
export function openPulse(stalledMs: number, now: () => number = () => performance.now()): Pulse {
  const running = new Map<Job, number>();
  const passes = new Set<{ at: number }>();
  let moved = now();
  const seconds = (ms: number) => `${Math.round(ms / 1000)} s`;

  const jobs = (): readonly Part[] =>
    [...running].map(([name, began]) => {
      const ms = now() - began;
      const ok = ms <= stalledMs;
      return { name, ok, told: ok ? 'at work' : `has begun ${seconds(ms)} ago and comes to no end` };
    });
  const inHand = (): Part => {
    const oldest = Math.max(0, ...[...passes].map(({ at }) => now() - at));
    const ok = oldest <= stalledMs;
    return {
      name: 'passes',
      ok,
      told: ok ? `${passes.size} at work` : `one has done nothing for ${seconds(oldest)}`,
    };
  };
  const queue = (given: Queue | undefined): Part => {
    const still = now() - moved;
    const ok = given === undefined || given.waiting === 0 || given.inHand > 0 || still <= stalledMs;
    return { name: 'queue', ok, told: ok ? 'moves' : `nothing has been taken from it for ${seconds(still)}` };
  };
  return {
    job: async (name, work) => {
      running.set(name, now());
      try {
        await work();
      } finally {
        running.delete(name);
      }
    },
    pass: () => {
      const one = { at: now() };
      passes.add(one);
      moved = now();
      return {
        sign: () => {
          one.at = now();
        },
        end: () => {
          passes.delete(one);
          moved = now();
        },
      };
    },
    look: (given) => [...jobs(), inHand(), queue(given)],
  };
}
