/** Mailboxes and their aliases as the command line manages them. R2, R26. */
import { Failure } from '../../shared/failure.ts';
import { grouped } from '../../shared/grouped.ts';
import { numbersOf } from '../dialect.ts';
import { inPages } from '../pages.ts';
import type { DelegationDb, Writer } from './delegation-db.ts';
import type { MailboxKind } from './delegation-types.ts';
import { known } from './listed-people.ts';
import { mustStand } from './undone-writes.ts';

export interface Mailbox {
  readonly id: number;
  readonly address: string;
  readonly login: string;
  /** The owner's identifier, where it is known. */
  readonly owner: string | null;
  /** Whether the directory lists them; null where it was never asked. */
  readonly ownerListed: boolean | null;
  readonly kind: MailboxKind;
  readonly eligible: boolean;
  readonly server: string;
  readonly aliases: readonly string[];
  readonly delegates: number;
}

export interface MailboxChange {
  readonly login?: string;
  readonly owner?: string | null;
  readonly ownerListed?: boolean | null;
  readonly kind?: MailboxKind;
  readonly eligible?: boolean;
  readonly address?: string;
  /** The mail server that it is on, by its [server] name. */
  readonly server?: string;
}

export async function addMailbox(
  db: DelegationDb,
  writer: Writer,
  address: string,
  given: MailboxChange,
): Promise<void> {
  await db.write(writer, async (query) => {
    await query
      .insertInto('mailbox')
      .values({
        address,
        login: given.login ?? null,
        owner: given.owner ?? null,
        kind: given.kind ?? null,
        eligible: given.eligible === undefined ? null : Number(given.eligible),
        server: given.server ?? db.server,
      })
      .execute();
    await noteOwner(query, address, given);
  });
}

/** Apart from the rest: a change of the owner forgets what was known of the one before. */
async function noteOwner(query: Query, address: string, { ownerListed }: MailboxChange): Promise<void> {
  if (ownerListed === undefined || ownerListed === null) return;
  const owner_listed = Number(ownerListed);
  await query.updateTable('mailboxes').set({ owner_listed }).where('address', '=', address).execute();
}

type Query = Parameters<Parameters<DelegationDb['write']>[1]>[0];

export async function listMailboxes(db: DelegationDb): Promise<readonly Mailbox[]> {
  return select(db);
}

/** The same, some hundred at a time. */
export function mailboxPages(db: DelegationDb): AsyncGenerator<readonly Mailbox[]> {
  return inPages(
    (after, most) => select(db, { after, most }),
    ({ address }) => address,
    '',
  );
}

/** Fails `absent` when there is none. */
export async function mailboxAt(db: DelegationDb, address: string): Promise<Mailbox> {
  const [found] = await select(db, address);
  if (found === undefined) throw noSuchMailbox(address);
  return found;
}

export async function isMailbox(db: DelegationDb, address: string): Promise<boolean> {
  return (await select(db, address)).length > 0;
}

async function select(
  db: DelegationDb,
  which?: string | { readonly after: string; readonly most: number },
): Promise<readonly Mailbox[]> {
  const address = typeof which === 'string' ? which : undefined;
  const page = typeof which === 'object' ? which : undefined;
  return db.read(async (query) => {
    const mailboxes = await query
      .selectFrom('mailboxes')
      .selectAll()
      .$if(address !== undefined, (only) => only.where('address', '=', address ?? ''))
      .$if(page !== undefined, (some) => some.where('address', '>', page?.after ?? '').limit(page?.most ?? 0))
      .orderBy('address')
      .execute();
    const some =
      which === undefined
        ? undefined
        : numbersOf(
            query,
            mailboxes.map(({ id }) => id),
          );
    const aliases = await query
      .selectFrom('aliases')
      .selectAll()
      .$if(some !== undefined, (rows) => (some === undefined ? rows : rows.where('mailbox_id', 'in', some)))
      .orderBy('address')
      .execute();
    const counts = await query
      .selectFrom('delegations')
      .select(({ fn }) => ['mailbox_id', fn.countAll<number>().as('count')])
      .$if(some !== undefined, (rows) => (some === undefined ? rows : rows.where('mailbox_id', 'in', some)))
      .groupBy('mailbox_id')
      .execute();
    const aliasesOf = grouped(aliases, (alias) => alias.mailbox_id);
    const countOf = new Map(counts.map(({ mailbox_id, count }) => [mailbox_id, count]));
    return mailboxes.map(({ owner_listed, ...row }) => ({
      ...row,
      ownerListed: known(owner_listed),
      eligible: row.eligible === 1,
      aliases: (aliasesOf.get(row.id) ?? []).map(({ address: alias }) => alias),
      delegates: countOf.get(row.id) ?? 0,
    }));
  });
}

