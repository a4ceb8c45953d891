/** Files of rows: a header line that names the columns, in any order; what is wrong is reported all at once, with its lines. */
import { readSync } from 'node:fs';
import { CsvError, parse } from 'csv-parse/sync';
import { type Instant, SEND_MODES, type SendMode } from '../acl/delegation-facts.ts';
import { Failure, failureOf } from '../bridge/shared/failure.ts';
import { openGiven } from '../bridge/shared/given-file.ts';
import type { BulkRow } from '../bridge/store/table/bulk-changes.ts';
import { address, instant } from './arguments.ts';
import { counted, oneLine } from './output.ts';

/** Of a file of delegations: `mailbox,delegate`, and for a grant `starts`, `ends`, `note`, `send-mode`. */
const DELEGATIONS: Columns = {
  all: ['mailbox', 'delegate', 'starts', 'ends', 'note', 'send-mode'],
  required: ['mailbox', 'delegate'],
};

export interface Columns {
  readonly all: readonly string[];
  readonly required: readonly string[];
}

export type Values = Readonly<{ [column: string]: string }>;

/**
 * @param identifier brings a delegate's identifier into its canonical form
 * @param endsAfter refuses a delegation that ends before; a revoke is about rows of any time
 */
export function readDelegations(
  file: string,
  timezone: string,
  identifier: (typed: string) => string,
  endsAfter?: Instant,
): readonly BulkRow[] {
  return readRows(file, DELEGATIONS, 'delegation', {
    row: (values, line) => {
      const row = rowOf(values, line, timezone, identifier);
      if (row.endsAt !== undefined && endsAfter !== undefined && row.endsAt <= endsAfter)
        throw new Failure('config', `it ends at ${row.endsAt}: this is past, it would never be in force`);
      return row;
    },
    key: ({ mailbox, delegate }) => ({ value: `${mailbox} ${delegate}`, what: 'pair' }),
  });
}

/** Everything is read and checked before anything is written. `key`: no two rows may have the same. */
export function readRows<Row>(
  file: string,
  columns: Columns,
  what: string,
  of: {
    readonly row: (values: Values, line: number) => Row;
    readonly key: (row: Row) => { readonly value: string; readonly what: string };
  },
): readonly Row[] {
  const { names, records } = readRecords(file, columns);
  const mistakes: string[] = [];
  const rows: Row[] = [];
  const seen = new Map<string, number>();
  for (const { values, line } of records) {
    try {
      const row = of.row(named(names, values), line);
      const key = of.key(row);
      const before = seen.get(key.value);
      if (before !== undefined) throw new Failure('config', `the same ${key.what} stands in line ${before}`);
      seen.set(key.value, line);
      rows.push(row);
    } catch (error) {
      mistakes.push(`line ${line}: ${failureOf(error).message}`);
    }
  }
  if (mistakes.length > 0) {
    const shown = mistakes.slice(0, MOST_MISTAKES);
    if (shown.length < mistakes.length) shown.push(`and ${mistakes.length - shown.length} more`);
    throw new Failure(
      'config',
      `${file} has ${counted(mistakes.length, 'mistake')}, nothing was written:\n        ${shown.join('\n        ')}`,
    );
  }
  if (rows.length === 0)
    throw new Failure(
      'config',
      `${file} holds no ${what}`,
      `its first line names the columns: ${columns.all.join(',')}`,
    );
  return rows;
}

interface Record {
  readonly values: readonly string[];
  /** Where it begins, from 1. */
  readonly line: number;
}

