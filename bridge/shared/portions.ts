/**
 * What nobody waits for goes in portions: each holds the thread for some milliseconds and ends in a commit of its own, then the event
 * loop has its turn, and whoever goes first.
 */

/** How long a portion may hold the thread, in milliseconds. Its commit comes on top. */
const PORTION_MS = 10;

/** How many rows a portion reads at most. */
export const PORTION_ROWS = 500;

/** Called between two portions. Resolves when the next may begin; to false where it should not: the rest is for another time. */
export type GiveWay = () => Promise<boolean>;

/** The event loop alone has its turn. */
export const giveBack: GiveWay = () => new Promise((resolve) => setImmediate(resolve, true));

/** Begins a portion. The answer says whether it has had its time. */
export function portion(): () => boolean {
  const until = performance.now() + PORTION_MS;
  return () => performance.now() >= until;
}

/** Waits for something, but not for ever. What it throws is for those who began it. */
export async function atMost(ms: number, awaited: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const enough = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([awaited.catch(() => {}), enough]);
  clearTimeout(timer);
}

/** Waits until all of them are over, then throws what the first of those that failed threw. */
export async function allOver(all: readonly Promise<unknown>[]): Promise<void> {
  for (const one of await Promise.allSettled(all)) if (one.status === 'rejected') throw one.reason;
}

/** So many of them at a time as what is done with each may take a fraction of a millisecond. */
export function* portions<T>(all: readonly T[], most = FEW): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += most) yield all.slice(at, at + most);
}

const FEW = 100;
