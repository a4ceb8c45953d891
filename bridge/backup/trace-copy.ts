/**
 * The trace of access in a backup: its months' files below `trace/`, named as they are, and trace.head. They are copied after the databases, from
 * snapshots of their own: the trace is only ever added to, so one that is a moment later than the audit trail fits it too.
 */
import { rmdirSync } from 'node:fs';
import path from 'node:path';
import type { DataFiles } from '../store/files/data-files.ts';
import { makeDirectory } from '../store/files/directories.ts';
import { openMonth } from '../trace/month.ts';
import { monthFiles, TRACE, traceDirectory } from '../trace/trace-files.ts';
import { readTraceHead } from '../trace/trace-head.ts';
import { proveTrace } from '../trace/trace-proof.ts';
import { copyDatabase } from './copying.ts';
import type { Manifest, ManifestEntry } from './manifest.ts';

/** Of a backup, and below it. */
export const TRACE_PLACE = 'trace';
export const TRACE_HEAD = 'trace.head';

/** `2026-11.db` of `trace/2026-11.db`; undefined for what is no month's file. */
export function monthNamed(name: string): string | undefined {
  return name.startsWith(`${TRACE_PLACE}/`) ? name.slice(TRACE_PLACE.length + 1) : undefined;
}

interface MonthSnapshot {
  readonly name: string;
  readonly snapshot: Parameters<typeof copyDatabase>[0];
}

export interface TraceSnapshot {
  readonly months: readonly MonthSnapshot[];
  close(): void;
}

/** All months as they are now; looked for again where one goes or begins meanwhile. */
export function snapshotOfTrace(files: DataFiles): TraceSnapshot {
  const directory = traceDirectory(files);
  for (;;) {
    const there = monthFiles(directory);
    const months: MonthSnapshot[] = [];
    const close = () => {
      for (const { snapshot } of months) snapshot.database.close();
    };
    try {
      for (const file of there) {
        const { database } = openMonth(directory, file, 'read');
        const snapshot = { file: path.join(directory, file), kind: TRACE, database };
        months.push({ name: `${TRACE_PLACE}/${file}`, snapshot });
        database.exec('BEGIN');
        database.prepare('SELECT count(*) FROM sqlite_schema').get(); // only now is it a snapshot
      }
      if (isSame(there, monthFiles(directory))) return { months, close };
    } catch (error) {
      close();
      if (isSame(there, monthFiles(directory))) throw error;
    }
    close();
  }
}

const isSame = (one: readonly string[], other: readonly string[]) => one.join() === other.join();

export async function copyTrace({ months }: TraceSnapshot, directory: string): Promise<readonly ManifestEntry[]> {
  if (months.length === 0) return [];
  makeDirectory(path.join(directory, TRACE_PLACE), 0o700);
  const entries: ManifestEntry[] = [];
  for (const { name, snapshot } of months) {
    entries.push(await copyDatabase(snapshot, name, path.join(directory, name)));
  }
  return entries;
}

export type ProvenTrace = NonNullable<Manifest['trace']>;

/** All of a copy, with its head beside it. Undefined where there is none. A broken one is copied all the same, and `why` says so. */
export async function provenTrace(months: string, head: string, key: Buffer): Promise<ProvenTrace | undefined> {
  if (monthFiles(months).length === 0) return undefined;
  const proof = await proveTrace(months, key, readTraceHead(head, key));
  const { faults, accesses } = proof;
  const [first] = faults;
  const end = proof.head && { ...proof.head, seal: proof.head.seal.toString('hex') };
  if (first === undefined) return { head: end ?? null, proven: accesses, why: null };
  return { head: null, proven: null, why: `${first.file}: ${first.detail}${others(faults.length - 1)}` };
}

const others = (count: number) => (count === 0 ? '' : ` (and ${count} more)`);

/** What a backup's place for it leaves behind; one that isn't empty stays. */
export function removeTracePlace(directory: string): void {
  try {
    rmdirSync(path.join(directory, TRACE_PLACE));
  } catch {} // there is none, or something else lies in it
}
