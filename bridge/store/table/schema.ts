/**
 * Whether the delegation table's own rules (its triggers, views, indexes and tables) are those that this program released. Whoever may
 * write the table may also change them, so they are compared before anything is read, and again whenever PRAGMA schema_version has moved.
 */
import { createHash } from 'node:crypto';
import Database from 'better-sqlite3';
import { Failure } from '../../shared/failure.ts';
import { isBusy } from '../files/busy.ts';
import { movedFailure, movedTo } from '../files/moved.ts';

/** What differs from the release. */
export interface Difference {
  /** `trigger delegations_insert` */
  readonly object: string;
  readonly how: 'missing' | 'altered' | 'not ours';
  /** It stands where the sidecar itself reads or writes: nothing at all is read then. */
  readonly bars: boolean;
}

interface Row {
  readonly type: string;
  readonly name: string;
  readonly tbl_name: string;
  readonly sql: string | null;
}

/** What ANALYZE leaves behind decides nothing. */
const OBJECTS = `SELECT type, name, tbl_name, sql FROM sqlite_schema
  WHERE NOT (type = 'table' AND name IN ('sqlite_stat1', 'sqlite_stat3', 'sqlite_stat4')) ORDER BY type, name, tbl_name`;

/** SHA-256 of all that stands in sqlite_schema, so that the common case needs no comparison. */
export function schemaDigest(database: Database.Database): string {
  const rows = objects(database).map(({ type, name, tbl_name, sql }) => [type, name, tbl_name, sql]);
  return createHash('sha256').update(JSON.stringify(rows)).digest('hex');
}

/** A database in memory as the migrations make it. */
export function released(migrations: readonly string[]): Database.Database {
  const database = new Database(':memory:');
  for (const script of migrations) database.exec(script);
  return database;
}

/** A table that was renamed and renamed back is written with its name in quotes, and is the same table. */
const objects = (database: Database.Database): readonly Row[] =>
  database
    .prepare<[], Row>(OBJECTS)
    .all()
    .map((row) => ({ ...row, sql: row.sql?.replace(/^CREATE TABLE "(\w+)"/, 'CREATE TABLE $1') ?? null }));

/** Views that this program reads; the others are other programs' doors. */
export const READ = ['domain_eligibility', 'delegation', 'domain'];

/** Tables that each pass writes to: a trigger of somebody else's would run in our own transaction. */
export const WORKED_ON = ['pending', 'intents', 'writer', 'counters', 'settings', 'events'];

/**
 * Differences between a database and the release. What others have put beside our tables is none, as long as it hangs on none of ours.
 * Slow (it makes the release in memory): {@link schemaDigest} first.
 */
export function differences(database: Database.Database, migrations: readonly string[]): readonly Difference[] {
  const model = released(migrations);
  const ours = objects(model);
  model.close();
  const there = new Map(objects(database).map((row) => [row.name.toLowerCase(), row]));
  const names = new Set(ours.map(({ name }) => name.toLowerCase()));
  const found = ours.flatMap((mine): readonly Difference[] => {
    const row = there.get(mine.name.toLowerCase());
    if (row !== undefined && same(row, mine)) return [];
    const bars = mine.type === 'table' || READ.includes(mine.name) || (row !== undefined && row.type !== mine.type);
    const how = row === undefined ? 'missing' : 'altered';
    return [{ object: `${row?.type ?? mine.type} ${mine.name}`, how, bars: bars || runsInOurs(row) }];
  });
  const added = [...there.values()].filter(
    (row) => !names.has(row.name.toLowerCase()) && row.type !== 'table' && names.has(row.tbl_name.toLowerCase()),
  );
  return [
    ...found,
    ...added.map((row): Difference => ({ object: `${row.type} ${row.name}`, how: 'not ours', bars: runsInOurs(row) })),
  ];
}

function same(row: Row, mine: Row): boolean {
  return row.type === mine.type && row.tbl_name === mine.tbl_name && row.sql === mine.sql;
}

/** Where a trigger or an index that isn't the released one stands on what each pass writes to. */
function runsInOurs(row: Row | undefined): boolean {
  return row !== undefined && row.type !== 'view' && WORKED_ON.includes(row.tbl_name.toLowerCase());
}

/** For people: `trigger delegations_insert is missing, view mailboxes is altered`. */
export function describeDifferences(found: readonly Omit<Difference, 'bars'>[]): string {
  const most = 5;
  const named = found.slice(0, most).map(({ object, how }) => `${object} is ${how}`);
  return [...named, ...(found.length > most ? [`and ${found.length - most} more`] : [])].join(', ');
}

