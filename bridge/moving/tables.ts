/**
 * What a store consists of, as both kinds say it: tables of a room (`table`: what others write; `state` and `submissions`: ours), each with its columns
 * and its key. Read from the schemas themselves, so that a column or table that is added later comes along.
 */
import { createHash } from 'node:crypto';
import { Failure } from '../shared/failure.ts';

export type Room = 'table' | 'state' | 'submissions';

export type Value = string | number | null;
export type Row = readonly Value[];
/** The values of the key's columns. */
export type Key = readonly Value[];

export interface Column {
  readonly name: string;
  readonly text: boolean;
}

export interface Table {
  /** As both kinds call it: `table.mailboxes`, `submissions.copies`. */
  readonly name: string;
  /** As this store calls it, quoted: `mandat.mailboxes`. */
  readonly at: string;
  /** By name. */
  readonly columns: readonly Column[];
  /** In the key's order. None: one row. */
  readonly key: readonly Column[];
}

/** What stands beside the rows, and is no part of them. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  'table.writer': 'who writes, for the time of one transaction',
  'table.schema_version': 'which version the schema has',
  'table.moved': 'that it has moved',
  'state.moved': 'that it has moved',
  'submissions.moved': 'that it has moved',
  'state.schema_version': 'which version the schema has',
  'state.shared_files':
    'what was imported (the directory, the white list) stays in data_dir, for this machine; the next import is for all',
  'state.shared_portions': 'the same',
  'state.standing_by': 'which sidecars wait for one that works',
  'state.workers': 'which sidecars work on this PostgreSQL: no sidecar has come from anywhere yet',
};

export interface Paired {
  readonly from: Table;
  readonly to: Table;
}

/**
 * Each table of the one beside that of the other. Fails `internal` where one of them has a table or a column that the other hasn't: then it would be lost
 * without a word. `others`: what somebody else has put into a source, which stays there.
 */
export function paired(
  from: readonly Table[],
  to: readonly Table[],
): { readonly pairs: readonly Paired[]; readonly others: readonly string[] } {
  const kept = (tables: readonly Table[]) => tables.filter(({ name }) => LEFT_OUT[name] === undefined);
  const at = new Map(kept(to).map((table) => [table.name, table]));
  const pairs: Paired[] = [];
  const others: string[] = [];
  for (const one of kept(from)) {
    const other = at.get(one.name);
    if (other === undefined) others.push(one.at);
    else pairs.push({ from: one, to: other });
    at.delete(one.name);
  }
  const missing = [...at.keys()];
  if (missing.length > 0) throw unaccounted(missing);
  for (const { from: one, to: other } of pairs) {
    const names = (columns: readonly Column[]) => columns.map(({ name, text }) => `${name}:${text ? 't' : 'n'}`).join();
    if (names(one.columns) !== names(other.columns) || names(one.key) !== names(other.key))
      throw unaccounted([`${one.name} (${names(one.columns)} | ${names(other.columns)})`]);
  }
  return { pairs, others };
}

function unaccounted(what: readonly string[]): Failure {
  return new Failure(
    'internal',
    `the two kinds of store are not the same here: ${what.join('; ')}`,
    'nothing was changed; "mandat init" brings the source to this version, otherwise report it',
  );
}

/** From the first key that lies behind `after` up to and with `upTo`; undefined: from the beginning, to the end. */
export interface Range {
  readonly after: Key | undefined;
  readonly upTo: Key | undefined;
}

/** SQL for both. `mark`: writes a value's place, as in `?`. */
export function within({ key }: Table, { after, upTo }: Range, mark: (column: Column, value: Value) => string): string {
  const names = key.map(({ name }) => `"${name}"`).join(', ');
  const marks = (values: Key) => key.map((column, at) => mark(column, values[at] ?? null)).join(', ');
  const conditions = [
    ...(after === undefined ? [] : [`(${names}) > (${marks(after)})`]),
    ...(upTo === undefined ? [] : [`(${names}) <= (${marks(upTo)})`]),
  ];
  return conditions.length === 0 ? '' : ` WHERE ${conditions.join(' AND ')}`;
}

export const columnList = ({ columns }: Table): string => columns.map(({ name }) => `"${name}"`).join(', ');

export function keyOf({ columns, key }: Table, row: Row): Key {
  return key.map(({ name }) => row[columns.findIndex((column) => column.name === name)] ?? null);
}

/** Of rows in their order: the same on both sides where every octet of every value is. */
export function digestOf(rows: readonly Row[]): string {
  const hash = createHash('sha256');
  for (const row of rows) hash.update(`${JSON.stringify(row)}\n`);
  return hash.digest('base64');
}

/** One consistent view of a store. */
export interface Source {
  /** In the key's order. */
  read(table: Table, range: Range, most: number): Promise<readonly Row[]>;
  count(table: Table): Promise<number>;
  /** The highest number that a table has ever given to a row, by table; of those that number their rows. */
  numbers(): Promise<ReadonlyMap<string, number>>;
}

export interface Destination extends Source {
  readonly tables: readonly Table[];
  /** As its kind can hold it. Fails `config` for what would be another value there. */
  fit(table: Table, row: Row): Row;
  /** All of these, or none. */
  clear(table: Table, ranges: readonly Range[]): Promise<void>;
  insert(table: Table, rows: readonly Row[]): Promise<void>;
  /** Rows that come later are numbered above these. */
  setNumbers(numbers: ReadonlyMap<string, number>): Promise<void>;
}
