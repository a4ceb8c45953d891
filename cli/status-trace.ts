/** Of `mandat status`: whether access is traced, how it goes, and which months are kept. */

import type { StateDb } from '../bridge/store/state/state-db.ts';
import { type DailyProof, lastTraceProof } from '../bridge/trace/daily-proof.ts';
import { monthFiles, monthOf, traceDirectory } from '../bridge/trace/trace-files.ts';
import { type TraceState, traceState } from '../bridge/trace/trace-keeping.ts';
import { counted, oneLine } from './output.ts';
import type { Session } from './session.ts';

export interface TraceStatus extends TraceState {
  readonly enabled: boolean;
  /** `2026-11`, the oldest first. */
  readonly months: readonly string[];
  /** The last proof of all of it; null where there was none. */
  readonly proof: DailyProof | null;
}

/** Null where there is none, and never was. */
export async function traceOf({ config, files }: Session, state: StateDb): Promise<TraceStatus | null> {
  const { enabled } = config.trace;
  const how = await traceState(state);
  const months = [...new Set(monthFiles(traceDirectory(files)).map(monthOf))];
  if (!enabled && months.length === 0) return null;
  const none: TraceState = { trouble: null, since: null, kept: 0, lost: 0, waiting: 0, lastAt: null, gap: null };
  return { enabled, ...none, ...how, months, proof: (await lastTraceProof(state)) ?? null };
}

type Time = (instant: string | null | undefined) => string;

export function traceLines(trace: TraceStatus | null, time: Time): readonly (readonly [string, string])[] {
  if (trace === null) return [];
  const { enabled, months, lastAt, waiting } = trace;
  const kept =
    months.length === 0
      ? 'nothing yet'
      : `${counted(months.length, 'month')} (${[...new Set([months[0], months.at(-1)])].join(' to ')})`;
  const last = lastAt === null ? '' : `, the last access written at ${time(lastAt)}`;
  const behind = waiting === 0 ? '' : `; ${counted(waiting, 'event')} not written yet`;
  return [['trace of access', `${enabled ? 'on' : 'off, months are left'}: ${kept}${last}${behind}`]];
}

/** What needs attention. */
export function traceRemarks(trace: TraceStatus | null, time: Time): readonly string[] {
  if (trace === null) return [];
  const { enabled, trouble, since, lost, proof } = trace;
  return [
    ...(enabled && trouble !== null ? [`trace of access, since ${time(since)}: ${oneLine(trouble)}`] : []),
    ...(enabled && lost > 0
      ? [
          `${counted(lost, 'event')} found no place in the trace of access since the sidecar started, and are missing from it: trace-gap in "mandat audit" says when`,
        ]
      : []),
    ...(proof?.broken == null ? [] : [`${oneLine(proof.broken)}\n    "mandat trace verify" says more`]),
  ];
}

export const isTraceOdd = (trace: TraceStatus | null): boolean =>
  trace !== null && ((trace.enabled && trace.trouble !== null) || (trace.proof?.broken ?? null) !== null);
