/**
 * For how long the event loop was held at a stretch: nothing else is done meanwhile, no revoke and nobody's message. Measured all the time,
 * and noted for `mandat status`.
 */
import type { Instant } from '../../acl/delegation-facts.ts';

/** Each the longest, in whole milliseconds. */
export interface LoopHolds {
  readonly minuteMs: number;
  readonly hourMs: number;
  /** Since the process began, and when that was. */
  readonly longestMs: number;
  readonly longestAt: Instant | null;
}

/** How often the loop is looked at: a shorter hold may not be seen. Each look costs a wake-up. */
const RESOLUTION_MS = 20;
/** For so long one figure stands. */
const SPAN_MS = 10_000;
const SPANS_A_MINUTE = 6;
const SPANS_AN_HOUR = 360;

/** The figures, kept span by span. */
export function openHolds() {
  let spans: number[] = [];
  let longest: Pick<LoopHolds, 'longestMs' | 'longestAt'> = { longestMs: 0, longestAt: null };
  return {
    /** A span is over: the longest hold in it. */
    add: (ms: number, at: Instant): void => {
      spans = [...spans, ms].slice(-SPANS_AN_HOUR);
      if (ms > longest.longestMs) longest = { longestMs: ms, longestAt: at };
    },
    holds: (): LoopHolds => ({
      minuteMs: Math.max(0, ...spans.slice(-SPANS_A_MINUTE)),
      hourMs: Math.max(0, ...spans),
      ...longest,
    }),
  };
}

export interface LoopWatch {
  /** Up to now. */
  holds(): LoopHolds;
  close(): void;
}

/** `note` is called once a minute, and at once when the loop was held for longer than has been noted. It never throws. */
export function watchLoop(now: () => Instant, note: (holds: LoopHolds) => Promise<void>, spanMs = SPAN_MS): LoopWatch {
  // Not perf_hooks.monitorEventLoopDelay: a hold that lies across its reset is lost, measured with Node 20.
  let seen = performance.now();
  let worst = 0;
  const tick = () => {
    const before = seen;
    seen = performance.now();
    worst = Math.max(worst, seen - before - RESOLUTION_MS);
  };
  const ticks = setInterval(tick, RESOLUTION_MS);
  ticks.unref();
  const kept = openHolds();
  let noted: LoopHolds | undefined;
  let spans = 0;
  const look = () => {
    tick(); // this may come first after a hold
    kept.add(Math.round(worst), now());
    worst = 0;
    const holds = kept.holds();
    const due = spans++ % SPANS_A_MINUTE === 0 || holds.longestMs > (noted?.longestMs ?? 0) + WORTH_MS;
    if (!due) return;
    noted = holds;
    void note(holds);
  };
  const timer = setInterval(look, spanMs);
  timer.unref();
  return {
    holds: () => {
      tick();
      const { minuteMs, hourMs, longestMs, longestAt } = kept.holds();
      const last = Math.round(worst); // of the span that isn't over
      return {
        minuteMs: Math.max(last, minuteMs),
        hourMs: Math.max(last, hourMs),
        longestMs: Math.max(last, longestMs),
        longestAt: last > longestMs ? now() : longestAt,
      };
    },
    close: () => {
      clearInterval(timer);
      clearInterval(ticks);
    },
  };
}

/** So much longer, and it is noted before the minute is over. */
const WORTH_MS = 20;
