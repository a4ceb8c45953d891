/** Everything that stands in the three databases, to see whether something was written. */
import Database from 'better-sqlite3';
import { dataFiles } from '../../bridge/store/files/data-files.ts';
import { configOf } from './inside.ts';
import type { Site } from './site.ts';

/** Rows by `file.table`. */
export type Tables = Readonly<Record<string, readonly unknown[]>>;

export function tables(site: Site): Tables {
  const files = dataFiles(configOf(site).dataDir);
  const found: Record<string, readonly unknown[]> = {};
  for (const [name, file] of Object.entries({
    delegation: files.delegations,
    state: files.state,
    sender: `${files.senderDirectory}/sender.db`,
  })) {
    const database = new Database(file, { readonly: true });
    const all = database.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all() as string[];
    for (const table of all) found[`${name}.${table}`] = database.prepare(`SELECT * FROM "${table}"`).all();
    database.close();
  }
  return found;
}
