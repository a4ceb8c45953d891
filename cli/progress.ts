/** A bar on standard error for what takes longer than a moment; silent with --json or without a terminal. */
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