export const REPAIR_RULES =
  '"mandat init --repair-rules" puts the released rules back and keeps every row; find out who writes this file';

export function rulesChanged(found: readonly Omit<Difference, 'bars'>[]): string {
  return `rules of the delegation table have been changed (${describeDifferences(found)}): it is obeyed only where it takes access away`;
}

/** Where one of them bars. */
export function barred(found: readonly Difference[], file: string): Failure {
  const what = describeDifferences(found.filter(({ bars }) => bars));
  return new Failure(
    'config',
    `the delegation table (${file}) is not as mandat makes it, and nothing was read from it: ${what}`,
    REPAIR_RULES,
    { rule: 'MANDAT_SCHEMA' },
  );
}

/** Fails `config` where the table has been brought to another store. */
export function refuseMoved(database: Database.Database, file: string): void {
  const to = movedTo(database);
  if (to !== undefined) throw movedFailure('the delegation table', file, to);
}

export interface GuardedDatabase {
  /** For whoever only needs to prepare and close, as Kysely does: each statement runs on a schema that was looked at. */
  readonly database: Pick<Database.Database, 'prepare' | 'close'>;
  /** How the rules differ from the release, as far as that lets the table be read. Fails `config` where it doesn't. */
  differences(): readonly Difference[];
  /** Looks at the text itself, also where its number hasn't moved. */
  lookAgain(): readonly Difference[];
}

/**
 * Looks at the schema before each statement, in the statement's own snapshot: a view in a table's place is never evaluated, so it can't
 * keep us for ever. Costs the reading of one number.
 */
export function guardSchema(
  database: Database.Database,
  file: string,
  { migrations, schema }: { readonly migrations: readonly string[]; readonly schema: string },
): GuardedDatabase {
  const number = database.prepare('PRAGMA schema_version').pluck();
  const [begin, beginWriting, commit, rollback] = ['BEGIN', 'BEGIN IMMEDIATE', 'COMMIT', 'ROLLBACK'].map((sql) =>
    database.prepare(sql),
  ) as [Database.Statement, Database.Statement, Database.Statement, Database.Statement];
  let seen: unknown;
  let found: readonly Difference[] = [];

  const compare = () => {
    refuseMoved(database, file);
    found = schemaDigest(database) === schema ? [] : differences(database, migrations);
  };
  const look = (): readonly Difference[] => {
    const now = number.get();
    if (now !== seen) {
      compare();
      seen = now;
    }
    if (found.some(({ bars }) => bars)) throw barred(found, file);
    return found;
  };
  /** Where it can't be read just now, as at the last look: each statement looks itself. */
  const unlessBusy = (work: () => readonly Difference[]): readonly Difference[] => {
    try {
      return work();
    } catch (error) {
      if (seen === undefined || !isBusy(error)) throw error;
      return found;
    }
  };
  const inOneSnapshot = <T>(start: Database.Statement, work: () => T): T => {
    start.run();
    try {
      look();
      const result = work();
      commit.run();
      return result;
    } catch (error) {
      if (database.inTransaction) rollback.run();
      throw error;
    }
  };
  const run = <T>(reads: boolean, work: () => T): T => {
    if (!database.inTransaction) return inOneSnapshot(reads ? begin : beginWriting, work);
    look();
    return work();
  };

  const prepare = (sql: string) => {
    // Reads nothing; and what has been refused within a transaction must be able to leave it.
    if (/^\s*(?:BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|PRAGMA)\b/i.test(sql)) return database.prepare(sql);
    look(); // a table that has become a view couldn't even be prepared to be written
    const statement = database.prepare(sql);
    const guarded = {
      reader: statement.reader,
      readonly: statement.readonly,
      all: (...values: unknown[]) => run(statement.readonly, () => statement.all(...values)),
      get: (...values: unknown[]) => run(statement.readonly, () => statement.get(...values)),
      run: (...values: unknown[]) => run(statement.readonly, () => statement.run(...values)),
      iterate: (...values: unknown[]) => {
        look();
        return statement.iterate(...values);
      },
      pluck: () => {
        statement.pluck();
        return guarded;
      },
    };
    return guarded;
  };
  return {
    database: { prepare: prepare as unknown as Database.Database['prepare'], close: () => database.close() },
    differences: () => unlessBusy(look),
    lookAgain: () =>
      unlessBusy(() => {
        compare();
        return look();
      }),
  };
}
