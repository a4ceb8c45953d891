/**
 * The ledger: which pairs stand on the server because of us, and what stood there before.
 * A row is written before the server is touched and goes when a revoke has been verified, so whatever a crash
 * leaves behind on the server is named here.
 */
import { sql } from 'kysely';
import type { Instant } from '../../../acl/delegation-facts.ts';
import type { Rights } from '../../../acl/rights.ts';
import { Failure } from '../../shared/failure.ts';
import { isTaken } from '../dialect.ts';
import type { ServerFacts } from './facts.ts';
import type { BeforeEntry, Pair } from './ledger-pairs.ts';
import { forgetUndelegated } from './owner-folders.ts';
import type { LedgerPhase, StateDb } from './state-db.ts';

export interface NewPair {
  readonly mailboxId: number;
  readonly delegateId: number;
  readonly address: string;
  readonly server: string;
  readonly ownerLogin: string;
  readonly login: string;
  /** The delegate's, so that the trail can name them when their row is gone. */
  readonly identifier?: string | undefined;
  readonly inboxBefore: Rights | undefined;
  readonly foldersBefore: readonly string[];
  /** What is about to be written into INBOX's entry. */
  readonly given: readonly Rights[];
  /** What stood in the other folders, where that is known without reading them. */
  readonly before?: readonly BeforeEntry[] | undefined;
}

/**
 * The intent of a grant, written before the first change on the server. Fails `retry` while the same pair of another mailbox
 * is still being taken back: one that was removed and made anew.
 */
export async function beginGrant(db: StateDb, pair: NewPair, now: Instant): Promise<void> {
  await beginGrants(db, [pair], now);
}

/** All of them, or none: one commit, which waits for the disk once. */
export async function beginGrants(db: StateDb, pairs: readonly NewPair[], now: Instant): Promise<void> {
  const begin = async (query: Query, pair: NewPair) => {
    const { id } = await query
      .insertInto('ledger')
      .values({
        mailbox_id: pair.mailboxId,
        delegate_id: pair.delegateId,
        address: pair.address,
        server: pair.server,
        owner_login: pair.ownerLogin,
        login: pair.login,
        identifier: pair.identifier ?? null,
        phase: 'granting',
        inbox_before: pair.inboxBefore ?? null,
        folders_before: pair.before === undefined ? JSON.stringify(pair.foldersBefore) : null,
        given: JSON.stringify(pair.given),
        since: now,
      })
      .returning('id')
      .executeTakeFirstOrThrow();
    await insertBefore(query, id, pair.before ?? []);
  };
  await db.write(async (query) => {
    for (const pair of pairs)
      await begin(query, pair).catch((error: unknown) => {
        throw isTaken(error) ? stillThere(pair, error) : error;
      });
  });
}

type Query = Parameters<Parameters<StateDb['write']>[0]>[0];

async function insertBefore(query: Query, id: number, entries: readonly BeforeEntry[]): Promise<void> {
  for (const entry of entries) {
    await query
      .insertInto('before_entries')
      .values({ ledger_id: id, folder: entry.folder, folder_id: entry.folderId, rights: entry.rights })
      .execute();
  }
}

function stillThere({ ownerLogin, login }: NewPair, cause: unknown): Failure {
  return new Failure(
    'retry',
    `what ${login} had at ${ownerLogin} through another mailbox is not taken back yet`,
    '"mandat status" shows what keeps it',
    { cause },
  );
}

/** What is being granted in this mailbox is in force now. Returns the delegates' logins. */
export async function enterForce(db: ServerFacts, mailboxId: number, now: Instant): Promise<readonly string[]> {
  const entered = await db.query
    .updateTable('ledger')
    .set({ phase: 'in-force', in_force_at: now })
    .where('server', '=', db.server)
    .where('mailbox_id', '=', mailboxId)
    .where('phase', '=', 'granting')
    .returning('login')
    .execute();
  return entered.map(({ login }) => login);
}

/** What was taken from these pairs is out of force, which stands in the trail: in_force_at says no more that they have it. */
export async function leaveForce(db: Pick<StateDb, 'query'>, ids: readonly number[]): Promise<void> {
  if (ids.length === 0) return;
  await db.query.updateTable('ledger').set({ in_force_at: null }).where('id', 'in', ids).execute();
}

/**
 * Moves pairs to a phase. A revoke that is taken back by a new grant starts over; a cut is to be done again at a revoke, and after it.
 * Who was to get it may have it since the intent, whatever was recorded: in_force_at stands from the beginning of each revoke until {@link leaveForce}.
 */
export async function setPhase(
  db: Pick<StateDb, 'query'>,
  ids: readonly number[],
  phase: Exclude<LedgerPhase, 'in-force'>,
  now: Instant,
): Promise<void> {
  if (ids.length === 0) return;
  await db.query
    .updateTable('ledger')
    .set({
      phase,
      ...(phase === 'granting' ? { cut_done: 0, since: now, in_force_at: null, verified_at: null } : {}),
      ...(phase === 'revoking' ? { cut_done: 0, in_force_at: sql`coalesce(in_force_at, since)` } : {}),
      ...(phase === 'verified' ? { verified_at: now } : {}),
    })
    .where('id', 'in', ids)
    .where('phase', '<>', phase)
    .execute();
}

/** Other rights are about to be written into INBOX's entry, while what stood in the other folders hasn't been read. */
export async function intendRights(db: StateDb, pair: Pair, rights: Rights): Promise<void> {
  if (pair.foldersBefore === undefined || pair.given.includes(rights)) return;
  const given = JSON.stringify([...pair.given, rights]);
  await db.query.updateTable('ledger').set({ given }).where('id', '=', pair.id).execute();
}

/** What stood in the other folders before our first write to them; read once, never again. */
export async function recordBefore(db: StateDb, id: number, entries: readonly BeforeEntry[]): Promise<void> {
  await recordAllBefore(db, new Map([[id, entries]]));
}

/** Of several pairs, by their ids, in one commit. */
export async function recordAllBefore(db: StateDb, all: ReadonlyMap<number, readonly BeforeEntry[]>): Promise<void> {
  await db.write(async (query) => {
    for (const [id, entries] of all) await insertBefore(query, id, entries);
    await query
      .updateTable('ledger')
      .set({ folders_before: null })
      .where('id', 'in', [...all.keys()])
      .execute();
  });
}

/** What the pass that verified it gave in INBOX. Whoever finds something else there later finds what somebody else has done. */
export async function noteVerifiedRights(
  db: Pick<StateDb, 'query'>,
  pair: Pick<Pair, 'id'> & Partial<Pick<Pair, 'verifiedRights'>>,
  rights: Rights,
): Promise<void> {
  if (pair.verifiedRights === rights) return;
  await db.query.updateTable('ledger').set({ verified_rights: rights }).where('id', '=', pair.id).execute();
}

export async function recordCut(db: Pick<StateDb, 'query'>, id: number): Promise<void> {
  await db.query.updateTable('ledger').set({ cut_done: 1 }).where('id', '=', id).execute();
}

/** A verified revoke: nothing of this pair is ours any more. */
export async function endPair(db: StateDb, id: number): Promise<void> {
  await db.write(async (query) => {
    await query.deleteFrom('before_entries').where('ledger_id', '=', id).execute();
    await query.deleteFrom('subscriptions').where('ledger_id', '=', id).execute();
    const ended = await query
      .deleteFrom('ledger')
      .where('id', '=', id)
      .returning(['server', 'owner_login'])
      .executeTakeFirst();
    if (ended !== undefined) await forgetUndelegated(query, ended.server, ended.owner_login);
  });
}
