/** Reading the trace: one access after the other, in pages, so that however many there are, a few hundred are in memory, and no reader stays open. */
import type Database from 'better-sqlite3';
import { Failure } from '../shared/failure.ts';
import type { Access } from './access.ts';
import { endOf, type Month, openMonths } from './month.ts';
import { KIND, nameReader } from './trace-names.ts';
import { type AccessRow, accessOf } from './trace-rows.ts';
import { SPAN_BITS } from './trace-writing.ts';

export interface TraceFilter {
  /** Mailboxes by their addresses then; undefined: all. */
  readonly mailbox?: string | undefined;
  /** Only of these owners, by identifier or login: what whoever reads may see. */
  readonly owners?: readonly string[] | undefined;
  /** By whom: an identifier or a login. */
  readonly person?: string | undefined;
  /** In ms; `until` itself isn't in it. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** Any of these; `refused`: what the server said no to, whatever it was. */
  readonly actions?: readonly string[] | undefined;
}

export interface KeptAccess extends Access {
  readonly id: number;
  readonly seal: string;
}

const PAGE = 500;

/** In the order in which they were written. Fails `config` where a file can't be read. */
export function* traced(directory: string, filter: TraceFilter): Generator<KeptAccess> {
  yield* inMonths(directory, filter, 'forward');
}

/** The last so many that match, in their order. */
export function lastTraced(directory: string, filter: TraceFilter, most: number): readonly KeptAccess[] {
  const found: KeptAccess[] = [];
  for (const access of inMonths(directory, filter, 'back')) {
    if (found.length >= most) break;
    found.push(access);
  }
  return found.reverse();
}

type Direction = 'forward' | 'back';

function* inMonths(directory: string, filter: TraceFilter, direction: Direction): Generator<KeptAccess> {
  const { months, unreadable } = openMonths(directory);
  try {
    const [broken] = unreadable;
    if (broken !== undefined)
      throw new Failure(
        'config',
        `${broken[0]} of the trace can't be read: ${broken[1]}`,
        '"mandat trace verify" says what else is wrong; put it back from a backup',
      );
    for (const month of direction === 'forward' ? months : [...months].reverse())
      yield* inMonth(month, filter, direction);
  } finally {
    for (const month of months) month.close();
  }
}

function* inMonth({ database }: Month, filter: TraceFilter, direction: Direction): Generator<KeptAccess> {
  const asked = conditions(database, filter);
  if (asked === undefined) return;
  const nameOf = nameReader(database);
  const page = pageOf(database, asked, direction);
  for (let at = direction === 'forward' ? 0 : Number.MAX_SAFE_INTEGER; ; ) {
    const rows = page(at);
    for (const row of rows) {
      at = row.id;
      const access = accessOf(row, nameOf);
      if (access === undefined) throw unreadableRow(row.id);
      yield { ...access, id: row.id, seal: row.seal.toString('hex') };
    }
    if (rows.length < PAGE) return;
  }
}

const unreadableRow = (id: number) =>
  new Failure(
    'config',
    `access ${id} of the trace names somebody who isn't there`,
    'the file was damaged or changed by hand: "mandat trace verify" says what else is wrong; put it back from a backup',
  );

interface Conditions {
  readonly where: readonly string[];
  readonly values: readonly unknown[];
  /** Rows are found by an index of this column, where only a few of its values are asked for. */
  readonly by: { readonly column: 'mailbox' | 'person'; readonly ids: readonly number[] } | undefined;
}

/** So many values are looked up in an index each; with more, all rows are read. */
const FEW = 40;

function pageOf(
  database: Database.Database,
  { where, values, by }: Conditions,
  direction: Direction,
): (behind: number) => readonly AccessRow[] {
  const [from, order] = direction === 'forward' ? ['id > @behind', 'ASC'] : ['id < @behind', 'DESC'];
  const behindIt = `ORDER BY id ${order} LIMIT ${PAGE}`;
  const select = (more: readonly string[]) =>
    `SELECT * FROM accesses WHERE ${[from, ...more, ...where].join(' AND ')} ${behindIt}`;
  const isIn = (ids: readonly number[]) => `(${ids.join(',')})`;
  const text =
    by === undefined
      ? select([])
      : by.ids.length > FEW
        ? select([`+${by.column} IN ${isIn(by.ids)}`])
        : `SELECT * FROM (${by.ids.map((id) => `SELECT * FROM (${select([`${by.column} = ${id}`])})`).join(' UNION ALL ')}) ${behindIt}`;
  const page = database.prepare<[Record<string, unknown>], AccessRow>(text);
  const named = Object.fromEntries(values.map((value, at) => [`v${at}`, value]));
  return (behind) => page.all({ behind, ...named });
}

