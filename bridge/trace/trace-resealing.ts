/**
 * The trace under a new key, where the old one is lost for good: what stands there is sealed anew, as it stands. What was done to it before can't be
 * found any more, which the audit trail says; what is done from then on is found as before. `mandat trace` shows it, and it goes when its time comes.
 */
import { existsSync } from 'node:fs';
import type { DataFiles } from '../store/files/data-files.ts';
import { endOf, goneIn, inOrder, type Month, openMonth, writeEnd } from './month.ts';
import { accessSeal, beginningSeal, goneSeal, NO_SEAL, type TraceHead } from './trace-chain.ts';
import { monthFiles, traceDirectory } from './trace-files.ts';
import { traceHeadFile, writeTraceHead } from './trace-head.ts';
import { nameReader } from './trace-names.ts';
import { type AccessRow, accessOf } from './trace-rows.ts';

export interface Resealed {
  readonly accesses: number;
  /** Files that can't be read, or hold what can't: as they were, and told by a proof. */
  readonly left: readonly string[];
}

const PAGE = 500;

/** Where nobody writes. Interrupted, it is to be called again. */
export function resealTrace(files: DataFiles, key: Buffer): Resealed {
  const directory = traceDirectory(files);
  const left: string[] = [];
  const months: Month[] = [];
  for (const file of monthFiles(directory)) {
    try {
      months.push(openMonth(directory, file, 'write'));
    } catch {
      left.push(file);
    }
  }
  try {
    let accesses = 0;
    let before: TraceHead | undefined;
    for (const month of inOrder(months)) {
      const sealed = resealMonth(month, key, before);
      if (sealed === undefined) left.push(month.file);
      else accesses += sealed;
      const { id, seal } = endOf(month.database);
      before = { file: month.file, id, seal };
    }
    if (before !== undefined) writeTraceHead(traceHeadFile(files), key, before);
    return { accesses, left };
  } finally {
    for (const { database, file } of months) {
      database.pragma('wal_checkpoint(TRUNCATE)');
      if (file !== monthFiles(directory).at(-1)) database.pragma('journal_mode = DELETE');
      database.close();
    }
  }
}

/** How many; undefined, and as it was, where one of them can't be read. */
function resealMonth({ file, database, beginning }: Month, key: Buffer, before: TraceHead | undefined) {
  const nameOf = nameReader(database);
  const page = database.prepare<[number], AccessRow>(`SELECT * FROM accesses WHERE id > ? ORDER BY id LIMIT ${PAGE}`);
  const put = database.prepare('UPDATE accesses SET seal = ? WHERE id = ?');
  // What goes on from a file that isn't there any more keeps its name for it, and its end, by the old key.
  const after = beginning.after === null ? null : before?.file === beginning.after.file ? before : beginning.after;
  const { month, madeAt } = beginning;
  let accesses = 0;
  try {
    database
      .transaction(() => {
        database
          .prepare('UPDATE chain SET after_seal = ?, seal = ?')
          .run(after?.seal ?? NO_SEAL, beginningSeal(key, { file, month, madeAt, after }));
        for (const gone of goneIn(database)) {
          database.prepare('UPDATE gone SET seal = ? WHERE file = ?').run(goneSeal(key, gone), gone.file);
        }
        let seal = after?.seal ?? NO_SEAL;
        let id = after?.id ?? 0;
        for (let rows = page.all(id); rows.length > 0; rows = page.all(id)) {
          for (const row of rows) {
            const access = accessOf(row, nameOf);
            if (access === undefined || row.id !== id + 1) throw new Unreadable();
            id = row.id;
            seal = accessSeal(key, seal, id, access);
            put.run(seal, id);
            accesses++;
          }
        }
        const { oldest, newest } = endOf(database);
        writeEnd(database, key, file, { id, seal, oldest, newest });
      })
      .immediate();
    return accesses;
  } catch (error) {
    if (error instanceof Unreadable) return undefined;
    throw error;
  }
}

class Unreadable extends Error {}

/** Whether there is anything to seal anew. */
export const hasTrace = (files: DataFiles): boolean =>
  monthFiles(traceDirectory(files)).length > 0 || existsSync(traceHeadFile(files));
