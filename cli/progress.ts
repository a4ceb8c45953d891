/** What takes longer than a moment, on standard error; silent with --json or without a terminal. */
import { Presets, SingleBar } from 'cli-progress';
import type { Output } from './output.ts';

export interface Progress {
  at(done: number, of: number): void;
  end(): void;
}

export function openProgress({ json }: Output, what: string): Progress {
  if (json || !process.stderr.isTTY) return { at: () => {}, end: () => {} };
  const bar = new SingleBar(
    { format: `${what} {bar} {value}/{total}`, stream: process.stderr, hideCursor: true, clearOnComplete: true },
    Presets.shades_classic,
  );
  let shown = false;
  return {
    at: (done, of) => {
      if (!shown) bar.start(of, 0);
      shown = true;
      bar.update(done);
    },
    end: () => {
      if (shown) bar.stop();
    },
  };
}

export interface Waiting {
  /** Off the screen, because something else is about to be written; it comes back when that takes long too. */
  clear(): void;
  end(): void;
}

/** For what has no parts to count: after a second what is waited for, and for how long already. Silent as the bar is. */
export function openWaiting({ json }: Output, what: string): Waiting {
  if (json || !process.stderr.isTTY) return { clear: () => {}, end: () => {} };
  let seconds = 0;
  const timer = setInterval(() => {
    seconds++;
    process.stderr.write(`\r\x1b[K${what}, ${seconds} s`);
  }, 1000);
  const clear = () => {
    if (seconds > 0) process.stderr.write('\r\x1b[K');
    seconds = 0;
    timer.refresh();
  };
  return {
    clear,
    end: () => {
      clear();
      clearInterval(timer);
    },
  };
}
