/** A table read from its first row to its last, in the order of an index, some hundred rows at a time. */

/** So many: what a command holds of a list that it prints. */
const MOST = 100;

/**
 * @param read so many of those behind a place, in order
 * @param placeOf of a row, in that order; no two have the same
 */
export async function* inPages<Row, Place>(
  read: (after: Place, most: number) => Promise<readonly Row[]>,
  placeOf: (row: Row) => Place,
  before: Place,
  most = MOST,
): AsyncGenerator<readonly Row[]> {
  for (let after = before; ; ) {
    const page = await read(after, most);
    const last = page.at(-1);
    if (last !== undefined) yield page;
    if (last === undefined || page.length < most) return;
    after = placeOf(last);
  }
}
