/** A process that runs for months keeps its memory small: what has become garbage is collected before the heap has grown to several times what lives. */
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8';

/** By so much of what lives the heap may grow before it is collected, in percent. V8's own measure is the machine's memory. */
const GROWTH_PERCENT = 40;

/** Where what is new is made, both halves of it: V8 itself lets it grow to 32 MB, of which next to nothing lives at any moment. */
const YOUNG_BYTES = 8 * 1024 * 1024;

/** To be called before anything large is loaded. */
export function keepHeapSmall(): void {
  collectEarly();
  growYoung();
  setFlagsFromString('--semi-space-growth-factor=1');
}

/** For a command that goes through a great many rows: it makes much at once, which the small part for what is new would not hold. */
export function collectEarly(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
}

/** To the size at which it stays: V8 makes it larger when more lives in it than it holds. */
function growYoung(): void {
  const size = () => getHeapSpaceStatistics().find((space) => space.space_name === 'new_space')?.space_size ?? 0;
  const living: unknown[] = [];
  while (size() < YOUNG_BYTES && living.length < MOST) living.push(new Array(PIECE).fill(0));
}

/** Small enough to be made there, and far more of them than fill it. */
const PIECE = 1000;
const MOST = 10_000;
