/**
 * The white list as it was imported last: `white-list.json` in the data directory, swapped whole, readable by whoever may read the
 * directory. A few thousand domains: a file that is read at once serves them as well as a database. R41.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import type { Instant } from '../../acl/delegation-facts.ts';
import { Failure } from '../shared/failure.ts';
import { guarded } from '../store/files/open.ts';

export interface WhiteList {
  /** The name of the file it was read from. */
  readonly source: string;
  readonly imported: Instant;
  readonly domains: readonly string[];
}

export const WHAT = 'the white list';

/** Its name in mandat's private directory. */
export const WHITE_LIST_FILE = 'white-list.json';

export function whiteListFile(directory: string): string {
  return path.join(directory, WHITE_LIST_FILE);
}

/** Undefined before the first import. */
export function whiteListIn(directory: string): WhiteList | undefined {
  const file = whiteListFile(directory);
  return guarded(file, { what: WHAT }, () => {
    if (!existsSync(file)) return undefined;
    try {
      const { source, imported, domains } = JSON.parse(readFileSync(file, 'utf8')) as WhiteList;
      if (Array.isArray(domains)) return { source, imported, domains };
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
    }
    throw new Failure('config', `${file} is damaged`, 'import the white list again');
  });
}
