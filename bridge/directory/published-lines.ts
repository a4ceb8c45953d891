/** What taking over any published file has in common: line by line below its header, the bad ones counted, and refused where it is cut. */
import type Database from 'better-sqlite3';
import type { Instant } from '../../acl/delegation-facts.ts';
import { Failure } from '../shared/failure.ts';
import { oneLine } from '../shared/harmless-text.ts';
import { type GenerationKind, openGeneration } from './generation.ts';
import { batchesOf } from './lines.ts';
import type { Source } from './source.ts';

/** A line that is left out, and why. */
export interface BadLine {
  readonly why: string;
}

export type ReadLine<Row> = (line: string) => Row | BadLine;

export type OnProgress = (read: number, of: number) => void;

export interface Taken {
  /** Good lines. */
  readonly lines: number;
  /** Lines left out, and the first few of them. */
  readonly bad: number;
  readonly examples: readonly { readonly line: number; readonly why: string }[];
}

/** How many of many are named. */
export const EXAMPLES = 5;

/** Hands each good line to `write`, in order. `reader` is given the header. */
export async function takeLines<Row extends object>(
  source: Source,
  file: string,
  reader: (header: string) => ReadLine<Row>,
  write: (row: Row) => void,
  onProgress?: OnProgress,
): Promise<Taken> {
  const examples: { line: number; why: string }[] = [];
  let read: ReadLine<Row> | undefined;
  let lines = 0;
  let bad = 0;
  for await (const batch of batchesOf(source)) {
    for (const [at, line] of batch.lines.entries()) {
      if (read === undefined) {
        read = reader(requireHeader(line, file));
        continue;
      }
      if (line === '') continue;
      const found = read(line);
      if ('why' in found) {
        bad++;
        if (examples.length < EXAMPLES) examples.push({ line: batch.first + at, why: shownWhy(found) });
      } else {
        lines++;
        write(found);
      }
    }
    onProgress?.(batch.read, source.size);
  }
  if (read === undefined) requireHeader(undefined, file);
  return { lines, bad, examples };
}

/** It may quote the file: nothing in it that a terminal would obey. */
function shownWhy({ why }: BadLine): string {
  return oneLine(why.slice(0, 200));
}

/** What the first line of a file says it is. */
export function requireHeader(first: string | undefined, file: string): string {
  if (first?.includes('|') === true) return first;
  throw new Failure(
    'config',
    `${file} has no header line with | between its columns`,
    'import the file as it was published',
  );
}

/** Characters of one value. Names of places and streets, the longest that are published, have less than two hundred. */
const LONGEST_VALUE = 1000;

/** The values of a line, or what is wrong with it. An empty one behind the last separator is there or not, in the header and in each line. */
export function valuesOf(line: string, header: readonly string[]): readonly string[] | BadLine {
  const width = header.at(-1) === '' ? header.length - 1 : header.length;
  const values = line.split('|');
  const long = values.findIndex((value) => value.length > LONGEST_VALUE);
  if (long >= 0) return { why: `value ${long + 1} is longer than ${LONGEST_VALUE} characters` };
  if (values.length === width || (values.length === width + 1 && values[width] === '')) return values;
  return { why: `${values.length} values for ${width} columns` };
}

/** What is kept of a generation about itself. Undefined before the first import. */
export function factsOf(directory: string, kind: GenerationKind): Readonly<Record<string, string>> | undefined {
  const database = openGeneration(directory, kind);
  if (database === undefined) return undefined;
  try {
    const rows = database.prepare('SELECT name, value FROM facts').all() as { name: string; value: string }[];
    return Object.fromEntries(rows.map(({ name, value }) => [name, value]));
  } finally {
    database.close();
  }
}

export function writeFacts(
  database: Database.Database,
  facts: Readonly<Record<string, string | number>>,
  now: Instant,
): void {
  const insert = database.prepare('INSERT INTO facts (name, value) VALUES (?, ?)');
  for (const [name, value] of Object.entries({ ...facts, imported: now })) insert.run(name, String(value));
}

export function refuseEmpty({ lines, bad, examples }: Taken, file: string, kind: GenerationKind, whose: string): void {
  if (lines > 0) return;
  const [first] = examples;
  const why = first === undefined ? 'no line' : `${bad} lines, and none is ${whose} (line ${first.line}: ${first.why})`;
  throw new Failure('refused', `${file} has ${why} below its header; ${kind.what} stays as it is`, 'fetch it again', {
    rule: `${kind.prefix.toUpperCase()}_EMPTY`,
  });
}

/** `before`: how many lines the generation before had. */
export function refuseShrunk(
  { lines }: Taken,
  before: number | undefined,
  file: string,
  kind: GenerationKind,
  percent: number,
): void {
  if (before === undefined || lines >= before * (1 - percent / 100)) return;
  const lost = (((before - lines) * 100) / before).toFixed(1);
  throw new Failure(
    'refused',
    `${file} has ${lines} lines, ${lost} % less than the ${before} of the last import; ${kind.what} stays as it is`,
    'is it whole? If it is, and so many really have gone: [directory] max_shrink',
    { rule: `${kind.prefix.toUpperCase()}_SHRUNK` },
  );
}
