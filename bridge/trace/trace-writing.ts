/**
 * The trace as the sidecar writes it, and nobody else: accesses in batches, each one transaction, with how far their source has been read. A commit
 * reaches the disk's cache, not the disk (synchronous = NORMAL), as those of submission.db do: it survives the death of the process; what a power cut
 * takes, the source's position goes back with it.
 */
import { makeDirectory } from '../store/files/directories.ts';
import type { Access } from './access.ts';
import {
  endOf,
  goneIn,
  headOf,
  inOrder,
  type Month,
  makeMonth,
  marksIn,
  openMonth,
  setMark,
  writeEnd,
} from './month.ts';
import { accessSeal, type TraceHead } from './trace-chain.ts';
import { monthAt, monthFiles, monthOf, nextFile } from './trace-files.ts';
import { nameWriter } from './trace-names.ts';
import { insertAccess, rowOf } from './trace-rows.ts';

export interface TraceWriter {
  /** All of them, and how far each source of events has been read with them; or none, and throws. One transaction. */
  keep(accesses: readonly Access[], marks?: Readonly<Record<string, string>>): void;
  /** How far that source was read, also before a restart. */
  mark(name: string): string | undefined;
  /** The file that is written to; undefined before the first access. */
  current(): Month | undefined;
  /** The same, begun anew where it is older than this month. */
  thisMonth(): Month;
  head(): TraceHead | undefined;
  /** Forces all that was committed out to the disk, before its end is told elsewhere. */
  bringToDisk(): void;
  close(): void;
}

/** Of a span: its ids are those with the same number above these bits. */
export const SPAN_BITS = 10;

/** A clock that was set back by less goes on in the month that it has come from. */
const SET_BACK_MS = 86_400_000;

export function openTraceWriter(directory: string, key: Buffer, now: () => Date): TraceWriter {
  makeDirectory(directory, 0o700);
  let open: Writing | undefined;
  const last = lastFile(directory);
  if (last !== undefined) open = writing(openMonth(directory, last, 'write'));

  /** The month is that of writing: what happened at its end may stand in the next. */
  const thisMonth = (): Writing => {
    const month = monthAt(now());
    if (open !== undefined && (monthOf(open.month.file) === month || !isPast(open.month.file, now()))) return open;
    const there = monthFiles(directory);
    const file = nextFile(month, there);
    const after = open === undefined ? null : headOf(open.month);
    const carried =
      open === undefined
        ? { gone: [], marks: [] }
        : { gone: goneIn(open.month.database), marks: marksIn(open.month.database) };
    makeMonth(directory, key, { file, month, madeAt: now().toISOString(), after }, carried);
    open?.finish();
    open = writing(openMonth(directory, file, 'write'));
    return open;
  };

  return {
    keep: (accesses, marks = {}) => {
      if (accesses.length === 0 && Object.keys(marks).length === 0) return;
      thisMonth().keep(key, accesses, marks);
    },
    mark: (name) => (open === undefined ? undefined : open.mark(name)),
    current: () => open?.month,
    thisMonth: () => thisMonth().month,
    head: () => (open === undefined ? undefined : headOf(open.month)),
    bringToDisk: () => {
      if (open === undefined) return;
      const { database } = open.month;
      database.pragma('synchronous = FULL');
      try {
        // A commit that waits for the disk brings all before it there.
        setMark(database, 'told', now().toISOString());
      } finally {
        database.pragma('synchronous = NORMAL');
      }
    },
    close: () => open?.month.close(),
  };
}

/** The end of the chain, which has to be readable: to begin another one would hide that this one was damaged. */
function lastFile(directory: string): string | undefined {
  const months: Month[] = [];
  try {
    for (const file of monthFiles(directory)) months.push(openMonth(directory, file, 'read'));
    return inOrder(months).at(-1)?.file;
  } finally {
    for (const month of months) month.close();
  }
}

/** Whether it is to be left for another: its month is over or, after a clock was set back, lies ahead. */
function isPast(file: string, now: Date): boolean {
  const month = monthOf(file);
  if (month < monthAt(now)) return true;
  return Date.parse(`${month}-01T00:00:00Z`) - now.getTime() > SET_BACK_MS;
}

interface Writing {
  readonly month: Month;
  keep(key: Buffer, accesses: readonly Access[], marks: Readonly<Record<string, string>>): void;
  mark(name: string): string | undefined;
  /** Nothing comes any more: one file, without a log of writes beside it. */
  finish(): void;
}

function writing(month: Month): Writing {
  const { database, file } = month;
  const names = nameWriter(database);
  const insert = insertAccess(database);
  const noteSpan = database.prepare(`INSERT INTO spans VALUES (@span, @first, @last)
    ON CONFLICT (span) DO UPDATE SET oldest = min(oldest, @first), newest = max(newest, @last)`);
  const findMark = database.prepare('SELECT value FROM marks WHERE name = ?').pluck();
  let end = endOf(database);
  return {
    month,
    mark: (name) => findMark.get(name) as string | undefined,
    keep: (key, accesses, marks) => {
      let { id, seal, oldest, newest } = end;
      try {
        database
          .transaction(() => {
            // A batch lies in one or two spans.
            let span = { span: -1, first: 0, last: 0 };
            for (const access of accesses) {
              id++;
              seal = accessSeal(key, seal, id, access);
              insert(rowOf(id, access, seal, names));
              const { at } = access;
              const number = Math.floor(id / 2 ** SPAN_BITS);
              if (number !== span.span) {
                if (span.span >= 0) noteSpan.run(span);
                span = { span: number, first: at, last: at };
              } else {
                span.first = Math.min(span.first, at);
                span.last = Math.max(span.last, at);
              }
              oldest = Math.min(oldest ?? at, at);
              newest = Math.max(newest ?? at, at);
            }
            if (span.span >= 0) noteSpan.run(span);
            for (const [name, value] of Object.entries(marks)) setMark(database, name, value);
            if (accesses.length > 0) writeEnd(database, key, file, { id, seal, oldest, newest });
          })
          .immediate();
      } catch (error) {
        names.rolledBack();
        throw error;
      }
      names.committed();
      end = { ...end, id, seal, oldest, newest };
    },
    finish: () => {
      try {
        database.pragma('wal_checkpoint(TRUNCATE)');
        database.pragma('journal_mode = DELETE');
      } catch {} // somebody reads it just now: the log of writes stays beside it
      month.close();
    },
  };
}
