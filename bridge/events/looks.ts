/**
 * Mailboxes that are to be looked at because of events: at once, but never in a revoke's or a grant's place, and not without end. A mailbox of
 * which we hear again and again is looked at less and less often, and all of them together so many times a second at most.
 */
import { setTimeout as delay } from 'node:timers/promises';

export interface LookLimits {
  /** All mailboxes together. */
  readonly perSecond: number;
  /** So many looks at one mailbox within a minute; then it waits until the first of them is a minute old. */
  readonly oneInAMinute: number;
}

export interface Looks {
  /** Known already: nothing more. */
  add(mailboxId: number): void;
  readonly waiting: number;
  /** Since the start. */
  readonly begun: number;
  close(): void;
}

const MINUTE_MS = 60_000;
/** How often it is asked whether what is more urgent is over, or a minute. */
const TURN_MS = 50;
/** A look is not urgent, but a wave of grants may last for minutes: one gets on then, behind them in the schedule. */
const LONGEST_WAY_MS = 1000;
const MOST_WAITING = 100_000;

/**
 * @param pressed whether a revoke or a grant waits
 * @param look begins a look; it goes on by itself
 */
export function openLooks(
  { perSecond, oneInAMinute }: LookLimits,
  pressed: () => boolean,
  look: (mailboxId: number) => void,
  now: () => number = () => performance.now(),
): Looks {
  /** By mailbox: not before then. */
  const waiting = new Map<number, number>();
  /** By mailbox: when it was looked at within the last minute. */
  const looked = new Map<number, number[]>();
  const leaving = new AbortController();
  let running = false;
  let begun = 0;

  const due = (): number | undefined => {
    const at = now();
    for (const [id, from] of waiting) if (from <= at) return id;
    return undefined;
  };
  const forget = (at: number) => {
    if (looked.size < 1000) return;
    for (const [id, times] of looked) if ((times.at(-1) ?? 0) < at - MINUTE_MS) looked.delete(id);
  };
  const pause = (ms: number) => delay(ms, undefined, { signal: leaving.signal });
  const run = async () => {
    while (waiting.size > 0) {
      for (const began = now(); pressed() && now() - began < LONGEST_WAY_MS; ) await pause(TURN_MS);
      const id = due();
      if (id === undefined) {
        await pause(TURN_MS);
        continue;
      }
      const at = now();
      waiting.delete(id);
      looked.set(id, [...(looked.get(id) ?? []), at].slice(-oneInAMinute));
      forget(at);
      begun++;
      look(id);
      await pause(1000 / perSecond);
    }
  };
  const begin = () => {
    if (running || leaving.signal.aborted || waiting.size === 0) return;
    running = true;
    run().then(
      () => {
        running = false;
        begin(); // one may have come meanwhile
      },
      () => {}, // told to leave
    );
  };
  return {
    add: (id) => {
      if (waiting.has(id) || waiting.size >= MOST_WAITING) return;
      const times = looked.get(id) ?? [];
      const [first = 0] = times;
      waiting.set(id, times.length < oneInAMinute ? 0 : first + MINUTE_MS);
      begin();
    },
    get waiting() {
      return waiting.size;
    },
    get begun() {
      return begun;
    },
    close: () => leaving.abort(),
  };
}