function readRecords(
  file: string,
  columns: Columns,
): { readonly names: readonly string[]; readonly records: readonly Record[] } {
  const text = readText(file);
  // What separates the header's names separates the rest: a note may hold the other sign.
  const [first = ''] = text.split(/\r?\n/, 1);
  const delimiter = first.includes(';') ? ';' : ',';
  try {
    let began = 0;
    const parsed = parse(text, {
      delimiter,
      info: true,
      relax_column_count: true, // said with the other mistakes, not as the first one
      trim: true,
    }) as unknown as readonly { readonly record: string[]; readonly info: { readonly lines: number } }[];
    const all = parsed.map(({ record, info }) => {
      const line = began + 1;
      began = info.lines;
      return { values: record, line };
    });
    const [head, ...rest] = all;
    const names = header(file, head?.values ?? [], columns);
    return { names, records: rest.filter(({ values }) => values.some((value) => value !== '')) };
  } catch (error) {
    if (error instanceof CsvError) throw new Failure('config', `${file} is not a table: ${oneLine(error.message)}`);
    throw error;
  }
}

/** How many mistakes are told one by one. */
const MOST_MISTAKES = 200;

/** A delegation takes a hundred bytes or so. */
const LARGEST_MB = 32;

/** Without its byte order mark. */
function readText(file: string): string {
  let bytes: Buffer;
  try {
    bytes = readWhole(file);
  } catch (error) {
    if (error instanceof Failure) throw error;
    throw new Failure(
      'config',
      `${file} can't be read (${(error as NodeJS.ErrnoException).code})`,
      'check the name and the rights on it',
    );
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new Failure('config', `${file} is not written in UTF-8`, 'save it as "CSV UTF-8"');
  }
}

/** A pipe tells no size, so what comes is counted. */
function readWhole(file: string): Buffer {
  const { fd, close } = openGiven(file);
  try {
    const parts: Buffer[] = [];
    for (let left = LARGEST_MB * 1024 * 1024; left >= 0; ) {
      const part = Buffer.alloc(64 * 1024);
      const length = readSync(fd, part);
      if (length === 0) return Buffer.concat(parts);
      parts.push(part.subarray(0, length));
      left -= length;
    }
    throw new Failure('config', `${file} is larger than ${LARGEST_MB} MB`, 'give it in parts');
  } finally {
    close();
  }
}

function header(file: string, given: readonly string[], { all, required }: Columns): readonly string[] {
  const names = given.map((name) => name.toLowerCase());
  const wrong = [
    ...names.filter((name) => !all.includes(name)).map((name) => `"${oneLine(name)}" is no column`),
    ...required.filter((name) => !names.includes(name)).map((name) => `"${name}" is missing`),
    ...all
      .filter((name) => names.indexOf(name) !== names.lastIndexOf(name))
      .map((name) => `"${name}" stands there twice`),
  ];
  if (wrong.length === 0) return names;
  throw new Failure(
    'config',
    `the first line of ${file} must name the columns: ${wrong.join(', ')}`,
    `columns: ${all.join(',')}`,
  );
}

/** Trailing columns may be left out. */
function named(columns: readonly string[], values: readonly string[]): Values {
  if (values.length > columns.length)
    throw new Failure(
      'config',
      `${values.length} values for ${columns.length} columns: quote a value that holds the separator`,
    );
  return Object.fromEntries(values.map((value, index) => [columns[index], value]));
}

function rowOf(record: Values, line: number, timezone: string, identifier: (typed: string) => string): BulkRow {
  const { mailbox = '', delegate = '', starts, ends, note, 'send-mode': mode } = record;
  return {
    line,
    mailbox: address(mailbox),
    delegate: identifier(delegate),
    startsAt: starts ? instant(starts, 'start', timezone, 'starts') : undefined,
    endsAt: ends ? instant(ends, 'end', timezone, 'ends') : undefined,
    note: note || undefined,
    sendMode: mode ? sendMode(mode) : undefined,
  };
}

function sendMode(written: string): SendMode {
  const mode = SEND_MODES.find((one) => one === written);
  if (mode !== undefined) return mode;
  throw new Failure('config', `send-mode "${oneLine(written)}" is neither ${SEND_MODES.join(' nor ')}`);
}
