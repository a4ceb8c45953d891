/** How each delegation stood when it was told of last, and of whom: the table says it no longer by the time a revoke is told. */
import type { Selectable } from 'kysely';
import type { NotInForce } from '../../../acl/delegation-facts.ts';
import type { Told } from '../../../acl/notice-events.ts';
import { keptQuery } from '../kept-queries.ts';
import type { DelegationDb } from '../table/delegation-db.ts';
import { fact, setFact } from './facts.ts';
import type { StateDatabase, StateDb } from './state-db.ts';

export interface Person {
  readonly identifier: string;
  readonly firstName: string | null;
  readonly lastName: string | null;
  readonly profession: string | null;
}

export interface ToldRow extends Told {
  readonly delegationId: number;
  readonly mailboxId: number;
  readonly delegateId: number;
  /** Of the mailbox. */
  readonly address: string;
  /** Of the delegate. */
  readonly login: string;
  readonly person: Person;
}

export async function toldOf(state: StateDb, mailboxId: number): Promise<readonly ToldRow[]> {
  return (await told(state.query, { mailboxId })).map(shaped);
}

const told = keptQuery((query: StateDb['query'], { mailboxId }: { mailboxId: number }) =>
  query.selectFrom('told').selectAll().where('mailbox_id', '=', mailboxId),
);

export async function remember(db: Pick<StateDb, 'query'>, row: ToldRow): Promise<void> {
  const columns = {
    mailbox_id: row.mailboxId,
    delegate_id: row.delegateId,
    standing: row.standing,
    why: row.why,
    ending: row.ending,
    identifier: row.person.identifier,
    login: row.login,
    address: row.address,
    first_name: row.person.firstName,
    last_name: row.person.lastName,
    profession: row.person.profession,
  };
  await db.query
    .insertInto('told')
    .values({ delegation_id: row.delegationId, ...columns })
    .onConflict((conflict) => conflict.column('delegation_id').doUpdateSet(columns))
    .execute();
}

export async function forget(db: Pick<StateDb, 'query'>, delegationIds: readonly number[]): Promise<void> {
  if (delegationIds.length > 0) await db.query.deleteFrom('told').where('delegation_id', 'in', delegationIds).execute();
}

/** Mailboxes of whose delegations somebody has been told: one that has left the table may be among them. */
export async function mailboxesTold(state: StateDb): Promise<readonly number[]> {
  const rows = await state.query.selectFrom('told').select('mailbox_id').distinct().execute();
  return rows.map(({ mailbox_id }) => mailbox_id);
}

/**
 * Delegations that a site had before anybody was told of any are told to nobody as new ones: those there are at the first start, where
 * nothing has been noted yet.
 */
export async function beginTelling(table: DelegationDb, state: StateDb): Promise<void> {
  if ((await fact(state, 'told-from')) !== undefined) return;
  const { last } = await table.query
    .selectFrom('delegations')
    .select(({ fn }) => fn.max<number | null>('id').as('last'))
    .executeTakeFirstOrThrow();
  await setFact(state, 'told-from', String(last ?? 0));
}

function shaped(row: Selectable<StateDatabase['told']>): ToldRow {
  return {
    delegationId: row.delegation_id,
    mailboxId: row.mailbox_id,
    delegateId: row.delegate_id,
    standing: row.standing,
    why: row.why as NotInForce | null,
    ending: row.ending,
    address: row.address,
    login: row.login,
    person: {
      identifier: row.identifier,
      firstName: row.first_name,
      lastName: row.last_name,
      profession: row.profession,
    },
  };
}
