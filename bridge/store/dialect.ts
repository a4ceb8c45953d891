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
  const json = JSON.stringify(list);
  return onPostgres(query)
    ? sql`(SELECT jsonb_array_elements_text(CAST(${json} AS jsonb)))`
    : sql`(SELECT value FROM json_each(${json}))`;
}

/** The same of whole numbers. */
export function numbersOf(query: Asked, list: readonly number[]): RawBuilder<number> {
  const json = JSON.stringify(list);
  return onPostgres(query)
    ? sql`(SELECT CAST(jsonb_array_elements_text(CAST(${json} AS jsonb)) AS bigint))`
    : sql`(SELECT value FROM json_each(${json}))`;
}