/** Undefined: nothing in this file can match. */
function conditions(
  database: Database.Database,
  { mailbox, owners, person, since, until, actions }: TraceFilter,
): Conditions | undefined {
  const where: string[] = [];
  const values: unknown[] = [];
  const put = (value: unknown) => `@v${values.push(value) - 1}`;
  if (since !== undefined || until !== undefined) {
    const ids = idsBetween(database, since, until);
    if (ids === undefined) return undefined;
    where.push(`id BETWEEN ${put(ids[0])} AND ${put(ids[1])}`);
    where.push(`at >= ${put(since ?? 0)}`, `at < ${put(until ?? Number.MAX_SAFE_INTEGER)}`);
  }
  if (actions !== undefined) {
    const ids = actions.flatMap((word) => idsOfWord(database, word));
    const refused = actions.includes('refused') ? 'answer IS NOT NULL' : 'FALSE';
    where.push(`(action IN (SELECT value FROM json_each(${put(JSON.stringify(ids))})) OR ${refused})`);
  }
  const mailboxes = mailbox === undefined && owners === undefined ? undefined : mailboxIds(database, mailbox, owners);
  const people = person === undefined ? undefined : personIds(database, person);
  if (mailboxes?.length === 0 || people?.length === 0) return undefined;
  if (mailboxes !== undefined && people !== undefined)
    where.push(`+person IN (SELECT value FROM json_each(${put(JSON.stringify(people))}))`);
  const by =
    mailboxes !== undefined
      ? ({ column: 'mailbox', ids: mailboxes } as const)
      : people !== undefined
        ? ({ column: 'person', ids: people } as const)
        : undefined;
  return { where, values, by };
}

/** By the spans that the file keeps: no index on times, which would cost each access a tenth of its room. */
function idsBetween(
  database: Database.Database,
  since = 0,
  until = Number.MAX_SAFE_INTEGER,
): readonly [number, number] | undefined {
  const { oldest, newest } = endOf(database);
  if (oldest === null || newest === null || newest < since || oldest >= until) return undefined;
  const spans = database
    .prepare<[number, number], { first: number | null; last: number | null }>(
      'SELECT min(span) AS first, max(span) AS last FROM spans WHERE newest >= ? AND oldest < ?',
    )
    .get(since, until);
  if (spans === undefined || spans.first === null || spans.last === null) return undefined;
  return [spans.first * 2 ** SPAN_BITS, (spans.last + 1) * 2 ** SPAN_BITS - 1];
}

function idsOfWord(database: Database.Database, text: string): readonly number[] {
  return database
    .prepare('SELECT id FROM names WHERE kind = ? AND kind <> 5 AND text = ?')
    .pluck()
    .all(KIND.word, text) as number[];
}

function mailboxIds(
  database: Database.Database,
  address: string | undefined,
  owners: readonly string[] | undefined,
): readonly number[] {
  return database
    .prepare(
      `SELECT m.id FROM names m LEFT JOIN names o ON o.id = m.a WHERE m.kind = 3
        AND (@address IS NULL OR m.text = @address) AND (@owners IS NULL OR o.text IN (SELECT value FROM json_each(@owners)))`,
    )
    .pluck()
    .all({ address: address ?? null, owners: owners === undefined ? null : JSON.stringify(owners) }) as number[];
}

function personIds(database: Database.Database, person: string): readonly number[] {
  return database
    .prepare(
      'SELECT p.id FROM names p LEFT JOIN names i ON i.id = p.a WHERE p.kind = 2 AND (p.text = @person OR i.text = @person)',
    )
    .pluck()
    .all({ person }) as number[];
}
