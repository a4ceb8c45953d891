/**
 * The trace of access that is in place when a backup is put back. It tells what people did on the servers, which no restore undoes: one that is whole,
 * and goes on from where the backup's ended, is kept as it is. Another one goes aside with the rest.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import type { DataFiles } from '../store/files/data-files.ts';
import { goneIn, openMonths } from '../trace/month.ts';
import { monthFiles, traceDirectory } from '../trace/trace-files.ts';
import { readTraceHead, traceHeadFile } from '../trace/trace-head.ts';
import { proveTrace } from '../trace/trace-proof.ts';
import type { Manifest } from './manifest.ts';
import type { ProvenTrace } from './trace-copy.ts';

/** `none`: there is none. `other`: not whole, of another key, or not the one that the backup's became. */
export type TraceInPlace = 'none' | 'goes on' | 'other';

/** `key`: of the audit trail, as it is after the restore. */
export async function traceInPlace(files: DataFiles, key: Buffer, { trace }: Manifest): Promise<TraceInPlace> {
  const directory = traceDirectory(files);
  const head = traceHeadFile(files);
  if (monthFiles(directory).length === 0) return existsSync(head) ? 'other' : 'none';
  const { faults } = await proveTrace(directory, key, readTraceHead(head, key));
  if (faults.length > 0) return 'other';
  return trace?.head == null || holds(directory, trace.head) ? 'goes on' : 'other';
}

/** Whether that access stands in it; or its file did, and was deleted for its age. The rest of the chain has been proven. */
function holds(directory: string, { file, id, seal }: NonNullable<ProvenTrace['head']>): boolean {
  if (id === 0) return true;
  const { months } = openMonths(directory);
  const wanted = Buffer.from(seal, 'hex');
  const sealOf = ({ database, beginning: { after } }: (typeof months)[number]) =>
    after?.id === id
      ? after.seal
      : database.prepare<[number], Buffer>('SELECT seal FROM accesses WHERE id = ?').pluck().get(id);
  try {
    if (months.some(({ database }) => goneIn(database).some((gone) => gone.file === file))) return true;
    return months.some((month) => sealOf(month)?.equals(wanted) === true);
  } finally {
    for (const month of months) month.close();
  }
}

/** All files of it, to be put aside. */
export function traceFilesIn(files: DataFiles): readonly string[] {
  const directory = traceDirectory(files);
  return [...monthFiles(directory).map((file) => path.join(directory, file)), traceHeadFile(files)];
}
