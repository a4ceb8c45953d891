/** Whom the directory lists: looked up after each import, and when somebody is added. R5, R27. */
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

/**
 * Notes whom the directory lists now; what depends on it is suspended or resumed by itself. Identifiers of another scheme are nobody the
 * directory could know. Returns what has changed, in one transaction.
 */
export async function noteListed(
  db: DelegationDb,
  writer: Writer,
  lists: (identifier: string) => boolean,
): Promise<readonly ListedChange[]> {
  return db.write(writer, async (query) => {
    const changes = new Map<string, boolean>();
    const judge = (identifier: string, before: number | null) => {
      const listed = /^8\d{11}$/.test(identifier) ? lists(identifier) : null;
      if (listed !== known(before) && listed !== null) changes.set(identifier, listed);
      return listed === null ? null : Number(listed);
    };
    for (const { id, identifier, listed } of await query.selectFrom('delegates').selectAll().execute()) {
      const now = judge(identifier, listed);
      if (now !== listed) await query.updateTable('delegates').set({ listed: now }).where('id', '=', id).execute();
    }
    for (const { id, owner, owner_listed } of await query.selectFrom('mailboxes').selectAll().execute()) {
      const now = owner === null ? null : judge(owner, owner_listed);
      if (now !== owner_listed) {
        await query.updateTable('mailboxes').set({ owner_listed: now }).where('id', '=', id).execute();
      }
    }
    return [...changes].map(([identifier, listed]) => ({ identifier, listed }));
  });
}
