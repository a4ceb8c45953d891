/** What the reconciler reads from the delegation table, and the pending set it works off. */
import { type Selectable, sql } from 'kysely';
import type { Instant } from '../../../acl/delegation-facts.ts';
import type { MailboxRows } from '../../../acl/desired.ts';
import { numbersOf } from '../dialect.ts';
import { keptQuery } from '../kept-queries.ts';
import type { Person } from '../state/last-notified.ts';
import { whileUnchanged } from '../unchanged.ts';
import { serverOfLogin, stateSince } from './delegates.ts';
import type { DelegationDb } from './delegation-db.ts';
import type { DelegationDatabase } from './delegation-types.ts';
import { known } from './listed-people.ts';
import { markAsSeen, setMark, workedOff } from './worked-off-mark.ts';

export interface MailboxState {
  readonly id: number;
  readonly server: string;
  /** Of a mailbox that has moved from the server whose pass this is: `rows` is undefined then, as of one that is gone. */
  readonly movedTo?: string;
  /** The version of the whole table when this was read: a change that comes later has a higher one. */
  readonly version: number;
  /** Undefined when the mailbox has left the table. */
  readonly rows:
    | (MailboxRows & {
        /** The owner's identifier, where it is known. */
        readonly owner: string | null;
        readonly delegateIds: Ids;
        readonly delegationIds: Ids;
        readonly granted: Granted;
      })
    | undefined;
}

/** By the delegate's login: who they are, and who granted. */
type Granted = ReadonlyMap<string, { readonly person: Person; readonly createdBy: string }>;

/** By the delegate's login. */
type Ids = ReadonlyMap<string, number>;

export interface Pending {
  readonly mailboxId: number;
  readonly version: number;
}

export async function readMailbox(db: DelegationDb, id: number): Promise<MailboxState> {
  return db.read(async (query) => {
    const [counted] = await counters(query, {});
    const version = counted?.version ?? 0;
    const [mailbox] = await mailboxRow(query, { id });
    if (mailbox === undefined) return { id, server: db.server, version, rows: undefined };
    const domain = mailbox.address.slice(mailbox.address.indexOf('@') + 1);
    const [eligibility] = await domainRow(query, { domain });
    const aliases = await aliasRows(query, { id });
    const delegations = await delegationRows(query, { id });
    const places = delegations.map((row) => row.delegation_id).sort((one, other) => one - other);
    return {
      id,
      server: mailbox.server,
      version,
      rows: {
        address: mailbox.address,
        login: mailbox.login,
        owner: mailbox.owner,
        kind: mailbox.kind,
        eligible: mailbox.eligible === 1,
        domainEligible: eligibility === undefined ? null : eligibility.eligible === 1,
        ownerListed: known(mailbox.owner_listed),
        server: mailbox.server,
        aliases: aliases.map(({ address }) => address),
        delegations: delegations.map((row) => ({
          id: row.identifier,
          place: places.indexOf(row.delegation_id) + 1,
          delegate: {
            login: row.login,
            state: row.state,
            stateSince: row.state_since,
            termsVersion: row.terms_version,
            credentialValidUntil: row.credential_valid_until,
            listed: known(row.listed),
            server: row.delegate_server,
          },
          startsAt: row.starts_at,
          endsAt: row.ends_at,
          suspended: row.suspended === 1,
          sendMode: row.send_mode,
        })),
        delegateIds: new Map(delegations.map((row) => [row.login, row.id])),
        delegationIds: new Map(delegations.map((row) => [row.login, row.delegation_id])),
        granted: new Map(delegations.map((row) => [row.login, { person: personOf(row), createdBy: row.created_by }])),
      },
    };
  });
}

type Query = DelegationDb['query'];

