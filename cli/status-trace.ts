/** Of `mandat status`: whether access is traced, how it goes, and which months are kept. */
import type { TraceStatus } from '../bridge/acting/status/trace.ts';
import { counted, oneLine } from './output.ts';

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
