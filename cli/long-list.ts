/**
 * A list that may be as long as the table: it is read and written in portions, so that the millionth line costs no more memory than the first. The
 * same text and the same JSON document as of a short one. Columns are as wide as the longest cell, so a long text is gone through twice.
 */
import { cell, jsonOf, type Output, put, putPiece, table } from './output.ts';
import { collectEarly } from './small-heap.ts';

export interface LongList<T> {
  readonly head: readonly string[];
  readonly row: (one: T) => readonly (string | number | null)[];
  readonly document: (one: T) => unknown;
  /** Said where there is nothing to list. */
  readonly none: string;
}

/** @param pages from the start each time that it is called */
export async function printList<T>(
  out: Output,
  { head, row, document, none }: LongList<T>,
  pages: () => AsyncIterable<readonly T[]>,
): Promise<void> {
  out.begin();
  collectEarly(); // what lives is a portion: what is garbage need not become twice as much
  if (out.json) return printDocument(pages(), document);
  const first = await firstOf(pages());
  if (first.only) return void (await put(first.page.length === 0 ? none : table(head, first.page.map(row))));
  const widths = head.map(widthOf);
  for await (const page of pages())
    for (const one of page)
      for (const [at, value] of row(one).entries()) widths[at] = Math.max(widths[at] ?? 0, widthOf(cell(value)));
  const line = (cells: readonly string[]) =>
    cells
      .map((text, at) => text + ' '.repeat(Math.max(0, (widths[at] ?? 0) - widthOf(text))))
      .join('  ')
      .trimEnd();
  if (!(await put(line(head)))) return;
  for await (const page of pages())
    if (page.length > 0 && !(await put(page.map((one) => line(row(one).map(cell))).join('\n')))) return;
}

async function printDocument<T>(pages: AsyncIterable<readonly T[]>, document: (one: T) => unknown): Promise<void> {
  let begun = false;
  for await (const page of pages) {
    if (page.length === 0) continue;
    const items = page.map((one) => `  ${jsonOf(document(one), 2).replaceAll('\n', '\n  ')}`);
    if (!(await putPiece(`${begun ? ',' : '['}\n${items.join(',\n')}`))) return;
    begun = true;
  }
  await putPiece(begun ? '\n]\n' : '[]\n');
}

/** The first portion that has anything, and whether it is all there is. */
async function firstOf<T>(
  pages: AsyncIterable<readonly T[]>,
): Promise<{ readonly page: readonly T[]; readonly only: boolean }> {
  let found: readonly T[] = [];
  for await (const page of pages) {
    if (page.length === 0) continue;
    if (found.length > 0) return { page: found, only: false };
    found = page;
  }
  return { page: found, only: true };
}

/** In characters as they are seen. */
function widthOf(text: string): number {
  return /^[\x20-\x7e]*$/.test(text) ? text.length : [...text.normalize('NFC')].length;
}
