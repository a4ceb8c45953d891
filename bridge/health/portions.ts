/** Counting a table of any size: some rows at a time, by their ids, with pauses, so that nothing else waits for it. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import { PORTION_ROWS, portion } from '../shared/portions.ts';

/** As long as a portion may take, so that half of the processor at most goes into counting. */
const BREATH_MS = 10;

/** Called between two portions. */
export type Breathe = () => Promise<void>;

/** Lets others have their turn, when this one has had its time. */
export function breather(): Breathe {
  let enough = portion();
  return async () => {
    if (!enough()) return;
    await delay(BREATH_MS);
    enough = portion();
  };
}

// biome-ignore lint/suspicious/noExplicitAny: of whichever database
type Query = Kysely<any>;

/** Pages of rows that each have an `id`, the lowest first. `rest`: what follows `SELECT`, up to the condition on the id. */
export async function* pages<Row extends { readonly id: number }>(
  query: Query,
  select: (after: number) => RawBuilder<Row>,
  breathe: Breathe,
  most = PORTION_ROWS,
): AsyncGenerator<readonly Row[]> {
  for (let after = 0; ; ) {
    const { rows } = await select(after).execute(query);
    yield rows;
    after = rows.at(-1)?.id ?? after;
    if (rows.length < most) return;
    await breathe();
  }
}

/** How many rows a table has. */
export async function countRows(query: Query, table: string, id: string, breathe: Breathe): Promise<number> {
  let count = 0;
  for (let after = 0; ; ) {
    const { rows } = await sql<{ readonly n: number; readonly last: number | null }>`
      SELECT count(*) AS n, max(id) AS last FROM
        (SELECT ${sql.ref(id)} AS id FROM ${sql.table(table)} WHERE ${sql.ref(id)} > ${after} ORDER BY ${sql.ref(id)} LIMIT ${COUNTED}) AS portion
    `.execute(query);
    const [{ n = 0, last = null } = {}] = rows;
    count += n;
    if (n < COUNTED || last === null) return count;
    after = last;
    await breathe();
  }
}

/** A row that is only counted takes less than a microsecond. */
const COUNTED = 5000;

/** Where a count has no ids to go by: so many, or more. */
export const MOST = 10_000;

/** How many rows there are, up to {@link MOST}. `rows`: SELECT without ORDER. */
export async function countUpTo(query: Query, rows: RawBuilder<unknown>): Promise<number> {
  const { rows: found } = await sql<{
    readonly n: number;
  }>`SELECT count(*) AS n FROM (${rows} LIMIT ${MOST}) AS portion`.execute(query);
  return found[0]?.n ?? 0;
}
