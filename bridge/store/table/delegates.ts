/** Delegates as the command line manages them. R5, R6, R14. */
import { type ExpressionBuilder, sql } from 'kysely';
import { Failure } from '../../shared/failure.ts';
import { grouped } from '../../shared/grouped.ts';
import { textsOf } from '../dialect.ts';
import { inPages } from '../pages.ts';
import { ownMailbox, resumed } from './activation.ts';
import type { DelegationDb, Writer } from './delegation-db.ts';
import type { DelegateState, DelegationDatabase, Query } from './delegation-types.ts';
import { known } from './listed-people.ts';
import { mustStand } from './undone-writes.ts';

export interface Delegate {
  /** What the site knows them by: their login, or an RPPS number. */
  readonly identifier: string;
  readonly login: string;
  readonly firstName: string | null;
  readonly lastName: string | null;
  readonly profession: string | null;
  readonly state: DelegateState;
  readonly credentialValidUntil: string | null;
  /** Whether the directory lists them; null where it was never asked. */
  readonly listed: boolean | null;
  readonly mailboxes: readonly string[];
}

export interface DelegateChange {
  readonly login?: string;
  readonly firstName?: string | null;
  readonly lastName?: string | null;
  readonly profession?: string | null;
  readonly state?: DelegateState;
  readonly credentialValidUntil?: string | null;
}

export interface Accounts {
  /** Whoever has no mailbox of their own activates their account first: [accounts]. */
  readonly activation?: boolean;
}

/** Returns the state that their account is in. */
export async function addDelegate(
  db: DelegationDb,
  writer: Writer,
  identifier: string,
  given: DelegateChange & { readonly listed?: boolean | null },
  { activation = false }: Accounts = {},
): Promise<DelegateState> {
  const { listed = null, state = 'active' } = given;
  return db.write(writer, async (query) => {
    const pending = activation && (await ownMailbox(query, identifier, given.login ?? identifier)) === undefined;
    const first = pending ? 'pending' : state;
    await query
      .insertInto('delegate')
      .values({
        id: identifier,
        login: given.login ?? null,
        first_name: given.firstName ?? null,
        last_name: given.lastName ?? null,
        profession: given.profession ?? null,
        state: first,
        credential_valid_until: given.credentialValidUntil ?? null,
      })
      .execute();
    // Suspended afterwards, so that it is known what they were before.
    const later = {
      ...(listed === null ? {} : { listed: Number(listed) }),
      ...(pending && state === 'suspended' ? { state } : {}),
    };
    if (Object.keys(later).length > 0) {
      await query.updateTable('delegates').set(later).where('identifier', '=', identifier).execute();
    }
    return later.state ?? first;
  });
}

/** Somebody who becomes a delegate by being granted something, as the directory has them. */
export interface AddedDelegate {
  readonly identifier: string;
  /** Null: their identifier. */
  readonly login: string | null;
  readonly firstName: string;
  readonly lastName: string;
  readonly profession: string | null;
  /** Whether those without a mailbox of their own activate an account first. */
  readonly activation: boolean;
}

/** In a transaction that somebody else opened; that they are here already is no mistake: another has added them meanwhile. */
export async function insertListed(query: Query, one: AddedDelegate): Promise<void> {
  const { identifier, login, firstName, lastName, profession, activation } = one;
  const here = await query.selectFrom('delegates').select('id').where('identifier', '=', identifier).executeTakeFirst();
  if (here !== undefined) return;
  const pending = activation && (await ownMailbox(query, identifier, login ?? identifier)) === undefined;
  await query
    .insertInto('delegate')
    .values({
      id: identifier,
      login,
      first_name: firstName,
      last_name: lastName,
      profession,
      state: pending ? 'pending' : 'active',
      credential_valid_until: null,
    })
    .execute();
  await query.updateTable('delegates').set({ listed: 1 }).where('identifier', '=', identifier).execute();
}

/** The mailbox of which somebody is the named owner; undefined where they have none. */
export async function personalMailboxOf(
  db: DelegationDb,
  identifier: string,
): Promise<{ readonly address: string; readonly login: string } | undefined> {
  return db.query
    .selectFrom('mailboxes')
    .select(['address', 'login'])
    .where('kind', '=', 'PER')
    .where('owner', '=', identifier)
    .orderBy('id')
    .executeTakeFirst();
}

/** Since when the delegate `d` of a query is in their state. */
export function stateSince(eb: ExpressionBuilder<DelegationDatabase & { d: DelegationDatabase['delegates'] }, 'd'>) {
  return eb
    .selectFrom('delegate_states as s')
    .select('s.since')
    .whereRef('s.delegate_id', '=', 'd.id')
    .orderBy('s.id', 'desc')
    .limit(1);
}

/** On which server the delegate `d` of a query has a mailbox of their own login; null where they have none. */
export function serverOfLogin(eb: ExpressionBuilder<DelegationDatabase & { d: DelegationDatabase['delegates'] }, 'd'>) {
  return eb.selectFrom('mailboxes as own').select('own.server').whereRef('own.login', '=', 'd.login');
}

export async function listDelegates(db: DelegationDb): Promise<readonly Delegate[]> {
  return select(db);
}

/** The same, some hundred at a time. */
export function delegatePages(db: DelegationDb): AsyncGenerator<readonly Delegate[]> {
  return inPages(
    (after, most) => select(db, { after, most }),
    ({ identifier }) => identifier,
    '',
  );
}

/** Fails `absent` when there is none. */
export async function delegateNamed(db: DelegationDb, identifier: string): Promise<Delegate> {
  const [found] = await select(db, identifier);
  if (found === undefined) throw noSuchDelegate(identifier);
  return found;
}

