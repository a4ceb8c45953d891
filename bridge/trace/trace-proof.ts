/**
 * Proving the trace: every access's seal from the first to the last, that each file goes on where the one before it ended, and that the last one ends
 * where it did. What was deleted because it was kept for long enough is named in the files after it; anything else that is missing is a fault.
 * All faults are told, the first of each file; without the key nobody can make a file that passes.
 */
import { type GiveWay, giveBack } from '../shared/portions.ts';
import { endOf, goneIn, type Month, openMonths } from './month.ts';
import { accessSeal, beginningSeal, endMac, type FileEnd, goneSeal, type TraceHead } from './trace-chain.ts';
import type { KeptTraceHead } from './trace-head.ts';
import { nameReader } from './trace-names.ts';
import { type AccessRow, accessOf } from './trace-rows.ts';
import { SPAN_BITS } from './trace-writing.ts';

export interface Fault {
  readonly file: string;
  readonly why: Why;
  /** The access that it is about, where it is about one. */
  readonly id: number | null;
  readonly detail: string;
}

export type Why =
  /** An access was altered, or one before it taken out or put in. */
  | 'access'
  /** Some were taken off the end. */
  | 'end'
  /** What it says of its beginning, or of deleted files, was altered. */
  | 'beginning'
  | 'deleted'
  /** A file that another one names isn't there, and wasn't deleted for its age. */
  | 'missing'
  /** It is another one, or an older copy of itself. */
  | 'exchanged'
  /** The times by which accesses are found were altered. */
  | 'times'
  | 'unreadable'
  /** The file beside the key: what it names isn't there, it was altered, or it isn't there itself. */
  | 'head';

export interface TraceProof {
  readonly faults: readonly Fault[];
  readonly accesses: number;
  readonly files: readonly string[];
  /** Accesses in files that were deleted because of their age. */
  readonly deleted: number;
  readonly head: TraceHead | undefined;
}

const PAGE = 500;

/**
 * `kept`: what stands beside the key, read before. `began`: files that the audit trail says were begun, and weren't deleted.
 */
export async function proveTrace(
  directory: string,
  key: Buffer,
  kept: KeptTraceHead,
  began: readonly string[] = [],
  giveWay: GiveWay = giveBack,
): Promise<TraceProof> {
  const { months, unreadable } = openMonths(directory);
  const faults: Fault[] = [...unreadable].map(([file, detail]) => fault(file, 'unreadable', detail));
  try {
    const gone = provenGone(months, key, faults);
    const names = new Set(months.map(({ file }) => file));
    let before: TraceHead | undefined;
    let accesses = 0;
    let keptFound = kept.kind !== 'kept' || kept.head.id === 0 || gone.some(({ file }) => file === kept.head.file);
    for (const month of months) {
      proveBeginning(month, key, before, names, gone, unreadable, faults);
      const walked = await walk(month, key, kept.kind === 'kept' ? kept.head : undefined, giveWay);
      if (walked.fault !== undefined) faults.push(walked.fault);
      keptFound ||= walked.keptFound;
      accesses += walked.accesses;
      before = { file: month.file, id: walked.end.id, seal: walked.end.seal };
    }
    if (!keptFound && kept.kind === 'kept') faults.push(keptFault(kept.head));
    if (kept.kind !== 'kept' && (months.length > 0 || unreadable.size > 0)) {
      faults.push(fault('trace.head', 'head', kept.kind === 'none' ? NO_KEPT : FORGED));
    }
    const known = new Set([
      ...names,
      ...unreadable.keys(),
      ...gone.map(({ file }) => file),
      ...faults.map(({ file }) => file),
    ]);
    for (const file of began)
      if (!known.has(file))
        faults.push(fault(file, 'missing', 'the audit trail names it, and nothing says that it was deleted'));
    const deleted = gone.reduce((sum, one) => sum + one.accesses, 0);
    return { faults, accesses, files: months.map(({ file }) => file), deleted, head: before };
  } finally {
    for (const month of months) month.close();
  }
}

const NO_KEPT =
  'it is not there, so nobody can tell whether the end of the trace was taken off: put it back from the backup';
const FORGED = 'it was not written with this key: it was altered, or seal.key is another one';

const fault = (file: string, why: Why, detail: string, id: number | null = null): Fault => ({ file, why, id, detail });

const keptFault = ({ file, id }: TraceHead) =>
  fault(
    file,
    'head',
    `its access ${id}, which trace.head names, is not there: it, and maybe more, was taken out, or an older copy put in its place`,
    id,
  );

/** What was deleted for its age, by the files that are there. */
function provenGone(months: readonly Month[], key: Buffer, faults: Fault[]) {
  const found = new Map<string, ReturnType<typeof goneIn>[number]>();
  for (const { file, database } of months) {
    for (const one of goneIn(database)) {
      if (goneSeal(key, one).equals(one.seal)) found.set(one.file, one);
      else faults.push(fault(file, 'deleted', `what it says of ${one.file}, which was deleted, was altered`));
    }
  }
  return [...found.values()];
}

