/** The rows of a store in PostgreSQL, for a copy: of the schemas that stand there, or of drafts that have other names until they are whole. */
import type { Client } from 'pg';
import { Failure } from '../shared/failure.ts';
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

/** Names of the two schemas. */
export interface Schemas {
  readonly table: string;
  readonly state: string;
}

/** submission.db has no schema of its own there. */
const OF_SUBMISSIONS = new Map([
  ['submission_epoch', 'epoch'],
  ['submission_events', 'events'],
  ['copies', 'copies'],
]);

function called(schemas: Schemas, schema: string, name: string): string {
  const submissions = schema === schemas.state ? OF_SUBMISSIONS.get(name) : undefined;
  if (submissions !== undefined) return `submissions.${submissions}`;
  const room: Room = schema === schemas.table ? 'table' : 'state';
  return `${room}.${name}`;
}

const COLUMNS = `SELECT n.nspname AS schema, c.relname AS table, a.attname AS name, format_type(a.atttypid, a.atttypmod) = 'text' AS text,
    COALESCE(array_position(string_to_array(i.indkey::text, ' ')::int2[], a.attnum), 0) AS key, pg_get_serial_sequence(format('%I.%I', n.nspname, c.relname), a.attname) AS sequence
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
  WHERE n.nspname IN ($1, $2) AND c.relkind = 'r' ORDER BY n.nspname, c.relname, a.attname COLLATE "C"`;

interface ColumnRow {
  readonly schema: string;
  readonly table: string;
  readonly name: string;
  readonly text: number;
  /** 1 and more, from the first; 0: not in it. */
  readonly key: number;
  readonly sequence: string | null;
}

async function columnsIn(client: Client, { table, state }: Schemas): Promise<readonly ColumnRow[]> {
  return (await client.query<ColumnRow>(COLUMNS, [table, state])).rows;
}

export async function tablesThere(client: Client, schemas: Schemas): Promise<readonly Table[]> {
  const rows = await columnsIn(client, schemas);
  const names = [...new Map(rows.map(({ schema, table }) => [`${schema}.${table}`, { schema, table }])).values()];
  return names.map(({ schema, table }): Table => {
    const mine = rows.filter((one) => one.schema === schema && one.table === table);
    const column = ({ name, text }: ColumnRow): Column => ({ name, text: text === 1 });
    return {
      name: called(schemas, schema, table),
      at: `"${schema}"."${table}"`,
      columns: mine.map(column).sort((a, b) => (a.name < b.name ? -1 : 1)),
      key: mine
        .filter(({ key }) => key > 0)
        .sort((a, b) => a.key - b.key)
        .map(column),
    };
  });
}

/** Of what this connection sees now: within a transaction, of one moment. */
export function postgresSource(client: Client, schemas: Schemas): Source {
  return {
    read: async (table, range, most) => {
      // By octets, as SQLite sorts, whatever the database's language.
      const order = table.key.map(({ name, text }) => `"${name}"${text ? ' COLLATE "C"' : ''}`).join(', ');
      const text = `SELECT ${columnList(table)} FROM ${table.at}${marked(table, range)}${order === '' ? '' : ` ORDER BY ${order}`} LIMIT ${most}`;
      return (await client.query<Value[]>({ text, values: valuesOf(range), rowMode: 'array' })).rows;
    },
    count: async ({ at }) =>
      (await client.query<{ count: number }>(`SELECT count(*) AS count FROM ${at}`)).rows[0]?.count ?? 0,
    numbers: async () => {
      const found = new Map<string, number>();
      for (const { schema, table, name, sequence } of await columnsIn(client, schemas)) {
        if (sequence === null) continue;
        const { rows } = await client.query<{ last: number }>(
          `SELECT greatest(CASE WHEN is_called THEN last_value ELSE 0 END, (SELECT COALESCE(max("${name}"), 0) FROM "${schema}"."${table}")) AS last FROM ${sequence}`,
        );
        found.set(called(schemas, schema, table), rows[0]?.last ?? 0);
      }
      return found;
    },
  };
}

type Value = string | number | null;

const valuesOf = ({ after, upTo }: Range) => [...(after ?? []), ...(upTo ?? [])];

function marked(table: Table, range: Range): string {
  let at = 0;
  return within(table, range, ({ text }) => `$${++at}::${text ? 'text' : 'bigint'}`);
}

/** Into a draft, whose triggers are off while it is filled. */
export async function postgresDestination(client: Client, schemas: Schemas): Promise<Destination> {
  return {
    ...postgresSource(client, schemas),
    tables: await tablesThere(client, schemas),
    fit: withoutNul,
    clear: async (table, ranges) => {
      await client.query('BEGIN');
      try {
        for (const range of ranges)
          await client.query({ text: `DELETE FROM ${table.at}${marked(table, range)}`, values: valuesOf(range) });
        await client.query('COMMIT');
      } catch (error) {
        await client.query('ROLLBACK').catch(() => {});
        throw error;
      }
    },
    insert: async (table, rows) => {
      if (rows.length === 0) return;
      const arrays = table.columns.map(({ text }, at) => `$${at + 1}::${text ? 'text' : 'bigint'}[]`).join(', ');
      await client.query({
        text: `INSERT INTO ${table.at} (${columnList(table)}) OVERRIDING SYSTEM VALUE SELECT * FROM unnest(${arrays})`,
        values: table.columns.map((_, at) => rows.map((row) => row[at] ?? null)),
      });
    },
    setNumbers: async (numbers) => {
      for (const { schema, table, sequence } of await columnsIn(client, schemas)) {
        const last = numbers.get(called(schemas, schema, table));
        if (sequence === null || last === undefined) continue;
        await client.query('SELECT setval($1, $2, $3)', [sequence, Math.max(1, last), last > 0]);
      }
    },
  };
}

/** Its text can't hold U+0000, which SQLite's can: it goes there as U+FFFD, as all that is written there does. What is sealed can't go as another text. */
function withoutNul({ name, key, columns }: Table, row: Row): Row {
  if (!row.some((value) => typeof value === 'string' && value.includes('\0'))) return row;
  const first = row[columns.findIndex((column) => column.name === key[0]?.name)];
  if (name === 'state.audit' || name === 'state.audit_checkpoints' || key.some(({ text }) => text)) {
    throw new Failure(
      'config',
      `${name} has a text with U+0000 in it (${key[0]?.name} ${JSON.stringify(first)}), which PostgreSQL can't hold, and which must not become another`,
      name.startsWith('state.audit')
        ? 'nothing was changed: "mandat audit export" keeps a copy of the trail; it can move once that entry has been pruned ([audit] retention_days)'
        : 'nothing was changed: delete that row first',
    );
  }
  return row.map((value) => (typeof value === 'string' ? value.replaceAll('\0', '\uFFFD') : value));
}
