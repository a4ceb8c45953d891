/** Stores with anything in them that their columns can hold, whatever the rules would say of it: a copy is of rows, not of sense. */
import Database from 'better-sqlite3';
import type { DataFiles } from '../../bridge/store/files/data-files.ts';
import { openStateDb } from '../../bridge/store/state/state-db.ts';
import { appendAudit, ownEntry, sealKey } from '../../bridge/store/trail/sealing.ts';

/** Texts on which two databases might not agree: in their order, or in how they are written. */
const TEXTS = [
  '',
  ' ',
  'a',
  'B',
  'b',
  'Z',
  'é',
  'É',
  'ß',
  '中',
  '\u{1F600}',
  "'",
  '"',
  '\\',
  '\\N',
  '{}',
  '{a,b}',
  'NULL',
  'null',
  '\n',
  '\t',
  '-',
  '_',
  '2026-11-29T10:00:00.000Z',
  '%',
];

const OF_COLUMN: Readonly<Record<string, readonly (string | number)[]>> = {
  // Of one mail server: of several nothing goes into files (others-of-site.ts).
  'mailboxes.server': ['main'],
  'ledger.server': ['main'],
  'ledger.phase': ['granting', 'in-force', 'verified', 'revoking'],
  'outbox.state': ['waiting', 'sending', 'sent', 'failed', 'no-address'],
  'copies.state': ['waiting', 'stored', 'failed'],
  language: ['fr', 'en'],
  asked_language: ['fr', 'en'],
  listed: [0, 1],
  owner_listed: [0, 1],
  eligible: [0, 1],
  suspended: [0, 1],
};

/** What the rest of the program reads as something. */
const LEFT = ['counters', 'writer', 'settings', 'facts', 'audit', 'audit_checkpoints', 'file', 'moved'];

interface Column {
  readonly name: string;
  readonly type: string;
  readonly notnull: number;
  readonly pk: number;
}

/** Some rows more in every table, some changed, some gone. */
export function scramble(files: DataFiles, random: () => number, most = 40): void {
  for (const file of [files.delegations, files.state, files.submissions]) {
    const database = new Database(file, { fileMustExist: true, timeout: 5000 });
    const triggers = database
      .prepare<[], { name: string; sql: string }>(
        "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY rowid",
      )
      .all();
    const tables = database
      .prepare<[], string>("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite%'")
      .pluck()
      .all();
    database
      .transaction(() => {
        for (const { name } of triggers) database.exec(`DROP TRIGGER "${name}"`);
        for (const table of tables.filter((name) => !LEFT.includes(name))) fill(database, table, random, most);
        for (const { sql } of triggers) database.exec(sql);
      })
      .immediate();
    database.close();
  }
}

function fill(database: Database.Database, table: string, random: () => number, most: number): void {
  const columns = database.pragma(`table_info("${table}")`) as Column[];
  const one = (of: readonly (string | number)[]) => of[Math.floor(random() * of.length)] ?? '';
  const value = ({ name, type, notnull, pk }: Column): string | number | null => {
    if (notnull === 0 && pk === 0 && random() < 0.3) return null;
    const known = OF_COLUMN[`${table}.${name}`] ?? OF_COLUMN[name];
    if (known !== undefined) return one(known);
    if (type === 'INTEGER') return Math.floor(random() * (random() < 0.1 ? 2 ** 52 : 1000));
    return `${one(TEXTS)}${random() < 0.8 ? Math.floor(random() * 1e6) : ''}${one(TEXTS)}`;
  };
  const names = columns.map(({ name }) => `"${name}"`).join(', ');
  const insert = database.prepare(
    `INSERT OR IGNORE INTO "${table}" (${names}) VALUES (${columns.map(() => '?').join(', ')})`,
  );
  const rows = Math.floor(random() * most);
  for (let at = 0; at < rows; at++) {
    const numbered = columns.find(({ name, type, pk }) => pk === 1 && name === 'id' && type === 'INTEGER');
    insert.run(...columns.map((column) => (column === numbered && random() < 0.9 ? null : value(column))));
  }
  const changed = columns.find(({ type, pk }) => type === 'TEXT' && pk === 0);
  const rowid =
    columns.some(({ pk }) => pk > 0) &&
    columns
      .filter(({ pk }) => pk > 0)
      .map(({ name }) => `"${name}"`)
      .join(', ');
  if (!rowid) return;
  database.exec(
    `DELETE FROM "${table}" WHERE (${rowid}) IN (SELECT ${rowid} FROM "${table}" ORDER BY random() LIMIT ${Math.floor(random() * 3)})`,
  );
  if (
    changed === undefined ||
    OF_COLUMN[changed.name] !== undefined ||
    OF_COLUMN[`${table}.${changed.name}`] !== undefined
  )
    return;
  database
    .prepare(
      `UPDATE OR IGNORE "${table}" SET "${changed.name}" = ? WHERE (${rowid}) IN (SELECT ${rowid} FROM "${table}" ORDER BY random() LIMIT 2)`,
    )
    .run(value({ ...changed, notnull: 1 }) ?? '');
}

/** The trail grows by so many entries, sealed. */
export async function seal(files: DataFiles, entries: number): Promise<void> {
  const key = sealKey(files.sealKey);
  const state = openStateDb(files.state);
  try {
    const line = { action: 'in-force', mailbox: 'é@x.test', delegate: 'b@x.test', detail: { text: 'É \n "' } };
    await appendAudit(
      state,
      key,
      Array.from({ length: entries }, (_, at) => ownEntry(new Date(at).toISOString(), line)),
    );
  } finally {
    await state.close();
  }
}

/** The same numbers for the same seed. Mulberry32, as everybody writes it. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
