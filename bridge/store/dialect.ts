/** The few things that SQLite and PostgreSQL say in different words, where one query serves both. */
import { type Kysely, PostgresAdapter, type RawBuilder, sql } from 'kysely';

// biome-ignore lint/suspicious/noExplicitAny: of whichever database
type Asked = Pick<Kysely<any>, 'getExecutor'>;

/** Whether what is asked here goes to PostgreSQL. */
export function onPostgres(query: Asked): boolean {
  return query.getExecutor().adapter instanceof PostgresAdapter;
}

/** These texts as rows, behind `in`: one parameter, however many they are. */
export function textsOf(query: Asked, list: readonly string[]): RawBuilder<string> {
  return onPostgres(query)
    ? sql`(SELECT unnest(CAST(${list.filter((one) => !one.includes('\0'))} AS text[])))` // no text there holds U+0000
    : sql`(SELECT value FROM json_each(${JSON.stringify(list)}))`;
}

/** The same of whole numbers. */
export function numbersOf(query: Asked, list: readonly number[]): RawBuilder<number> {
  return onPostgres(query)
    ? sql`(SELECT unnest(CAST(${list} AS bigint[])))`
    : sql`(SELECT value FROM json_each(${JSON.stringify(list)}))`;
}

/** An error of a row that is there already. */
export function isTaken(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'SQLITE_CONSTRAINT_UNIQUE' || code === UNIQUE_VIOLATION;
}

/** PostgreSQL manual, appendix A. */
const UNIQUE_VIOLATION = '23505';
