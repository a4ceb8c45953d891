/** The public side of delegates' accounts, in delegation.db: state, terms, who has a mailbox of their own. R38, R39, R43, R45. */

import type { Instant } from '../../../acl/delegation-facts.ts';
import { noteAccount } from './account-events.ts';
import { ownMailbox } from './activation.ts';
import { noSuchDelegate, stateSince } from './delegates.ts';
import type { DelegationDb, Writer } from './delegation-db.ts';
import type { DelegateState } from './delegation-types.ts';
import { mustStand } from './undone-writes.ts';

export interface AccountHolder {
  /** The immutable one of the table. */
  readonly id: number;
  readonly identifier: string;
  readonly login: string;
  readonly firstName: string | null;
  readonly lastName: string | null;
  readonly profession: string | null;
  readonly state: DelegateState;
  readonly stateSince: Instant | null;
  readonly termsVersion: string | null;
  readonly termsAt: Instant | null;
  readonly ownMailbox: string | null;
  /** What has been delegated to them and has not ended; whether it is in force is another question. */
  readonly delegated: readonly string[];
}

/** Fails `absent` when there is none. */
export async function accountHolder(db: DelegationDb, identifier: string, now: Instant): Promise<AccountHolder> {
  return db.read(async (query) => {
    const row = await query
      .selectFrom('delegates as d')
      .selectAll('d')
      .select((eb) => stateSince(eb).as('state_since'))
      .where('d.identifier', '=', identifier)
      .executeTakeFirst();
    if (row === undefined) throw noSuchDelegate(identifier);
    const delegated = await query
      .selectFrom('delegation')
      .select('mailbox')
      .where('delegate', '=', identifier)
      .where(({ or, eb }) => or([eb('ends_at', 'is', null), eb('ends_at', '>', now)]))
      .orderBy('mailbox')
      .execute();
    return {
      id: row.id,
      identifier,
      login: row.login,
      firstName: row.first_name,
      lastName: row.last_name,
      profession: row.profession,
      state: row.state,
      stateSince: row.state_since,
      termsVersion: row.terms_version,
      termsAt: row.terms_at,
      ownMailbox: (await ownMailbox(query, identifier, row.login)) ?? null,
      delegated: delegated.map(({ mailbox }) => mailbox),
    };
  });
}

/** The end of an activation: terms and state in one transaction. Once it has been made, it changes nothing. */
export async function activateHolder(
  db: DelegationDb,
  writer: Writer,
  { id, identifier }: Pick<AccountHolder, 'id' | 'identifier'>,
  terms: string,
  now: Instant,
): Promise<void> {
  await db.write(writer, async (query) => {
    await query
      .updateTable('delegates')
      .set({ state: 'active', terms_version: terms, terms_at: now })
      .where('id', '=', id)
      .where('state', '=', 'pending')
      .execute();
    await noteAccount(query, identifier, 'account-contact');
  });
}

export async function acceptTerms(
  db: DelegationDb,
  writer: Writer,
  { id }: Pick<AccountHolder, 'id'>,
  version: string,
  now: Instant,
): Promise<void> {
  await db.write(writer, (query) =>
    query
      .updateTable('delegates')
      .set({ terms_version: version, terms_at: now })
      .where('id', '=', id)
      .where('state', '<>', 'ended')
      .execute(),
  );
}

/** Their delegations stay in the table and are no longer in force. Returns false where it had ended already. */
export async function endHolder(
  db: DelegationDb,
  writer: Writer,
  { id, identifier }: Pick<AccountHolder, 'id' | 'identifier'>,
): Promise<boolean> {
  return db.write(writer, async (query) => {
    const ended = await query
      .updateTable('delegates')
      .set({ state: 'ended' })
      .where('id', '=', id)
      .where('state', '<>', 'ended')
      .executeTakeFirst();
    if (ended.numUpdatedRows === 0n) return false;
    await mustStand(query, { table: 'delegates', column: 'identifier', value: identifier }, { state: 'ended' });
    await noteAccount(query, identifier, 'account-end');
    return true;
  });
}