const counters = keptQuery((query: Query) => query.selectFrom('counters').select('version'));
const mailboxRow = keptQuery((query: Query, { id }: { id: number }) =>
  query.selectFrom('mailboxes').selectAll().where('id', '=', id),
);
const domainRow = keptQuery((query: Query, { domain }: { domain: string }) =>
  query.selectFrom('domains').select('eligible').where('domain', '=', domain),
);
/** An alias that is somebody else's own would let their mail be sent from here: the rules refuse it, and it isn't believed without them either. */
const aliasRows = keptQuery((query: Query, { id }: { id: number }) =>
  query
    .selectFrom('aliases as a')
    .select('a.address')
    .where('a.mailbox_id', '=', id)
    .where(({ not, exists, selectFrom }) =>
      not(
        exists(
          selectFrom('mailboxes as m')
            .select('m.id')
            .where('m.id', '<>', id)
            .where((eb) => eb.or([eb('m.address', '=', eb.ref('a.address')), eb('m.login', '=', eb.ref('a.address'))])),
        ),
      ),
    ),
);
const delegationRows = keptQuery((query: Query, { id }: { id: number }) =>
  query
    .selectFrom('delegations as g')
    .innerJoin('delegates as d', 'd.id', 'g.delegate_id')
    .select([
      'd.id',
      'd.identifier',
      'd.login',
      'd.first_name',
      'd.last_name',
      'd.profession',
      'd.state',
      'd.credential_valid_until',
      'd.listed',
      'd.terms_version',
      (eb) => stateSince(eb).as('state_since'),
      (eb) => serverOfLogin(eb).as('delegate_server'),
      'g.id as delegation_id',
      'g.created_by',
      'g.starts_at',
      'g.ends_at',
      'g.suspended',
      'g.send_mode',
    ])
    .where('g.mailbox_id', '=', id)
    .orderBy('d.login'),
);

/**
 * As a pass of this server's sidecar obeys it. What stands at another server is that one's affair: from this one all of it goes, as from a mailbox
 * that is gone. Whoever has it there has lost nothing, and is told nothing.
 */
export async function ownMailbox(db: DelegationDb, id: number): Promise<MailboxState> {
  const mailbox = await readMailbox(db, id);
  return mailbox.server === db.server ? mailbox : { ...mailbox, rows: undefined, movedTo: mailbox.server };
}

function personOf(row: Pick<Selectable<DelegationDatabase['delegates']>, 'identifier' | PersonColumn>): Person {
  const { identifier, first_name: firstName, last_name: lastName, profession } = row;
  return { identifier, firstName, lastName, profession };
}
type PersonColumn = 'first_name' | 'last_name' | 'profession';

/** Every mailbox that waits for this server; those that have changed after `version` alone, where it is given; `everywhere`: for any server. */
export async function pendingMailboxes(
  db: DelegationDb,
  version?: number,
  where: 'here' | 'everywhere' = 'here',
): Promise<readonly Pending[]> {
  let select = db.query.selectFrom('pending').select(['mailbox_id', 'version']).distinct().orderBy('version');
  if (where === 'here') select = select.where('server', '=', db.server);
  if (version !== undefined) select = select.where('version', '>', version);
  return (await select.execute()).map((row) => ({ mailboxId: row.mailbox_id, version: row.version }));
}

export async function countPending(db: DelegationDb): Promise<number> {
  const count = db.query
    .selectFrom('pending')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('server', '=', db.server);
  return (await count.executeTakeFirstOrThrow()).count;
}

/** So many of those that have changed after one of them, in the order of their changes. */
export async function changedAfter(db: DelegationDb, last: Pending, most: number): Promise<readonly Pending[]> {
  const rows = await db.query
    .selectFrom('pending')
    .selectAll()
    .where('server', '=', db.server)
    .where(sql<boolean>`(version, mailbox_id) > (${last.version}, ${last.mailboxId})`)
    .orderBy('version')
    .orderBy('mailbox_id')
    .limit(most)
    .execute();
  return rows.map((row) => ({ mailboxId: row.mailbox_id, version: row.version }));
}

/** A revoke that somebody has asked for by name. */
export interface Asked {
  readonly at: Instant;
  readonly mailboxId: number;
  readonly delegateId: number;
}