async function select(
  db: DelegationDb,
  which?: string | { readonly after: string; readonly most: number },
): Promise<readonly Delegate[]> {
  const identifier = typeof which === 'string' ? which : undefined;
  const page = typeof which === 'object' ? which : undefined;
  return db.read(async (query) => {
    const delegates = await query
      .selectFrom('delegates')
      .selectAll()
      .$if(identifier !== undefined, (only) => only.where('identifier', '=', identifier ?? ''))
      .$if(page !== undefined, (some) => some.where('identifier', '>', page?.after ?? '').limit(page?.most ?? 0))
      .orderBy('identifier')
      .execute();
    const mailboxes = grouped(
      await query
        .selectFrom('delegation')
        .select(['mailbox', 'delegate'])
        .$if(identifier !== undefined, (only) => only.where('delegate', '=', identifier ?? ''))
        .$if(page !== undefined, (some) =>
          some.where(
            'delegate',
            'in',
            textsOf(
              query,
              delegates.map((row) => row.identifier),
            ),
          ),
        )
        .orderBy('mailbox')
        .execute(),
      ({ delegate }) => delegate,
    );
    return delegates.map((row) => ({
      identifier: row.identifier,
      login: row.login,
      firstName: row.first_name,
      lastName: row.last_name,
      profession: row.profession,
      state: row.state,
      credentialValidUntil: row.credential_valid_until,
      listed: known(row.listed),
      mailboxes: (mailboxes.get(row.identifier) ?? []).map(({ mailbox }) => mailbox),
    }));
  });
}

export async function setDelegate(
  db: DelegationDb,
  writer: Writer,
  identifier: string,
  change: DelegateChange,
  { activation = false }: Accounts = {},
): Promise<void> {
  const columns = {
    ...(change.login === undefined ? {} : { login: change.login }),
    ...(change.firstName === undefined ? {} : { first_name: change.firstName }),
    ...(change.lastName === undefined ? {} : { last_name: change.lastName }),
    ...(change.profession === undefined ? {} : { profession: change.profession }),
    ...(change.state === undefined ? {} : { state: change.state }),
    ...(change.credentialValidUntil === undefined ? {} : { credential_valid_until: change.credentialValidUntil }),
  };
  const changed = await db.write(writer, async (query) => {
    const state = activation && change.state === 'active' ? { state: await resumed(query, identifier) } : {};
    const written = { ...columns, ...state };
    const result = await query
      .updateTable('delegates')
      .set(written)
      .where('identifier', '=', identifier)
      .executeTakeFirst();
    if (result.numUpdatedRows > 0n) await mustStand(query, placeOf(identifier), written);
    return result;
  });
  if (changed.numUpdatedRows === 0n) throw noSuchDelegate(identifier);
}

const placeOf = (value: string) => ({ table: 'delegates', column: 'identifier', value }) as const;

export async function removeDelegate(db: DelegationDb, writer: Writer, identifier: string): Promise<void> {
  const removed = await db.write(writer, async (query) => {
    const result = await query.deleteFrom('delegates').where('identifier', '=', identifier).executeTakeFirst();
    await mustStand(query, placeOf(identifier), 'gone');
    return result;
  });
  if (removed.numDeletedRows === 0n) throw noSuchDelegate(identifier);
}

/** `addition`: the command that adds them, where it is known. */
export function noSuchDelegate(name: string, addition?: string): Failure {
  const add = addition === undefined ? '' : `, "${addition}" adds them`;
  return new Failure('absent', `no such delegate: ${name}`, `"mandat delegate list" shows those there are${add}`, {
    rule: 'MANDAT_UNKNOWN_DELEGATE',
    about: name,
  });
}

export type Called = Pick<Delegate, 'login' | 'firstName' | 'lastName'>;

/** How these are called now, by identifier; whoever is gone is left out. */
export async function peopleCalled(
  db: DelegationDb,
  identifiers: readonly string[],
): Promise<ReadonlyMap<string, Called>> {
  const rows = await db.read((query) =>
    query
      .selectFrom('delegates')
      .select(['identifier', 'login', 'first_name as firstName', 'last_name as lastName'])
      .where('identifier', 'in', textsOf(query, identifiers))
      .execute(),
  );
  return new Map(rows.map(({ identifier, ...called }) => [identifier, called]));
}

/** When the credentials of these lapse, by identifier; whoever is unknown is left out. */
export async function credentialsOf(
  db: DelegationDb,
  identifiers: readonly string[],
): Promise<ReadonlyMap<string, string | null>> {
  const rows = await db.query
    .selectFrom('delegates')
    .select(['identifier', 'credential_valid_until as until'])
    .where('identifier', 'in', textsOf(db.query, identifiers))
    .execute();
  return new Map(rows.map(({ identifier, until }) => [identifier, until]));
}

/** Identifiers of delegates by what people call them: their identifier or, where nobody has it, their login. What nobody has is left out. */
export async function identifiersOf(db: DelegationDb, names: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const { rows } = await db.read((query) =>
    sql<{ name: string; identifier: string }>`
      SELECT j.value AS name, COALESCE(i.identifier, l.identifier) AS identifier FROM ${textsOf(query, [...new Set(names)])} AS j
      LEFT JOIN delegates AS i ON i.identifier = j.value LEFT JOIN delegates AS l ON l.login = j.value
      WHERE i.id IS NOT NULL OR l.id IS NOT NULL`.execute(query),
  );
  return new Map(rows.map(({ name, identifier }) => [name, identifier]));
}
