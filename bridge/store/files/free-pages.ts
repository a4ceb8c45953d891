/**
 * Pages of a database that hold nothing any more: SQLite keeps them for what comes, and gives none back by itself. Our files are made so that they can
 * be given back bit by bit (PRAGMA auto_vacuum = INCREMENTAL), so that nobody has to type VACUUM, which would hold everybody up.
 */
import { existsSync } from 'node:fs';
import Database from 'better-sqlite3';
import { type GiveWay, giveBack } from '../../shared/portions.ts';
import { isBusy } from './busy.ts';
import { refuseLink } from './no-follow.ts';

/** So many stay where they are, for what comes next: 1 MB. */
export const KEPT_PAGES = 256;

/** Fewer than this part of a file aren't worth the writing. */
const WORTH = 0.1;

/** So many are given back at once: some milliseconds. */
const PORTION_PAGES = 100;

const INCREMENTAL = 2;

/** Before anything is made in a new file. */
export function prepareToGiveBack(database: Database.Database): void {
  database.pragma('auto_vacuum = INCREMENTAL');
}

/** In portions, each a transaction of its own; waits for nobody. Returns how many went. */
export async function givePagesBack(file: string, giveWay: GiveWay = giveBack): Promise<number> {
  if (!existsSync(file)) return 0;
  refuseLink(file);
  const database = new Database(file, { fileMustExist: true, timeout: 0 });
  let gone = 0;
  try {
    const number = (name: string) => database.pragma(name, { simple: true }) as number;
    if (number('auto_vacuum') !== INCREMENTAL) return 0;
    if (number('freelist_count') <= Math.max(KEPT_PAGES, WORTH * number('page_count'))) return 0;
    for (;;) {
      const free = number('freelist_count');
      if (free <= KEPT_PAGES) return gone;
      database.pragma(`incremental_vacuum(${Math.min(PORTION_PAGES, free - KEPT_PAGES)})`);
      gone += free - number('freelist_count');
      if (!(await giveWay())) return gone;
    }
  } catch (error) {
    if (isBusy(error)) return gone; // the next time, then
    throw error;
  } finally {
    database.close();
  }
}

/**
 * A file of before there was this, written anew once so that it can; in one go, which holds up everybody who writes, so only where nobody runs. False:
 * it was so already, or somebody has it open, or there is no room for a second one: then it stays as it was.
 */
export function rewriteOnce(file: string): boolean {
  if (!existsSync(file)) return false;
  const database = new Database(file, { fileMustExist: true, timeout: 0 });
  try {
    if (database.pragma('auto_vacuum', { simple: true }) === INCREMENTAL) return false;
    prepareToGiveBack(database);
    database.exec('VACUUM');
    database.pragma('wal_checkpoint(TRUNCATE)');
    return true;
  } catch (error) {
    if (isBusy(error) || /^SQLITE_(?:FULL|IOERR)/.test(String((error as { code?: unknown }).code))) return false;
    throw error;
  } finally {
    database.close();
  }
}
