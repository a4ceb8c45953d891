/** Whether access is traced, how it goes, and which months are kept. */
import type { StateDb } from '../../store/state/state-db.ts';
import { type DailyProof, lastTraceProof } from '../../trace/daily-proof.ts';
import { monthFiles, monthOf, traceDirectory } from '../../trace/trace-files.ts';
import { type TraceState, traceState } from '../../trace/trace-keeping.ts';
import type { Site } from '../site.ts';

export interface TraceStatus extends TraceState {
  readonly enabled: boolean;
  /** `2026-11`, the oldest first. */
  readonly months: readonly string[];
  /** The last proof of all of it; null where there was none. */
  readonly proof: DailyProof | null;
}

/** Null where there is none, and never was. */
export async function traceOf({ config, files }: Site, state: StateDb): Promise<TraceStatus | null> {
  const { enabled } = config.trace;
  const how = await traceState(state);
  const months = [...new Set(monthFiles(traceDirectory(files)).map(monthOf))];
  if (!enabled && months.length === 0) return null;
  const none: TraceState = { trouble: null, since: null, kept: 0, lost: 0, waiting: 0, lastAt: null, gap: null };
  return { enabled, ...none, ...how, months, proof: (await lastTraceProof(state)) ?? null };
}

export const isTraceOdd = (trace: TraceStatus | null): boolean =>
  trace !== null && ((trace.enabled && trace.trouble !== null) || (trace.proof?.broken ?? null) !== null);
