/** Delegations: granting, revoking, listing. R1, R13, R15, R16, R47, R49. */
import { shareFolders } from '../../../acl/conditions.ts';
import type { SendMode } from '../../../acl/delegation-facts.ts';
import { Failure } from '../../shared/failure.ts';
import { type AddedDelegate, insertListed, noSuchDelegate } from './delegates.ts';
import type { DelegationDb, Writer } from './delegation-db.ts';
import type { Query } from './delegation-types.ts';
import { known } from './listed-people.ts';
import { noSuchMailbox } from './mailboxes.ts';
import { undone } from './undone-writes.ts';

/** What a write left behind: the mailbox to wait for, and the version of the table that holds the change. */
export interface Written {
  readonly mailboxId: number;
  readonly version: number;
  /** It was so before: nothing was written, and nothing stands in the trail. */
  readonly unchanged?: boolean;
}

export interface GrantTerms {
  readonly startsAt?: string | undefined;
  readonly endsAt?: string | undefined;
  readonly note?: string | undefined;
  /** Undefined: as the site has it. */
  readonly sendMode?: SendMode | undefined;
  /** Also to somebody whom the directory doesn't list. */
  readonly force?: boolean | undefined;
  /** Mail servers that share folders with one another, by `[server] cluster`. */
  readonly cluster?: readonly string[] | undefined;
}

/** `newcomer`: added with it, where they aren't a delegate yet. */
export async function grant(
  db: DelegationDb,
  writer: Writer,
  mailbox: string,
  delegate: string,
  terms: GrantTerms = {},
  newcomer?: AddedDelegate,
): Promise<Written> {
  try {
    return await db.write(writer, async (query) => {
      if (newcomer !== undefined) await insertListed(query, newcomer);
      return insertDelegation(query, mailbox, delegate, terms);
    });
  } catch (error) {
    throw named(error, mailbox, delegate);
  }
}

/** Fails `absent` when there is no such delegation. */
export async function revoke(db: DelegationDb, writer: Writer, mailbox: string, delegate: string): Promise<Written> {
  return db.write(writer, (query) => deleteDelegation(query, mailbox, delegate));
}

/** One row of a transaction that somebody else opened; what the rules refuse is thrown as SQLite throws it. */
export async function insertDelegation(
  query: Query,
  mailbox: string,
  delegate: string,
  terms: GrantTerms,
): Promise<Written> {
  if (terms.force !== true) await refuseUnlisted(query, delegate);
  await refuseElsewhere(query, mailbox, delegate, terms.cluster);
  await query
    .insertInto('delegation')
    .values({
      mailbox,
      delegate,
      created_at: null,
      created_by: null,
      starts_at: terms.startsAt ?? null,
      ends_at: terms.endsAt ?? null,
      note: terms.note ?? null,
      suspended: null,
      send_mode: terms.sendMode ?? null,
    })
    .execute();
  return written(query, mailbox);
}

/** Which servers share folders only a configuration says: the table's own rules can't, and what another program writes is not in force. */
async function refuseElsewhere(
  query: Query,
  mailbox: string,
  delegate: string,
  cluster: readonly string[] | undefined,
): Promise<void> {
  const found = await query
    .selectFrom('mailboxes as m')
    .innerJoin('delegates as d', (join) => join.on('d.identifier', '=', delegate))
    .innerJoin('mailboxes as own', 'own.login', 'd.login')
    .select(['m.server', 'own.server as theirs'])
    .where('m.address', '=', mailbox)
    .executeTakeFirst();
  if (found === undefined || shareFolders(found.server, found.theirs, cluster)) return;
  throw new Failure(
    'refused',
    `${mailbox} is on the mail server ${found.server}, and ${delegate} has their own mailbox on ${found.theirs}: they could not open it there`,
    `move one of the mailboxes ("mandat mailbox set ${mailbox} --server SERVER"); or, where these servers do share folders, name both in [server] cluster`,
    { rule: 'MANDAT_OTHER_SERVER', about: `${mailbox}, ${delegate}` },
  );
}

export async function deleteDelegation(query: Query, mailbox: string, delegate: string): Promise<Written> {
  const removed = await query
    .deleteFrom('delegations')
    .where('mailbox_id', '=', await idOfMailbox(query, mailbox))
    .where('delegate_id', '=', await idOfDelegate(query, delegate))
    .executeTakeFirst();
  if (removed.numDeletedRows === 0n) throw noSuchDelegation(mailbox, delegate);
  if ((await rowOf(query, mailbox, delegate)) !== undefined) throw putBack(mailbox, delegate);
  return written(query, mailbox);
}

/** The row as it stands, by the base tables; undefined where there is none. */
export async function rowOf(
  query: Pick<Query, 'selectFrom'>,
  mailbox: string,
  delegate: string,
): Promise<{ readonly suspended: boolean; readonly createdAt: string; readonly createdBy: string } | undefined> {
  const row = await query
    .selectFrom('delegations as g')
    .innerJoin('mailboxes as m', 'm.id', 'g.mailbox_id')
    .innerJoin('delegates as d', 'd.id', 'g.delegate_id')
    .select(['g.suspended', 'g.created_at', 'g.created_by'])
    .where('m.address', '=', mailbox)
    .where('d.identifier', '=', delegate)
    .executeTakeFirst();
  return row && { suspended: row.suspended === 1, createdAt: row.created_at, createdBy: row.created_by };
}

