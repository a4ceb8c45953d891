/** One month's file: making it, opening it, and where it stands in the chain. */
import path from 'node:path';
import type Database from 'better-sqlite3';
import { Failure } from '../shared/failure.ts';
import { leavesNoTrace, migrate, open } from '../store/files/open.ts';
import { makeWhole } from '../store/files/whole-file.ts';
import {
  type Beginning,
  beginningSeal,
  endMac,
  type FileEnd,
  type GoneFile,
  goneSeal,
  NO_SEAL,
  type TraceHead,
} from './trace-chain.ts';
import { monthFiles, TRACE } from './trace-files.ts';

export interface Month {
  readonly file: string;
  readonly database: Database.Database;
  readonly beginning: Beginning & { readonly seal: Buffer };
  close(): void;
}

interface Carried {
  readonly gone: readonly GoneFile[];
  readonly marks: readonly { readonly name: string; readonly value: string }[];
}

/** With its beginning and what is carried on, or not at all. */
export function makeMonth(directory: string, key: Buffer, beginning: Beginning, { gone, marks }: Carried): void {
  const file = path.join(directory, beginning.file);
  makeWhole(file, (draft) => {
    migrate(draft, TRACE);
    const database = open(draft, TRACE);
    try {
      database
        .transaction(() => {
          const { month, madeAt, after } = beginning;
          database
            .prepare('INSERT INTO chain VALUES (1, ?, ?, ?, ?, ?, ?)')
            .run(
              month,
              madeAt,
              after?.file ?? null,
              after?.id ?? 0,
              after?.seal ?? NO_SEAL,
              beginningSeal(key, beginning),
            );
          writeEnd(database, key, beginning.file, {
            id: after?.id ?? 0,
            seal: after?.seal ?? NO_SEAL,
            oldest: null,
            newest: null,
          });
          for (const one of gone) noteGone(database, key, one);
          for (const { name, value } of marks) setMark(database, name, value);
        })
        .immediate();
      database.pragma('wal_checkpoint(TRUNCATE)');
    } finally {
      database.close();
    }
  });
}

/** To be written by the sidecar alone, or only read. Fails `config` for what isn't one. */
export function openMonth(directory: string, file: string, how: 'write' | 'read'): Month {
  const place = path.join(directory, file);
  const database = open(place, TRACE, how === 'write' ? { durable: false } : { readonly: leavesNoTrace(place) });
  try {
    return { file, database, beginning: beginningOf(database, file), close: () => void database.close() };
  } catch (error) {
    database.close();
    throw error;
  }
}

interface ChainRow {
  readonly month: string;
  readonly madeAt: string;
  readonly afterFile: string | null;
  readonly afterId: number;
  readonly afterSeal: Buffer;
  readonly seal: Buffer;
}

function beginningOf(database: Database.Database, file: string): Month['beginning'] {
  const row = database
    .prepare<[], ChainRow>(
      'SELECT month, made_at AS madeAt, after_file AS afterFile, after_id AS afterId, after_seal AS afterSeal, seal FROM chain',
    )
    .get();
  if (row === undefined)
    throw new Failure(
      'config',
      `${file} of the trace doesn't say where it begins`,
      'it was damaged or changed by hand: "mandat trace verify" says what else is wrong; put it back from a backup',
    );
  const { month, madeAt, afterFile, afterId, afterSeal, seal } = row;
  const after = afterFile === null ? null : { file: afterFile, id: afterId, seal: afterSeal };
  return { file, month, madeAt, after, seal };
}

/** In the order of the chain; `unreadable` are those that can't be opened, by their names. Whoever calls closes them. */
export function openMonths(directory: string): {
  readonly months: readonly Month[];
  readonly unreadable: ReadonlyMap<string, string>;
} {
  const months: Month[] = [];
  const unreadable = new Map<string, string>();
  for (const file of monthFiles(directory)) {
    try {
      months.push(openMonth(directory, file, 'read'));
    } catch (error) {
      unreadable.set(file, (error as Error).message);
    }
  }
  return { months: inOrder(months), unreadable };
}

/** Ids go on from file to file; of one that holds nothing, the file that is behind it comes later. */
export function inOrder(months: readonly Month[]): readonly Month[] {
  const begins = ({ beginning }: Month) => beginning.after?.id ?? 0;
  return [...months].sort((one, other) => {
    if (begins(one) !== begins(other)) return begins(one) - begins(other);
    if (other.beginning.after?.file === one.file) return -1;
    if (one.beginning.after?.file === other.file) return 1;
    return one.file < other.file ? -1 : 1;
  });
}

export function endOf(database: Database.Database): FileEnd & { readonly mac: Buffer } {
  const row = database.prepare<[], FileEnd & { mac: Buffer }>('SELECT id, seal, oldest, newest, mac FROM head').get();
  if (row === undefined)
    throw new Failure(
      'config',
      "a file of the trace doesn't say where it ends",
      'it was damaged or changed by hand: "mandat trace verify" says what else is wrong; put it back from a backup',
    );
  return row;
}

export function writeEnd(database: Database.Database, key: Buffer, file: string, end: FileEnd): void {
  database
    .prepare(
      `INSERT INTO head VALUES (1, @id, @seal, @oldest, @newest, @mac)
       ON CONFLICT (one) DO UPDATE SET id = @id, seal = @seal, oldest = @oldest, newest = @newest, mac = @mac`,
    )
    .run({ ...end, mac: endMac(key, file, end) });
}

export function headOf({ file, database }: Month): TraceHead {
  const { id, seal } = endOf(database);
  return { file, id, seal };
}

const GONE = 'file, last_id AS lastId, last_seal AS lastSeal, accesses, at';

export function goneIn(database: Database.Database): readonly (GoneFile & { readonly seal: Buffer })[] {
  return database.prepare<[], GoneFile & { seal: Buffer }>(`SELECT ${GONE}, seal FROM gone ORDER BY last_id`).all();
}

export function noteGone(database: Database.Database, key: Buffer, gone: GoneFile): void {
  const { file, lastId, lastSeal, accesses, at } = gone;
  database
    .prepare('INSERT OR IGNORE INTO gone VALUES (?, ?, ?, ?, ?, ?)')
    .run(file, lastId, lastSeal, accesses, at, goneSeal(key, gone));
}

export function marksIn(database: Database.Database): Carried['marks'] {
  return database.prepare<[], { name: string; value: string }>('SELECT name, value FROM marks').all();
}

export function setMark(database: Database.Database, name: string, value: string): void {
  database
    .prepare('INSERT INTO marks VALUES (@name, @value) ON CONFLICT (name) DO UPDATE SET value = @value')
    .run({ name, value });
}
