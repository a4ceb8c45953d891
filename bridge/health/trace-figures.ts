/** Of the trace of access: as the sidecar has noted how it goes, and what its last proof has shown. */
import { dataFiles } from '../store/files/data-files.ts';
import { lastTraceProof } from '../trace/daily-proof.ts';
import { monthFiles, monthOf, traceDirectory } from '../trace/trace-files.ts';
import { traceState } from '../trace/trace-keeping.ts';
import type { Figure } from './registry.ts';
import type { Sight } from './sight.ts';

export async function traceFigures({ state, config }: Sight): Promise<readonly Figure[]> {
  const { dataDir, trace } = config();
  const months = new Set(monthFiles(traceDirectory(dataFiles(dataDir))).map(monthOf)).size;
  const proof = await lastTraceProof(state);
  const seconds = (at: string) => Date.parse(at) / 1000;
  const proven: readonly Figure[] =
    proof === undefined
      ? []
      : [
          { name: 'mandat_trace_broken', value: Number(proof.broken !== null) },
          { name: 'mandat_trace_proven_timestamp_seconds', value: seconds(proof.at) },
        ];
  const left: readonly Figure[] = months === 0 ? [] : [{ name: 'mandat_trace_months', value: months }];
  if (!trace.enabled) return [...left, ...proven];
  const how = await traceState(state);
  return [
    { name: 'mandat_trace_trouble', value: Number((how?.trouble ?? null) !== null) },
    { name: 'mandat_trace_accesses_total', value: how?.kept ?? 0 },
    { name: 'mandat_trace_lost_events_total', value: how?.lost ?? 0 },
    { name: 'mandat_trace_waiting_events', value: how?.waiting ?? 0 },
    ...(how?.lastAt == null
      ? []
      : [{ name: 'mandat_trace_last_access_timestamp_seconds', value: seconds(how.lastAt) } as const]),
    { name: 'mandat_trace_months', value: months },
    ...proven,
  ];
}