const putBack = (mailbox: string, delegate: string) =>
  undone(`${mailbox} to ${delegate}`, 'so nothing was changed and they keep their access');

/** Suspends or resumes one delegation: its row stays. Fails `absent` when there is none. R14. */
export async function setSuspended(
  db: DelegationDb,
  writer: Writer,
  mailbox: string,
  delegate: string,
  suspended: boolean,
): Promise<Written> {
  return db.write(writer, async (query) => {
    const mailboxId = await idOfMailbox(query, mailbox);
    const delegateId = await idOfDelegate(query, delegate);
    const row = await query
      .selectFrom('delegations')
      .select(['id', 'suspended'])
      .where('mailbox_id', '=', mailboxId)
      .where('delegate_id', '=', delegateId)
      .executeTakeFirst();
    if (row === undefined) throw noSuchDelegation(mailbox, delegate);
    if (row.suspended === Number(suspended)) return { ...(await written(query, mailbox)), unchanged: true };
    await query
      .updateTable('delegations')
      .set({ suspended: Number(suspended) })
      .where('id', '=', row.id)
      .execute();
    if ((await rowOf(query, mailbox, delegate))?.suspended !== suspended) throw putBack(mailbox, delegate);
    return written(query, mailbox);
  });
}

/** What recipients see of what this delegate sends for the owner; null: as the site has it. Fails `absent` when there is no such delegation. */
export async function setSendMode(
  db: DelegationDb,
  writer: Writer,
  mailbox: string,
  delegate: string,
  send_mode: SendMode | null,
): Promise<Written> {
  return db.write(writer, async (query) => {
    const changed = await query
      .updateTable('delegations')
      .set({ send_mode })
      .where('mailbox_id', '=', await idOfMailbox(query, mailbox))
      .where('delegate_id', '=', await idOfDelegate(query, delegate))
      .executeTakeFirst();
    if (changed.numUpdatedRows === 0n) throw noSuchDelegation(mailbox, delegate);
    return written(query, mailbox);
  });
}

async function idOfMailbox(query: Query, address: string): Promise<number> {
  const row = await query.selectFrom('mailboxes').select('id').where('address', '=', address).executeTakeFirst();
  if (row === undefined) throw noSuchMailbox(address);
  return row.id;
}

async function idOfDelegate(query: Query, identifier: string): Promise<number> {
  const row = await query.selectFrom('delegates').select('id').where('identifier', '=', identifier).executeTakeFirst();
  if (row === undefined) throw noSuchDelegate(identifier);
  return row.id;
}

async function written(query: Query, mailbox: string): Promise<Written> {
  const { version } = await query.selectFrom('counters').select('version').executeTakeFirstOrThrow();
  return { mailboxId: await idOfMailbox(query, mailbox), version };
}

export function noSuchDelegation(mailbox: string, delegate: string): Failure {
  return new Failure(
    'absent',
    `${mailbox} is not delegated to ${delegate}`,
    `"mandat list --mailbox ${mailbox}" shows its delegates`,
    { about: `${mailbox}, ${delegate}` },
  );
}

/** R5, R27: whoever isn't in the directory is granted nothing, unless somebody gives a reason. */
async function refuseUnlisted(query: Query, identifier: string): Promise<void> {
  const row = await query
    .selectFrom('delegates')
    .select('listed')
    .where('identifier', '=', identifier)
    .executeTakeFirst();
  if (row === undefined || known(row.listed) !== false) return;
  throw new Failure('refused', 'the directory does not list the delegate: their RPPS identity is not active', '', {
    rule: 'MANDAT_NOT_LISTED',
  });
}

/** The trigger's sentence with the names it can't know, and what to do next. */
export function named(error: unknown, mailbox: string, delegate: string): unknown {
  if (!(error instanceof Failure) || error.rule === undefined) return error;
  if (error.rule === 'MANDAT_UNKNOWN_MAILBOX') return noSuchMailbox(mailbox);
  if (error.rule === 'MANDAT_UNKNOWN_DELEGATE') return noSuchDelegate(delegate);
  const hint: Readonly<Record<string, string>> = {
    MANDAT_LIMIT: `"mandat list --mailbox ${mailbox}" shows them; the limit is [policy] max_delegates`,
    MANDAT_NOT_ELIGIBLE: /domain/.test(error.message)
      ? `"mandat domain set ${mailbox.slice(mailbox.lastIndexOf('@') + 1)} --eligible" opens it to delegation`
      : `"mandat mailbox set ${mailbox} --eligible" opens it for delegation`,
    MANDAT_NOT_LISTED:
      '"mandat directory import" a newer one, or --force REASON: saved, and in force as soon as the directory lists them',
    MANDAT_DUPLICATE: `"mandat list --mailbox ${mailbox}" shows it`,
  };
  return new Failure(error.code, `${mailbox} to ${delegate}: ${error.message}`, hint[error.rule] ?? '', {
    cause: error,
    rule: error.rule,
    fault: error.rule === 'MANDAT_DUPLICATE' && !/delegated/.test(error.message) ? 'name' : undefined,
    about: `${mailbox}, ${delegate}`,
  });
}
