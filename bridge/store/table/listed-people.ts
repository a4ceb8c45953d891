/** Whom the directory lists, and under which name: looked up after each import, and when somebody is added. R5, R27, R52. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Selectable, sql } from 'kysely';
import { PORTION_ROWS, portion } from '../../shared/portions.ts';
import { noteAccount } from './account-events.ts';
import type { DelegationDb, Writer } from './delegation-db.ts';
import type { DelegationDatabase, Query } from './delegation-types.ts';

/** A column of 1, 0 or null: yes, no, never asked. */
export function known(column: number | null): boolean | null {
  return column === null ? null : column === 1;
}

/** Every identifier in the table, delegates' and owners'. */
export async function identifiersInUse(db: DelegationDb): Promise<readonly string[]> {
  const delegates = await db.query.selectFrom('delegates').select('identifier').execute();
  const owners = await db.query.selectFrom('mailboxes').select('owner').where('owner', 'is not', null).execute();
  return [
    ...new Set([...delegates.map(({ identifier }) => identifier), ...owners.flatMap(({ owner }) => owner ?? [])]),
  ];
}

/** Whether one of these delegates, or the owner of one of these mailboxes, was never looked up: another program has written them. */
export async function anyNeverAsked(
  db: DelegationDb,
  { delegates, mailboxes }: { readonly delegates: readonly string[]; readonly mailboxes: readonly string[] },
): Promise<boolean> {
  const delegate = await db.query
    .selectFrom('delegates')
    .select('id')
    .where('identifier', 'in', delegates)
    .where('listed', 'is', null)
    .executeTakeFirst();
  if (delegate !== undefined) return true;
  const owner = await db.query
    .selectFrom('mailboxes')
    .select('id')
    .where('address', 'in', mailboxes)
    .where('owner', 'is not', null)
    .where('owner_listed', 'is', null)
    .executeTakeFirst();
  return owner !== undefined;
}

export interface ListedChange {
  readonly identifier: string;
  readonly listed: boolean;
}

export interface Noted {
  readonly listed: readonly ListedChange[];
  /** Delegates whose name or profession is another than it was. */
  readonly renamed: readonly string[];
}

/** What the directory says of a person. */
interface Published {
  readonly firstName: string;
  readonly lastName: string;
  readonly profession: string | null;
}

/**
 * Notes whom the directory lists now, what depends on it is suspended or resumed by itself; and takes over delegates' names and
 * professions, which come from there only. Identifiers of another scheme are nobody the directory could know. Returns what has changed.
 *
 * In portions, with a pause behind each, so that whoever else writes to the table waits for none of it. What is broken off, or taken by a
 * power cut, is made up for by the next import, which looks at everybody again: `db` need not wait for the disk.
 */
export async function noteListed(
  db: DelegationDb,
  writer: Writer,
  find: (identifier: string) => Published | undefined,
): Promise<Noted> {
  const changes = new Map<string, boolean>();
  const renamed: string[] = [];
  const judge = (identifier: string, before: number | null) => {
    const listed = /^8\d{11}$/.test(identifier) ? find(identifier) !== undefined : null;
    if (listed !== known(before) && listed !== null) changes.set(identifier, listed);
    return listed === null ? null : Number(listed);
  };
  for await (const rows of pagesOf(db, 'delegates')) {
    const differ = rows.flatMap((row) => {
      const listed = judge(row.identifier, row.listed);
      const names = listed === 1 ? differing(row, find(row.identifier)) : {};
      return listed === row.listed && Object.keys(names).length === 0 ? [] : [{ row, listed, names }];
    });
    const written = await writeInPortions(
      db,
      writer,
      differ,
      async (query, { row: { id, identifier }, listed, names }) => {
        const { numUpdatedRows } = await query
          .updateTable('delegates')
          .set({ listed, ...names })
          .where('id', '=', id)
          .where('identifier', '=', identifier)
          .executeTakeFirst();
        if (Object.keys(names).length === 0 || numUpdatedRows === 0n) return undefined;
        await noteAccount(query, identifier, 'account-identity', { changed: Object.keys(names).join(', ') });
        return identifier;
      },
    );
    renamed.push(...written.filter((identifier) => identifier !== undefined));
  }
  for await (const rows of pagesOf(db, 'mailboxes')) {
    const differ = rows.flatMap(({ id, owner, owner_listed }) => {
      const now = owner === null ? null : judge(owner, owner_listed);
      return now === owner_listed ? [] : [{ id, owner, now }];
    });
    await writeInPortions(db, writer, differ, (query, { id, owner, now }) =>
      query
        .updateTable('mailboxes')
        .set({ owner_listed: now })
        .where('id', '=', id)
        .where('owner', owner === null ? 'is' : '=', owner)
        .execute(),
    );
  }
  return { listed: [...changes].map(([identifier, listed]) => ({ identifier, listed })), renamed };
}

/** Read without holding anything back, by their ids. */
async function* pagesOf<Table extends 'delegates' | 'mailboxes'>(
  db: DelegationDb,
  table: Table,
): AsyncGenerator<readonly Selectable<DelegationDatabase[Table]>[]> {
  for (let after = 0; ; ) {
    const { rows } = await sql<Selectable<DelegationDatabase[Table]> & { readonly id: number }>`
      SELECT * FROM ${sql.table(table)} WHERE id > ${after} ORDER BY id LIMIT ${PORTION_ROWS}`.execute(db.query);
    yield rows;
    after = rows.at(-1)?.id ?? after;
    if (rows.length < PORTION_ROWS) return;
  }
}

/** As long as others, who find the table held, wait between two attempts (busy.ts), and a little more. */
const PAUSE_MS = 30;

/** Returns what each write has returned. */
async function writeInPortions<T, R>(
  db: DelegationDb,
  writer: Writer,
  all: readonly T[],
  write: (query: Query, one: T) => Promise<R>,
): Promise<readonly R[]> {
  const done: R[] = [];
  for (; done.length < all.length; await delay(PAUSE_MS)) {
    const some = await db.write(writer, async (query) => {
      const written: R[] = [];
      const enough = portion();
      for (const one of all.slice(done.length)) {
        written.push(await write(query, one));
        if (enough()) break;
      }
      return written;
    });
    done.push(...some);
  }
  return done;
}

type Named = Readonly<Record<'first_name' | 'last_name' | 'profession', string | null>>;

/** The columns that the directory has otherwise. */
function differing(row: Named, person: Published | undefined): Partial<Named> {
  if (person === undefined) return {};
  const { firstName, lastName, profession } = person;
  const published: Named = { first_name: firstName, last_name: lastName, profession };
  const names = ['first_name', 'last_name', 'profession'] as const;
  return Object.fromEntries(
    names
      .filter((name) => published[name] !== null && row[name] !== published[name])
      .map((name) => [name, published[name]]),
  );
}