/** So many of those asked for after one of them, in their order. */
export async function askedAfter(db: DelegationDb, last: Asked, most: number): Promise<readonly Asked[]> {
  const rows = await db.query
    .selectFrom('intents')
    .select(['at', 'mailbox_id as mailboxId', 'delegate_id as delegateId'])
    .where(sql<boolean>`(at, mailbox_id, delegate_id) > (${last.at}, ${last.mailboxId}, ${last.delegateId})`)
    .orderBy('at')
    .orderBy('mailbox_id')
    .orderBy('delegate_id')
    .limit(most)
    .execute();
  return rows;
}

/**
 * Takes a mailbox off this server's pending set unless it has changed again after `version`. `stateId`: whose work it was, for the mark (worked-off-mark.ts). Where
 * nothing is to be noted nothing is written: a sweep leaves the table's log of writes alone, and wakes nobody.
 */
export async function settle(db: DelegationDb, mailboxId: number, version: number, stateId?: string): Promise<void> {
  const waits = await pendingVersion(db, mailboxId);
  if (waits === undefined || waits > version) {
    const mark = stateId === undefined ? undefined : await markAsSeen(db, 'mark');
    if (stateId === undefined || (mark?.stateId === stateId && mark.version >= version)) return;
  }
  await db.write({ actor: 'mandat' }, async (query) => {
    await query
      .deleteFrom('pending')
      .where('server', '=', db.server)
      .where('mailbox_id', '=', mailboxId)
      .where('version', '<=', version)
      .execute();
    const mark = stateId === undefined ? undefined : await workedOff({ query });
    if (stateId !== undefined && (mark?.stateId !== stateId || mark.version < version))
      await setMark(query, stateId, version);
  });
}

/** Whether a mailbox has changed after `version`, so that work in hand is out of date. */
export async function changedSince(db: DelegationDb, mailboxId: number, version: number): Promise<boolean> {
  const pending = await pendingVersion(db, mailboxId);
  return pending !== undefined && pending > version;
}

const pendingVersion = whileUnchanged(async (db: DelegationDb, mailboxId: number): Promise<number | undefined> => {
  const [row] = await pendingRow(db.query, { server: db.server, mailboxId });
  return row?.version;
});
const pendingRow = keptQuery((query: Query, { server, mailboxId }: { server: string; mailboxId: number }) =>
  query.selectFrom('pending').select('version').where('server', '=', server).where('mailbox_id', '=', mailboxId),
);

/**
 * Asks for another look at mailboxes although nothing changed: what `mandat sync` does while a sidecar runs. Each server that works on one of them
 * looks; at those that have left the table, this one.
 */
export async function markPending(db: DelegationDb, mailboxIds: readonly number[], actor: string): Promise<number> {
  return db.write({ actor, reason: 'sync' }, async (query) => {
    await query
      .updateTable('counters')
      .set(({ eb }) => ({ version: eb('version', '+', 1) }))
      .execute();
    const { version } = await query.selectFrom('counters').select('version').executeTakeFirstOrThrow();
    // One statement: a hundred thousand of them would keep everybody else from writing for seconds.
    const ids = () => numbersOf(query, [...new Set(mailboxIds)]);
    await sql`UPDATE pending SET version = ${version} WHERE mailbox_id IN (SELECT value FROM ${ids()} AS numbers)`.execute(
      query,
    );
    await sql`INSERT INTO pending (mailbox_id, version, server)
      SELECT n.value, CAST(${version} AS bigint), COALESCE(m.server, ${db.server}) FROM ${ids()} AS n LEFT JOIN mailboxes AS m ON m.id = n.value WHERE true
      ON CONFLICT (mailbox_id, server) DO UPDATE SET version = excluded.version`.execute(query);
    return version;
  });
}

/** Of this server. */
export async function mailboxIds(db: DelegationDb): Promise<readonly number[]> {
  const rows = await db.query
    .selectFrom('mailboxes')
    .select('id')
    .where('server', '=', db.server)
    .orderBy('id')
    .execute();
  return rows.map(({ id }) => id);
}
