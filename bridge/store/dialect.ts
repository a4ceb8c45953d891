/** The few things that SQLite and PostgreSQL say in different words, where one query serves both. */
import { type Kysely, PostgresAdapter, type RawBuilder, sql } from 'kysely';

// biome-ignore lint/suspicious/noExplicitAny: of whichever database
type Asked = Pick<Kysely<any>, 'getExecutor'>;

/** Whether what is asked here goes to PostgreSQL. */
export function onPostgres(query: Asked): boolean {
  return query.getExecutor().adapter instanceof PostgresAdapter;
}

/** These texts as rows, behind `in`, or behind `from` with the column `value`: one parameter, however many they are. */
export function textsOf(query: Asked, list: readonly string[]): RawBuilder<string> {
  return onPostgres(query)
    ? sql`(SELECT unnest(CAST(${list} AS text[])) AS value)`
    : sql`(SELECT value FROM json_each(${JSON.stringify(list)}))`;
}

/** The same of whole numbers. */
export function numbersOf(query: Asked, list: readonly number[]): RawBuilder<number> {
  return onPostgres(query)
    ? sql`(SELECT unnest(CAST(${list} AS bigint[])) AS value)`
    : sql`(SELECT value FROM json_each(${JSON.stringify(list)}))`;
}

/** Rows behind `from`, numbered by `n` in their order, with these columns. */
export function rowsOf(
  query: Asked,
  columns: Readonly<Record<string, 'number' | 'text'>>,
  rows: readonly (readonly (number | string | null)[])[],
): RawBuilder<unknown> {
  const names = Object.keys(columns);
  if (!onPostgres(query)) {
    const values = names.map((name, at) => sql`value ->> ${sql.lit(at)} AS ${sql.ref(name)}`);
    return sql`(SELECT key AS n, ${sql.join(values)} FROM json_each(${JSON.stringify(rows)}))`;
  }
  const lists = Object.values(columns).map((kind, at) => {
    const list = rows.map((row) => row[at] ?? null);
    return kind === 'number' ? sql`CAST(${list} AS bigint[])` : sql`CAST(${list} AS text[])`;
  });
  return sql`(SELECT * FROM unnest(${sql.join(lists)}) WITH ORDINALITY AS listed (${sql.join([...names, 'n'].map((name) => sql.ref(name)))}))`;
}

/** What stands behind the @ of an address: as the index on mailboxes has it. */
export function domainOf(query: Asked, column: string): RawBuilder<string> {
  const address = sql.ref(column);
  return onPostgres(query)
    ? sql`substr(${address}, strpos(${address}, '@') + 1)`
    : sql`substr(${address}, instr(${address}, '@') + 1)`;
}

/** An error of a row that is there already. */
export function isTaken(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'SQLITE_CONSTRAINT_UNIQUE' || code === UNIQUE_VIOLATION;
}

/** PostgreSQL manual, appendix A. */
const UNIQUE_VIOLATION = '23505';
