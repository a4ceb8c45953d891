/** A bar on standard error for what takes longer than a moment; silent with --json or without a terminal. */
import { Presets, SingleBar } from 'cli-progress';
import type { Output } from './output.ts';

export interface Progress {
  step(): void;
  end(): void;
}

export function openProgress({ json }: Output, what: string, total: number): Progress {
  if (json || !process.stderr.isTTY) return { step: () => {}, end: () => {} };
  const bar = new SingleBar(
    { format: `${what} {bar} {value}/{total}`, stream: process.stderr, hideCursor: true, clearOnComplete: true },
    Presets.shades_classic,
  );
  bar.start(total, 0);
  return { step: () => bar.increment(), end: () => bar.stop() };
}
