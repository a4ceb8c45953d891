/** The rows of databases in files, for a copy: read by plain SELECTs on the tables themselves, written into drafts that nobody else knows of. */
import type Database from 'better-sqlite3';
import { SUBMISSIONS } from '../store/databases.ts';
import type { FileKind } from '../store/files/open.ts';
import {
  type Column,
  columnList,
  type Destination,
  type Range,
  type Room,
  type Row,
  type Source,
  type Table,
  within,
} from './tables.ts';

export interface RoomFile {
  readonly room: Room;
  readonly file: string;
  readonly kind: FileKind;
}

export interface OpenRoom extends RoomFile {
  readonly database: Database.Database;
}

const HERE = new Map([['submissions.file', 'submissions.epoch']]);

interface ColumnRow {
  readonly name: string;
  readonly type: string;
  readonly pk: number;
}

export function tablesIn(rooms: readonly OpenRoom[]): readonly Table[] {
  return rooms.flatMap(({ room, database }) =>
    tableNames(database).map((name): Table => {
      const columns = database.pragma(`table_info("${name}")`) as ColumnRow[];
      const column = (one: ColumnRow): Column => ({ name: one.name, text: one.type === 'TEXT' });
      const key = columns.filter(({ pk }) => pk > 0).sort((a, b) => a.pk - b.pk);
      const called = `${room}.${name}`;
      return {
        name: HERE.get(called) ?? called,
        at: `"${name}"`,
        columns: columns.map(column).sort((a, b) => (a.name < b.name ? -1 : 1)),
        key: key.map(column),
      };
    }),
  );
}

const tableNames = (database: Database.Database) =>
  database
    .prepare<[], string>(
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name",
    )
    .pluck()
    .all();

/** Of what these connections see now. */
export function filesSource(rooms: readonly OpenRoom[]): Source {
  const at = ({ name }: Table) => databaseOf(rooms, name);
  const statements = new Map<string, Database.Statement>();
  const prepared = (table: Table, sql: string) => {
    const known = `${table.name} ${sql}`;
    const statement = statements.get(known) ?? at(table).prepare(sql).raw();
    statements.set(known, statement);
    return statement;
  };
  return {
    read: async (table, range, most) => {
      const order = table.key.map(({ name }) => `"${name}"`).join(', ');
      const sql = `SELECT ${columnList(table)} FROM ${table.at}${within(table, range, () => '?')}${order === '' ? '' : ` ORDER BY ${order}`} LIMIT ?`;
      return prepared(table, sql).all(...valuesOf(range), most) as Row[];
    },
    count: async (table) => at(table).prepare(`SELECT count(*) FROM ${table.at}`).pluck().get() as number,
    numbers: async () => new Map(rooms.flatMap(({ room, database }) => [...numbersIn(room, database)])),
  };
}

/** Of what each has ever given, where SQLite keeps that; else of what is there. */
function numbersIn(room: Room, database: Database.Database): ReadonlyMap<string, number> {
  const given = database.prepare<[], [string, number]>('SELECT name, seq FROM sqlite_sequence').raw().all();
  const found = new Map(given.map(([name, seq]) => [`${room}.${name}`, seq]));
  for (const name of tableNames(database)) {
    const columns = database.pragma(`table_info("${name}")`) as ColumnRow[];
    const key = columns.filter(({ pk }) => pk > 0);
    if (key.length !== 1 || key[0]?.name !== 'id' || key[0].type !== 'INTEGER') continue;
    const highest = database.prepare(`SELECT COALESCE(max(id), 0) FROM "${name}"`).pluck().get() as number;
    found.set(`${room}.${name}`, Math.max(highest, found.get(`${room}.${name}`) ?? 0));
  }
  return found;
}

const valuesOf = ({ after, upTo }: Range) => [...(after ?? []), ...(upTo ?? [])];

function databaseOf(rooms: readonly OpenRoom[], name: string): Database.Database {
  const [room] = name.split('.');
  const found = rooms.find((one) => one.room === room);
  if (found === undefined) throw new Error(`no room ${room}`);
  return found.database;
}

/** Into drafts, whose triggers are away while they are filled. */
export function filesDestination(rooms: readonly OpenRoom[]): Destination {
  const at = ({ name }: Table) => databaseOf(rooms, name);
  return {
    ...filesSource(rooms),
    tables: tablesIn(rooms),
    fit: (_, row) => row,
    clear: async (table, ranges) => {
      const database = at(table);
      database.transaction(() => {
        for (const range of ranges)
          database.prepare(`DELETE FROM ${table.at}${within(table, range, () => '?')}`).run(...valuesOf(range));
      })();
    },
    insert: async (table, rows) => {
      const database = at(table);
      const marks = table.columns.map(() => '?').join(', ');
      const insert = database.prepare(`INSERT INTO ${table.at} (${columnList(table)}) VALUES (${marks})`);
      database.transaction(() => {
        for (const row of rows) insert.run(...row);
      })();
    },
    setNumbers: async (numbers) => {
      for (const { room, database } of rooms) {
        const kept = database.prepare<[], string>(
          "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql LIKE '%AUTOINCREMENT%'",
        );
        for (const name of kept.pluck().all()) {
          const seq = numbers.get(`${room}.${name}`);
          if (seq === undefined) continue;
          database.prepare('DELETE FROM sqlite_sequence WHERE name = ?').run(name);
          // What has never given a number has no row.
          if (seq > 0) database.prepare('INSERT INTO sqlite_sequence (name, seq) VALUES (?, ?)').run(name, seq);
        }
      }
    },
  };
}

export const isSubmissions = ({ kind }: RoomFile) => kind === SUBMISSIONS;
