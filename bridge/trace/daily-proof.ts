/** All of the trace proven by the sidecar, once a day, in portions; what it has shown stands in state.db for `status`, `doctor` and /metrics. */
import type { Logger } from 'pino';
import type { Instant } from '../../acl/delegation-facts.ts';
import type { GiveWay } from '../shared/portions.ts';
import type { DataFiles } from '../store/files/data-files.ts';
import { jsonFact, setJsonFact } from '../store/state/facts.ts';
import type { StateDb } from '../store/state/state-db.ts';
import { openMonths } from './month.ts';
import { toldMonths } from './told-months.ts';
import { monthFiles, traceDirectory } from './trace-files.ts';
import { readTraceHead, traceHeadFile } from './trace-head.ts';
import { proveTrace } from './trace-proof.ts';

export interface DailyProof {
  readonly at: Instant;
  readonly accesses: number;
  /** How it is broken, a sentence; null where it is whole. */
  readonly broken: string | null;
}

/** The last one; undefined where there was none. */
export async function lastTraceProof(state: Pick<StateDb, 'query' | 'server'>): Promise<DailyProof | undefined> {
  return jsonFact<DailyProof>(state, 'trace-proof');
}

const DAY_MS = 86_400_000;

export interface ProvenSite {
  readonly state: StateDb;
  readonly files: DataFiles;
  readonly key: Buffer;
  readonly log: Logger;
  readonly now: Instant;
}

export async function proveTraceDaily({ state, files, key, log, now }: ProvenSite, giveWay: GiveWay): Promise<void> {
  const directory = traceDirectory(files);
  const told = await toldMonths(state);
  if (monthFiles(directory).length === 0 && told.length === 0) return;
  const last = await lastTraceProof(state);
  const since = Date.parse(now) - Date.parse(last?.at ?? '1970-01-01');
  if (since >= 0 && since < DAY_MS) return;
  const prove = () => proveTrace(directory, key, readTraceHead(traceHeadFile(files), key), told, giveWay);
  let { faults, accesses } = await prove();
  // A month may have gone for its age meanwhile.
  if (faults.length > 0) ({ faults, accesses } = await prove());
  if (faults.length > 0 && faults.every(({ why }) => why === 'head') && isJustBegun(directory, now)) return;
  const [first] = faults;
  const broken = first === undefined ? null : `the trace of access is broken: ${first.file}: ${first.detail}`;
  await setJsonFact(state, 'trace-proof', { at: now, accesses, broken } satisfies DailyProof);
  if (broken === null) log.info({ accesses }, 'the trace of access was proven, all of it');
  else log.error({ faults: faults.length }, broken);
}

/** Its end is noted beside the key some seconds after its first access: until then nothing can be said of it. */
function isJustBegun(directory: string, now: Instant): boolean {
  const { months } = openMonths(directory);
  try {
    const [only, another] = months;
    if (only === undefined || another !== undefined || only.beginning.after !== null) return false;
    return Math.abs(Date.parse(now) - Date.parse(only.beginning.madeAt)) < 60_000;
  } finally {
    for (const one of months) one.close();
  }
}