const placeOf = (value: string) => ({ table: 'mailboxes', column: 'address', value }) as const;

export async function setMailbox(
  db: DelegationDb,
  writer: Writer,
  address: string,
  change: MailboxChange,
): Promise<void> {
  const { eligible, ownerListed: _, ...rest } = change;
  const changed = await db.write(writer, async (query) => {
    if (rest.server !== undefined) await letGo(query, address, rest.server);
    const written = { ...rest, ...(eligible === undefined ? {} : { eligible: Number(eligible) }) };
    const result = await query.updateTable('mailboxes').set(written).where('address', '=', address).executeTakeFirst();
    if (result.numUpdatedRows > 0n) await mustStand(query, placeOf(rest.address ?? address), written);
    await noteOwner(query, rest.address ?? address, change);
    return result;
  });
  if (changed.numUpdatedRows === 0n) throw noSuchMailbox(address);
}

/** What a move takes from the server that is left is asked for by name: the guard holds none of it back. */
async function letGo(query: Query, address: string, to: string): Promise<void> {
  const at = new Date().toISOString();
  const leaving = await query
    .selectFrom('delegations as g')
    .innerJoin('mailboxes as m', 'm.id', 'g.mailbox_id')
    .select(['g.mailbox_id', 'g.delegate_id'])
    .where('m.address', '=', address)
    .where('m.server', '<>', to)
    .execute();
  for (const pair of leaving)
    await query
      .insertInto('intents')
      .values({ ...pair, at })
      .onConflict((conflict) => conflict.doNothing())
      .execute();
}

export async function removeMailbox(db: DelegationDb, writer: Writer, address: string): Promise<void> {
  const removed = await db.write(writer, async (query) => {
    const result = await query.deleteFrom('mailboxes').where('address', '=', address).executeTakeFirst();
    await mustStand(query, placeOf(address), 'gone');
    return result;
  });
  if (removed.numDeletedRows === 0n) throw noSuchMailbox(address);
}

export async function addAlias(db: DelegationDb, writer: Writer, mailbox: string, alias: string): Promise<void> {
  await db.write(writer, (query) => query.insertInto('alias').values({ address: alias, mailbox }).execute());
}

export async function removeAlias(db: DelegationDb, writer: Writer, mailbox: string, alias: string): Promise<void> {
  const { id } = await mailboxAt(db, mailbox);
  const removed = await db.write(writer, async (query) => {
    const gone = query.deleteFrom('aliases').where('address', '=', alias).where('mailbox_id', '=', id);
    const result = await gone.executeTakeFirst();
    if (result.numDeletedRows > 0n)
      await mustStand(query, { table: 'aliases', column: 'address', value: alias }, 'gone');
    return result;
  });
  if (removed.numDeletedRows === 0n) {
    throw new Failure(
      'absent',
      `${alias} is not an alias of ${mailbox}`,
      `"mandat mailbox show ${mailbox}" lists them`,
    );
  }
}

export function noSuchMailbox(address: string): Failure {
  return new Failure(
    'absent',
    `no such mailbox: ${address}`,
    `"mandat mailbox list" shows those there are, "mandat mailbox add ${address}" adds it`,
    { rule: 'MANDAT_UNKNOWN_MAILBOX', about: address },
  );
}
