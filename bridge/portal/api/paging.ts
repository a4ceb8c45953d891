/** Pages of a list by a cursor: where the page before ended, not how many came before it, so that what comes and goes meanwhile moves nothing. */
import { NO_CURSOR } from './errors.ts';
import { QuestionProblem } from './problem.ts';

export interface Paged<Item> {
  readonly items: Item[];
  readonly next: string | null;
}

/** `keyOf` sorts the list, and is each one's own. */
export function pageOf<Item>(
  list: readonly Item[],
  keyOf: (item: Item) => string,
  { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
): Paged<Item> {
  const after = cursor === undefined ? undefined : readCursor(cursor);
  const rest = after === undefined ? list : list.filter((item) => keyOf(item) > after);
  const items = rest.slice(0, limit);
  const last = items.at(-1);
  return { items, next: rest.length > limit && last !== undefined ? cursorOf(keyOf(last)) : null };
}

export const cursorOf = (key: string): string => Buffer.from(key, 'utf8').toString('base64url');

/** Fails 422 for what is none of ours. */
export function readCursor(cursor: string): string {
  const key = Buffer.from(cursor, 'base64url').toString('utf8');
  if (key !== '' && cursorOf(key) === cursor) return key;
  throw new QuestionProblem(422, 'BAD_CURSOR', 'this cursor is not one that a page has named', {
    errors: [{ at: 'query.cursor', message: NO_CURSOR }],
  });
}
