/** Whom the directory lists, and under which name: looked up after each import, and when somebody is added. R5, R27, R52. */
import { noteAccount } from './account-events.ts';
import type { DelegationDb, Writer } from './delegation-db.ts';

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

/** Whether one of these delegates, or the owner of one of these mailboxes, was never looked up: another program has written him. */
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
 * professions, which come from there only. Identifiers of another scheme are nobody the directory could know. Returns what has changed,
 * in one transaction.
 */
export async function noteListed(
  db: DelegationDb,
  writer: Writer,
  find: (identifier: string) => Published | undefined,
): Promise<Noted> {
  return db.write(writer, async (query) => {
    const changes = new Map<string, boolean>();
    const renamed: string[] = [];
    const judge = (identifier: string, before: number | null) => {
      const listed = /^8\d{11}$/.test(identifier) ? find(identifier) !== undefined : null;
      if (listed !== known(before) && listed !== null) changes.set(identifier, listed);
      return listed === null ? null : Number(listed);
    };
    for (const row of await query.selectFrom('delegates').selectAll().execute()) {
      const { id, identifier } = row;
      const listed = judge(identifier, row.listed);
      const names = listed === 1 ? differing(row, find(identifier)) : {};
      if (listed === row.listed && Object.keys(names).length === 0) continue;
      await query
        .updateTable('delegates')
        .set({ listed, ...names })
        .where('id', '=', id)
        .execute();
      if (Object.keys(names).length === 0) continue;
      renamed.push(identifier);
      await noteAccount(query, identifier, 'account-identity', { changed: Object.keys(names).join(', ') });
    }
    for (const { id, owner, owner_listed } of await query.selectFrom('mailboxes').selectAll().execute()) {
      const now = owner === null ? null : judge(owner, owner_listed);
      if (now !== owner_listed) {
        await query.updateTable('mailboxes').set({ owner_listed: now }).where('id', '=', id).execute();
      }
    }
    return { listed: [...changes].map(([identifier, listed]) => ({ identifier, listed })), renamed };
  });
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
