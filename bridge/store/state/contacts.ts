/** Where notices go. Contact addresses are personal data: they stand in state.db alone, never in the shared table, a log or a header. R42. */
import type { DelegationDb } from '../table/delegation-db.ts';
import type { Language, StateDb } from './state-db.ts';

export interface Contact {
  readonly address: string;
  /** Null: they have chosen none. */
  readonly language: Language | null;
}

/** What the table says of a delegate, as far as it leads to an address. */
export interface Reachable {
  readonly delegateId: number;
  readonly identifier: string;
  readonly login: string;
}

/** The second address of a mailbox's owner, outside the mailbox. `address` null: none, but they may have chosen a language. */
export interface OwnerContact {
  readonly address: string | null;
  readonly language: Language | null;
}

export async function ownerContact(state: Pick<StateDb, 'query'>, mailboxId: number): Promise<OwnerContact> {
  const row = await state.query
    .selectFrom('owner_contacts')
    .selectAll()
    .where('mailbox_id', '=', mailboxId)
    .executeTakeFirst();
  return { address: row?.contact ?? null, language: row?.language ?? null };
}

export async function setOwnerContact(
  state: Pick<StateDb, 'query'>,
  mailboxId: number,
  { address, language }: OwnerContact,
): Promise<void> {
  if (address === null && language === null) {
    await state.query.deleteFrom('owner_contacts').where('mailbox_id', '=', mailboxId).execute();
    return;
  }
  await state.query
    .insertInto('owner_contacts')
    .values({ mailbox_id: mailboxId, contact: address, language })
    .onConflict((conflict) => conflict.column('mailbox_id').doUpdateSet({ contact: address, language }))
    .execute();
}

/** A delegate's contact address, else that of a personal mailbox of their own. Undefined: nobody knows one. */
export async function delegateContact(
  table: DelegationDb,
  state: Pick<StateDb, 'query'>,
  { delegateId, identifier, login }: Reachable,
): Promise<Contact | undefined> {
  const account = await state.query
    .selectFrom('accounts')
    .select(['contact', 'language'])
    .where('delegate_id', '=', delegateId)
    .executeTakeFirst();
  const language = account?.language ?? null;
  if (account !== undefined && account.contact !== null) return { address: account.contact, language };
  const own = await table.query
    .selectFrom('mailboxes')
    .select(['id', 'address'])
    .where('kind', '=', 'PER')
    // A login whose mailbox names another owner is not theirs: that owner would read what concerns this delegate.
    .where(({ or, and, eb }) =>
      or([eb('owner', '=', identifier), and([eb('owner', 'is', null), eb('login', '=', login)])]),
    )
    .orderBy(({ eb }) => eb('login', '<>', login)) // the one that they log in to first
    .orderBy('id')
    .executeTakeFirst();
  if (own === undefined) return undefined;
  return { address: own.address, language: language ?? (await ownerContact(state, own.id)).language };
}
