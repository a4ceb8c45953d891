/** How much room mandat's data take: each database with the log of writes beside it, and what restores have put aside. */
import { readdirSync, statfsSync, statSync } from 'node:fs';
import path from 'node:path';
import type { DataFiles } from './data-files.ts';
import { type LogReader, logReaders } from './log-readers.ts';
import { LARGE_LOG } from './write-ahead-log.ts';

export interface FileUse {
  readonly file: string;
  /** In octets. */
  readonly size: number;
  /** Of its -wal, in octets. */
  readonly log: number;
  /** Who keeps a large one from being emptied. */
  readonly readers: readonly LogReader[];
}

export interface DiskUse {
  readonly files: readonly FileUse[];
  /** Of the trace of access: how many months' files, and all of them in octets, their logs of writes too. */
  readonly trace: { readonly count: number; readonly size: number };
  /** What restores have put aside: how many times, and all of it in octets. */
  readonly aside: { readonly count: number; readonly size: number };
  /** All of it, in octets. */
  readonly total: number;
  /** What is free there, in octets; null where the system doesn't say. */
  readonly available: number | null;
}

/** `senders`: the map's file, where there is one. */
export function diskUse(files: DataFiles, senders?: string): DiskUse {
  const databases = [files.delegations, files.state, files.submissions, ...(senders === undefined ? [] : [senders])];
  const imported = namesIn(files.privateDirectory).filter((name) =>
    /^(?:directory|correspondence)-\d+\.db$/.test(name),
  );
  const uses = [...databases, ...imported.map((name) => path.join(files.privateDirectory, name))].flatMap(useOf);
  const asides = namesIn(files.privateDirectory).filter((name) => name.startsWith('before-restore-'));
  const aside = { count: asides.length, size: 0 };
  for (const name of asides) {
    const directory = path.join(files.privateDirectory, name);
    for (const one of namesIn(directory)) aside.size += sizeOf(path.join(directory, one)) ?? 0;
  }
  const months = path.join(files.privateDirectory, 'trace');
  const ofTrace = namesIn(months).filter((name) => /^[\d-]+\.db(?:-wal)?$/.test(name));
  const trace = {
    count: ofTrace.filter((name) => name.endsWith('.db')).length,
    size: ofTrace.reduce((sum, name) => sum + (sizeOf(path.join(months, name)) ?? 0), 0),
  };
  const total = uses.reduce((sum, { size, log }) => sum + size + log, aside.size + trace.size);
  return { files: uses, trace, aside, total, available: availableAt(files.directory) };
}

function useOf(file: string): readonly FileUse[] {
  const size = sizeOf(file);
  if (size === undefined) return [];
  const log = sizeOf(`${file}-wal`) ?? 0;
  return [{ file, size, log, readers: log < LARGE_LOG ? [] : logReaders(file) }];
}

function sizeOf(file: string): number | undefined {
  return statSync(file, { throwIfNoEntry: false })?.size;
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

function availableAt(directory: string): number | null {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize;
  } catch {
    return null;
  }
}