function proveBeginning(
  { file, beginning }: Month,
  key: Buffer,
  before: TraceHead | undefined,
  names: ReadonlySet<string>,
  gone: readonly { readonly file: string; readonly lastId: number; readonly lastSeal: Buffer }[],
  unreadable: ReadonlyMap<string, string>,
  faults: Fault[],
): void {
  if (beginning.file !== file || !beginningSeal(key, beginning).equals(beginning.seal)) {
    faults.push(
      fault(file, 'beginning', 'what it says of its beginning was altered, or it is another file of this name'),
    );
    return;
  }
  const { after } = beginning;
  if (after === null) {
    if (before !== undefined)
      faults.push(fault(file, 'exchanged', `it begins anew, and doesn't go on from ${before.file}`));
    return;
  }
  const left = gone.find((one) => one.file === after.file);
  if (before?.file === after.file) {
    if (before.id === after.id && before.seal.equals(after.seal)) return;
    faults.push(
      fault(
        after.file,
        'exchanged',
        `it doesn't end where ${file} goes on, at access ${after.id}: some were taken off or put on its end`,
        after.id,
      ),
    );
  } else if (left !== undefined) {
    if (left.lastId !== after.id || !left.lastSeal.equals(after.seal)) {
      faults.push(fault(file, 'exchanged', `it doesn't go on where ${after.file}, which was deleted, ended`, after.id));
    }
  } else if (unreadable.has(after.file)) {
    return; // told already
  } else if (names.has(after.file)) {
    faults.push(fault(file, 'exchanged', `it goes on from ${after.file}, as another file does`, after.id));
  } else {
    faults.push(fault(after.file, 'missing', `${file} goes on from it, and nothing says that it was deleted`));
  }
}

interface Walked {
  readonly accesses: number;
  readonly end: Pick<FileEnd, 'id' | 'seal'>;
  readonly keptFound: boolean;
  readonly fault: Fault | undefined;
}

/** One file from its beginning to its end; the rest of it isn't looked at behind a fault. */
async function walk(month: Month, key: Buffer, kept: TraceHead | undefined, giveWay: GiveWay): Promise<Walked> {
  const { file, database, beginning } = month;
  const nameOf = nameReader(database);
  const page = database.prepare<[number], AccessRow>(`SELECT * FROM accesses WHERE id > ? ORDER BY id LIMIT ${PAGE}`);
  let [id, seal]: [number, Buffer] = [beginning.after?.id ?? 0, beginning.after?.seal ?? Buffer.alloc(0)];
  let accesses = 0;
  let keptFound = kept?.file === file && kept.id === id;
  const spans = new Map<number, { oldest: number; newest: number }>();
  /** Where this file is said to end, for the file behind it, whatever is wrong in between. */
  const broken = (why: Why, detail: string, at: number | null): Walked => {
    const { id, seal } = endOf(database);
    return {
      accesses,
      end: { id, seal },
      keptFound: keptFound || kept?.file === file,
      fault: fault(file, why, detail, at),
    };
  };
  // Rows behind a file's beginning that aren't of the chain.
  const early = database.prepare('SELECT min(id) FROM accesses WHERE id <= ?').pluck().get(id) as number | null;
  if (early !== null) return broken('access', `access ${early} was put before its beginning`, early);
  const take = (rows: readonly AccessRow[]): Walked | undefined => {
    for (const row of rows) {
      const access = accessOf(row, nameOf);
      if (row.id !== id + 1 || access === undefined || !accessSeal(key, seal, row.id, access).equals(row.seal)) {
        const what =
          row.id !== id + 1
            ? `access ${id + 1} is not there`
            : `access ${row.id}, or what it names, was altered, or one before it taken out`;
        return broken('access', what, id + 1);
      }
      [id, seal] = [row.id, row.seal];
      if (kept?.file === file && kept.id === id && kept.seal.equals(seal)) keptFound = true;
      const number = Math.floor(id / 2 ** SPAN_BITS);
      const span = spans.get(number);
      if (span === undefined) spans.set(number, { oldest: row.at, newest: row.at });
      else {
        span.oldest = Math.min(span.oldest, row.at);
        span.newest = Math.max(span.newest, row.at);
      }
      accesses++;
    }
    return undefined;
  };
  for (;;) {
    const rows = page.all(id);
    const wrong = take(rows);
    if (wrong !== undefined) return wrong;
    if (rows.length < PAGE) break;
    await giveWay();
  }
  // The rest and what is said of the end, as of one moment: the sidecar goes on writing.
  return database.transaction((): Walked => {
    for (let rows = page.all(id); rows.length > 0; rows = page.all(id)) {
      const wrong = take(rows);
      if (wrong !== undefined) return wrong;
    }
    const end = endOf(database);
    if (!endMac(key, file, end).equals(end.mac)) return broken('end', 'what it says of its end was altered', id);
    if (end.id !== id || !end.seal.equals(seal))
      return broken('end', `access ${end.id} was there once, and has been taken off its end`, id + 1);
    const times = wrongTimes(database, spans, end);
    if (times) return broken('times', 'the times by which its accesses are found were altered', null);
    return { accesses, end: { id, seal }, keptFound, fault: undefined };
  })();
}

function wrongTimes(
  database: Month['database'],
  spans: ReadonlyMap<number, { readonly oldest: number; readonly newest: number }>,
  { oldest, newest }: FileEnd,
): boolean {
  const told = database
    .prepare<[], { span: number; oldest: number; newest: number }>('SELECT span, oldest, newest FROM spans')
    .all();
  if (told.length !== spans.size) return true;
  if (told.some(({ span, ...at }) => spans.get(span)?.oldest !== at.oldest || spans.get(span)?.newest !== at.newest))
    return true;
  const all = [...spans.values()];
  const first = all.reduce<number | null>(
    (least, { oldest: one }) => (least === null || one < least ? one : least),
    null,
  );
  const last = all.reduce<number | null>((most, { newest: one }) => (most === null || one > most ? one : most), null);
  return first !== oldest || last !== newest;
}
