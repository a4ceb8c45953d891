/** Where the trace is off and files of it are left: they go at their time all the same. */
import { dataFiles } from '../store/files/data-files.ts';
import { existingSealKey } from '../store/trail/sealing.ts';
import { lookAtClock } from './believed-clock.ts';
import { monthFiles, traceDirectory } from './trace-files.ts';
import { traceHeadFile, writeTraceHead } from './trace-head.ts';
import { type DeletedMonth, deleteOldMonths } from './trace-retention.ts';
import { openTraceWriter } from './trace-writing.ts';

/** Not where a thread of ours writes the trace. `tell` is called before a file goes. */
export async function deleteLeftMonths(
  dataDir: string,
  keepMonths: number,
  tell: (deleted: DeletedMonth) => Promise<void>,
  now: () => Date = () => new Date(),
): Promise<readonly DeletedMonth[]> {
  const files = dataFiles(dataDir);
  const directory = traceDirectory(files);
  if (monthFiles(directory).length === 0) return [];
  const key = existingSealKey(files.sealKey);
  const writer = openTraceWriter(directory, key, now);
  try {
    const gone = await deleteOldMonths(directory, key, writer, keepMonths, lookAtClock(writer, now()).now, tell);
    const head = writer.head();
    if (gone.length > 0 && head !== undefined) {
      writer.bringToDisk();
      writeTraceHead(traceHeadFile(files), key, head);
    }
    return gone;
  } finally {
    writer.close();
  }
}
