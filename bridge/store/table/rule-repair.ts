/** Puts the released rules back into a delegation table whose triggers, views or indexes were changed. Rows stay as they are. */
import Database from 'better-sqlite3';
import { Failure } from '../../shared/failure.ts';
import { refuseLink } from '../files/no-follow.ts';
import { type FileKind, guarded, leavesNoTrace } from '../files/open.ts';
import { type Difference, differences, refuseMoved, released } from './schema.ts';

interface Made {
  readonly type: string;
  readonly name: string;
  readonly tbl_name: string;
  readonly sql: string;
}

/** As {@link differences}, of a file that nothing else is read from. None where there is no file of ours, and before its first migration. */
export function differencesIn(file: string, kind: FileKind): readonly Difference[] {
  return guarded(file, kind, () =>
    using(file, leavesNoTrace(file), (database) => differences(database, migrationsOf(database, kind))),
  );
}

/** What was put right. A base table that is missing, altered, or something else can't be: its rows would be lost. Fails `config` then. */
export function repairRules(file: string, kind: FileKind): readonly Difference[] {
  return guarded(file, kind, () =>
    using(file, false, (database) =>
      database
        .transaction(() => {
          const migrations = migrationsOf(database, kind);
          const found = differences(database, migrations);
          if (found.length === 0) return [];
          const model = released(migrations);
          const made = model
            .prepare<[], Made>(
              'SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid',
            )
            .all();
          model.close();
          rebuild(database, made);
          const left = differences(database, migrations);
          if (left.length > 0) throw beyondRepair(file, left);
          return found;
        })
        .immediate(),
    ),
  );
}

/** Everything but the tables goes and is made anew: so it doesn't matter what was done to it. */
function rebuild(database: Database.Database, made: readonly Made[]): void {
  const ours = new Set(made.map(({ tbl_name }) => tbl_name.toLowerCase()));
  const quoted = (name: string) => `"${name.replaceAll('"', '""')}"`;
  const there = database
    .prepare<[], Made>('SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE sql IS NOT NULL')
    .all()
    .filter(({ type, tbl_name }) => type !== 'table' && ours.has(tbl_name.toLowerCase()));
  for (const kind of ['trigger', 'index', 'view'])
    for (const { name } of there.filter(({ type }) => type === kind))
      database.exec(`DROP ${kind} IF EXISTS ${quoted(name)}`);
  const tables = new Set(
    database.prepare("SELECT lower(name) FROM sqlite_schema WHERE type = 'table'").pluck().all() as string[],
  );
  for (const { type, name, tbl_name, sql } of made) {
    if (type === 'table' || (type === 'view' && tables.has(name.toLowerCase()))) continue;
    if (type === 'index' && !tables.has(tbl_name.toLowerCase())) continue;
    const views = made.filter((one) => one.type === 'view').map((one) => one.name);
    if (type === 'trigger' && !tables.has(tbl_name.toLowerCase()) && !views.includes(tbl_name)) continue;
    database.exec(sql);
  }
}

function beyondRepair(file: string, left: readonly Difference[]): Failure {
  const named = left.map(({ object, how }) => `${object} is ${how}`).join(', ');
  return new Failure(
    'config',
    `the delegation table (${file}) can't be put right without losing rows: ${named}; it was left as it is`,
    'stop the sidecar and put a backup of this file back, or bring the tables back by hand (sqlite3 FILE .schema)',
    { rule: 'MANDAT_SCHEMA' },
  );
}

function migrationsOf(database: Database.Database, { migrations }: FileKind): readonly string[] {
  return migrations.slice(0, database.pragma('user_version', { simple: true }) as number);
}

function using<T>(file: string, readonly: boolean, work: (database: Database.Database) => T): T {
  refuseLink(file);
  const database = new Database(file, { fileMustExist: true, timeout: 5000, readonly });
  try {
    refuseMoved(database, file);
    return work(database);
  } finally {
    database.close();
  }
}
