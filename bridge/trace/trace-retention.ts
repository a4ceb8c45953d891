/**
 * Deleting months that were kept for long enough. First it is written into the file of now which one goes, and where it ended, so that the rest
 * is still provable; then it is told to the audit trail; only then the file goes. Interrupted, it is done again to its end.
 */
import { rmSync } from 'node:fs';
import path from 'node:path';
import { goneIn, noteGone, openMonths } from './month.ts';
import type { TraceHead } from './trace-chain.ts';
import { monthAt, monthOf, monthsBefore } from './trace-files.ts';
import type { TraceWriter } from './trace-writing.ts';

export interface DeletedMonth {
  readonly file: string;
  readonly accesses: number;
}

interface Link extends DeletedMonth {
  /** The month by which it is judged: one that lies ahead, of a clock that was wrong, is as old as the file behind it. */
  readonly month: string;
  /** As the file behind it has it; undefined of the last. */
  readonly end: TraceHead | undefined;
}

/**
 * Deletes what is older than so many whole months before the one of now: 6 in November keeps May to October, and November. `tell` is called before
 * a file goes.
 */
export async function deleteOldMonths(
  directory: string,
  key: Buffer,
  writer: TraceWriter,
  months: number,
  now: Date,
  tell: (deleted: DeletedMonth) => Promise<void>,
): Promise<readonly DeletedMonth[]> {
  const before = monthsBefore(monthAt(now), months);
  if (!linksIn(directory).some(({ month }) => month < before)) return [];
  // The file that is written to may be one of them: then there is another from now on.
  const current = writer.thisMonth();
  const deleted: DeletedMonth[] = [];
  for (const { file, accesses, month, end } of linksIn(directory)) {
    if (month >= before || end === undefined || file === current.file) continue;
    const told = goneIn(current.database).some((one) => one.file === file);
    const gone = { file, lastId: end.id, lastSeal: end.seal, accesses, at: now.toISOString() };
    noteGone(current.database, key, gone);
    writer.bringToDisk();
    if (!told) await tell({ file, accesses });
    for (const beside of ['', '-wal', '-shm', '-journal']) rmSync(path.join(directory, file + beside), { force: true });
    deleted.push({ file, accesses });
  }
  return deleted;
}

/** In the order of the chain. A file that can't be read is judged by its name, and is named by the one behind it. */
function linksIn(directory: string): readonly Link[] {
  const { months, unreadable } = openMonths(directory);
  try {
    const links: Link[] = [];
    let month = '9999-12';
    for (let at = months.length - 1; at >= 0; at--) {
      const { file, beginning } = months[at] as (typeof months)[number];
      const next = months[at + 1]?.beginning.after ?? undefined;
      month = monthOf(file) < month ? monthOf(file) : month;
      const end = next?.file === file ? next : undefined;
      const accesses = end === undefined ? 0 : end.id - (beginning.after?.id ?? 0);
      links.unshift({ file, month, end, accesses });
      if (next !== undefined && end === undefined && unreadable.has(next.file)) {
        links.unshift({ file: next.file, month: monthOf(next.file), end: next, accesses: 0 });
      }
    }
    return links;
  } finally {
    for (const one of months) one.close();
  }
}
