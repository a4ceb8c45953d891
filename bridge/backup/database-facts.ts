/** What a database must be the same in after it was copied: its version, its schema, how many rows each table has; and that it is whole. */
import Database from 'better-sqlite3';
import { Failure } from '../shared/failure.ts';
import type { FileKind } from '../store/files/open.ts';
import { schemaDigest } from '../store/table/schema.ts';
import type { DatabaseFacts } from './manifest.ts';

export function factsOf(database: Database.Database): DatabaseFacts {
  const tables = database
    .prepare<[], string>(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
    )
    .pluck()
    .all();
  const rows = tables.map((name) => [name, count(database, name)] as const);
  return {
    version: database.pragma('user_version', { simple: true }) as number,
    schema: schemaDigest(database),
    rows: Object.fromEntries(rows),
  };
}

const count = (database: Database.Database, table: string) =>
  database
    .prepare(`SELECT count(*) FROM "${table.replaceAll('"', '""')}"`)
    .pluck()
    .get() as number;

/** Which of them differ, for people; undefined where none does. */
export function differenceIn(before: DatabaseFacts, now: DatabaseFacts): string | undefined {
  if (before.version !== now.version) return `its version is ${now.version}, and was ${before.version}`;
  if (before.schema !== now.schema) return 'its tables and triggers are others';
  for (const name of new Set([...Object.keys(before.rows), ...Object.keys(now.rows)])) {
    const [had, has] = [before.rows[name] ?? 0, now.rows[name] ?? 0];
    if (had !== has) return `${name} has ${has} rows, and had ${had}`;
  }
  return undefined;
}

/**
 * Of a copy that nobody else has: PRAGMA integrity_check, and its facts. The copy is a single file from then on, without a log of writes beside it.
 * Fails `config` where it isn't whole.
 */
export function examineCopy(file: string, { what }: Pick<FileKind, 'what'>): DatabaseFacts {
  let database: Database.Database | undefined;
  try {
    database = new Database(file, { fileMustExist: true });
    database.pragma('journal_mode = DELETE');
    const lines = database.prepare('PRAGMA integrity_check(3)').pluck().all() as string[];
    const complaint = lines.find((line) => line !== 'ok');
    if (complaint !== undefined) throw damaged(file, what, complaint);
    return factsOf(database);
  } catch (error) {
    if (error instanceof Database.SqliteError) throw damaged(file, what, error.message);
    throw error;
  } finally {
    database?.close();
  }
}

function damaged(file: string, what: string, complaint: string): Failure {
  return new Failure('config', `${what} is damaged: ${file}: ${complaint}`, 'put an older backup back, or mend it');
}
