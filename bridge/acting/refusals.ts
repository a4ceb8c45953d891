import { Failure } from '../shared/failure.ts';
import { noteEvent } from '../store/table/events.ts';
import type { Acting } from './site.ts';

/** Who tried what they may not do is in the trail, wherever it can be written. R53. `command`: what they tried, as in `grant`. */
export async function noteRefusal(
  acting: Pick<Acting, 'table' | 'trail' | 'writer'>,
  error: unknown,
  command: string,
): Promise<void> {
  if (!(error instanceof Failure) || error.rule !== 'MANDAT_ACTOR') return;
  try {
    const open = acting.trail ?? acting.table;
    await open((table) => noteEvent(table, acting.writer, { action: 'refused', detail: { command } }));
  } catch {} // they are refused all the same
}
