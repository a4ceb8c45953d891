/** Both kinds of store have the same tables, columns, keys and indexes; and each table of either comes along in a copy, or is named as one that doesn't. */
import Database from 'better-sqlite3';
import t from 'tap';
import { tablesIn } from '../../bridge/moving/in-files.ts';
import { tablesThere } from '../../bridge/moving/in-postgres.ts';
import { LEFT_OUT, paired, type Table } from '../../bridge/moving/tables.ts';
import { DELEGATIONS, STATE, SUBMISSIONS } from '../../bridge/store/databases.ts';
import { postgresClient } from '../../bridge/store/postgres/connection.ts';
import { STATE_SCHEMA, TABLE_SCHEMA } from '../../bridge/store/postgres/schema-names.ts';
import { madeDatabase } from '../store/on-postgresql.ts';

const rooms = (
  [
    ['table', DELEGATIONS],
    ['state', STATE],
    ['submissions', SUBMISSIONS],
  ] as const
).map(([room, kind]) => {
  const database = new Database(':memory:');
  for (const script of kind.migrations) database.exec(script);
  return { room, kind, file: '', database };
});
const client = await postgresClient(await madeDatabase(), { schemas: [TABLE_SCHEMA] });
await client.connect();
t.teardown(() => client.end());
const SCHEMAS = { table: TABLE_SCHEMA, state: STATE_SCHEMA };
const [files, postgres] = [tablesIn(rooms), await tablesThere(client, SCHEMAS)];

const names = (tables: readonly Table[]) =>
  tables.map(({ name }) => name).filter((name) => LEFT_OUT[name] === undefined);

t.test('every table of either kind is copied, or named as one that is not', async (t) => {
  t.same([...names(files)].sort(), [...names(postgres)].sort());
  t.equal(paired(files, postgres).pairs.length, names(files).length);
  t.same(paired(postgres, files).others, []);
});

t.test('a table or a column that the other side lacks is never left out without a word', async (t) => {
  const [first, ...others] = files.filter(({ name }) => LEFT_OUT[name] === undefined);
  t.throws(() => paired(others, postgres), new RegExp(first?.name ?? ''));
  const less = files.map((one) => (one.name === 'state.ledger' ? { ...one, columns: one.columns.slice(1) } : one));
  t.throws(() => paired(less, postgres), /state\.ledger/);
  t.same(paired([...files, { name: 'table.notes', at: '"notes"', columns: [], key: [] }], postgres).others, [
    '"notes"',
  ]);
});

/** By what they are asked with: columns, and which rows. The two kinds have words of their own for a part of a text; in SQLite
 * each index ends with the row's id, and the delegates whose account is pending are found by their rows. */
t.test('every index of the one kind has its like in the other', async (t) => {
  const plain = (sql: string) =>
    sql
      .replaceAll(/instr\(([^)]*)\)/g, 'strpos($1)')
      .replaceAll(/::text|COLLATE "C"|, id(?=\))|\s|"|[()]/g, '')
      .toLowerCase();
  const inFiles = rooms.flatMap(({ room, database }) =>
    database
      .prepare<[], { name: string; tbl_name: string; sql: string }>(
        "SELECT name, tbl_name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL",
      )
      .all()
      .map(({ name, sql }) => `${room === 'table' ? 'table' : 'own'} ${name} ${plain(sql.replace(/^.* ON \w+ /, ''))}`),
  );
  const { rows } = await client.query<{ schema: string; name: string; made: string }>(
    `SELECT n.nspname AS schema, c.relname AS name, pg_get_indexdef(i.indexrelid) AS made FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
      JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname IN ($1, $2)
      AND NOT EXISTS (SELECT 1 FROM pg_constraint k WHERE k.conindid = i.indexrelid)`,
    [TABLE_SCHEMA, STATE_SCHEMA],
  );
  const there = rows
    .filter(({ name }) => !/workers/.test(name))
    .map(
      ({ schema, name, made }) =>
        `${schema === TABLE_SCHEMA ? 'table' : 'own'} ${name} ${plain(made.replace(/^.* USING btree /, ''))}`,
    );
  t.same(there.filter((one) => !one.includes('table delegates_pending')).sort(), inFiles.sort());
});
