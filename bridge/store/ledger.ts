/**
 * The ledger: which pairs stand on the server because of us, and what stood there before.
 * A row is written before the server is touched and goes when a revoke has been verified, so whatever a crash
 * leaves behind on the server is named here.
 */
import type { Instant } from '../../acl/policy.ts';
import { canonical, type Rights } from '../../acl/rights.ts';
import { Failure } from '../failure.ts';
import type { LedgerPhase, StateDb } from './state-db.ts';

/** A folder's name as the server writes it on the wire (modified UTF-7). */
export type FolderName = string;

export interface BeforeEntry {
  readonly folder: FolderName;
  /** The server's own id of the folder, which a rename leaves alone; null where it has none. */
  readonly folderId: string | null;
  readonly rights: Rights;
}

export interface Pair {
  readonly id: number;
  readonly mailboxId: number;
  readonly delegateId: number;
  readonly address: string;
  readonly server: string;
  readonly ownerLogin: string;
  /** The delegate's login, exactly as written into ACL entries. */
  readonly login: string;
  readonly phase: LedgerPhase;
  /** The INBOX entry that stood before, or undefined when there was none. */
  readonly inboxBefore: Rights | undefined;
  /** Ids of folders known to have been there before our first write, while their entries haven't been read yet. */
  readonly foldersBefore: readonly string[] | undefined;
  /** What we have written into INBOX's entry meanwhile: a folder that was born since may show a copy of it. */
  readonly given: readonly Rights[];
  readonly before: readonly BeforeEntry[];
  /** By folder; true where we subscribed him, false where he was subscribed before. */
  readonly subscriptions: ReadonlyMap<FolderName, boolean>;
  readonly cutDone: boolean;
}

export interface NewPair {
  readonly mailboxId: number;
  readonly delegateId: number;
  readonly address: string;
  readonly server: string;
  readonly ownerLogin: string;
  readonly login: string;
  readonly inboxBefore: Rights | undefined;
  readonly foldersBefore: readonly string[];
  /** What is about to be written into INBOX's entry. */
  readonly given: readonly Rights[];
  /** What stood in the other folders, where that is known without reading them. */
  readonly before?: readonly BeforeEntry[] | undefined;
}

export async function pairsOf(db: StateDb, mailboxId: number): Promise<readonly Pair[]> {
  return select(db, mailboxId);
}

export async function countPairs(db: StateDb): Promise<number> {
  const { count } = await db.query
    .selectFrom('ledger')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  return count;
}

/** The pairs of these mailboxes, or all of them. */
export async function pairsAmong(
  db: StateDb,
  mailboxIds: readonly number[] | undefined,
): Promise<readonly Pick<Pair, 'mailboxId' | 'delegateId' | 'login' | 'phase'>[]> {
  const rows = await db.query
    .selectFrom('ledger')
    .select(['mailbox_id', 'delegate_id', 'login', 'phase'])
    .$if(mailboxIds !== undefined, (select) => select.where('mailbox_id', 'in', mailboxIds ?? []))
    .execute();
  return rows.map((row) => ({
    mailboxId: row.mailbox_id,
    delegateId: row.delegate_id,
    login: row.login,
    phase: row.phase,
  }));
}

/**
 * The intent of a grant, written before the first change on the server. Fails `retry` while the same pair of another mailbox
 * is still being taken back: one that was removed and made anew.
 */
export async function beginGrant(db: StateDb, pair: NewPair, now: Instant): Promise<void> {
  const begin = async (query: Query) => {
    const { id } = await query
      .insertInto('ledger')
      .values({
        mailbox_id: pair.mailboxId,
        delegate_id: pair.delegateId,
        address: pair.address,
        server: pair.server,
        owner_login: pair.ownerLogin,
        login: pair.login,
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
  await db.write(begin).catch((error: unknown) => {
    throw isTaken(error) ? stillThere(pair, error) : error;
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

function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'SQLITE_CONSTRAINT_UNIQUE';
}

function stillThere({ ownerLogin, login }: NewPair, cause: unknown): Failure {
  return new Failure(
    'retry',
    `what ${login} had at ${ownerLogin} through another mailbox is not taken back yet`,
    '"mandat status" shows what keeps it',
    { cause },
  );
}

/** Moves pairs to a phase. A revoke that is taken back by a new grant starts over, with its cut to be done again. */
export async function setPhase(
  db: Pick<StateDb, 'query'>,
  ids: readonly number[],
  phase: LedgerPhase,
  now: Instant,
): Promise<void> {
  if (ids.length === 0) return;
  await db.query
    .updateTable('ledger')
    .set({
      phase,
      ...(phase === 'granting' ? { cut_done: 0, since: now, in_force_at: null, verified_at: null } : {}),
      ...(phase === 'in-force' ? { in_force_at: now } : {}),
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
  await db.write(async (query) => {
    await insertBefore(query, id, entries);
    await query.updateTable('ledger').set({ folders_before: null }).where('id', '=', id).execute();
  });
}

export async function recordCut(db: StateDb, id: number): Promise<void> {
  await db.query.updateTable('ledger').set({ cut_done: 1 }).where('id', '=', id).execute();
}

/** A verified revoke: nothing of this pair is ours any more. */
export async function endPair(db: StateDb, id: number): Promise<void> {
  await db.write(async (query) => {
    await query.deleteFrom('before_entries').where('ledger_id', '=', id).execute();
    await query.deleteFrom('subscriptions').where('ledger_id', '=', id).execute();
    await query.deleteFrom('ledger').where('id', '=', id).execute();
  });
}

async function select(db: StateDb, mailboxId: number): Promise<readonly Pair[]> {
  const rows = await db.query
    .selectFrom('ledger')
    .selectAll()
    .where('mailbox_id', '=', mailboxId)
    .orderBy('login')
    .execute();
  const ids = rows.map(({ id }) => id);
  if (ids.length === 0) return [];
  const before = await db.query.selectFrom('before_entries').selectAll().where('ledger_id', 'in', ids).execute();
  const subscriptions = await db.query.selectFrom('subscriptions').selectAll().where('ledger_id', 'in', ids).execute();
  return rows.map((row) => ({
    id: row.id,
    mailboxId: row.mailbox_id,
    delegateId: row.delegate_id,
    address: row.address,
    server: row.server,
    ownerLogin: row.owner_login,
    login: row.login,
    phase: row.phase,
    inboxBefore: row.inbox_before === null ? undefined : canonical(row.inbox_before),
    foldersBefore: row.folders_before === null ? undefined : (JSON.parse(row.folders_before) as string[]),
    given: JSON.parse(row.given) as Rights[],
    before: before
      .filter(({ ledger_id }) => ledger_id === row.id)
      .map((entry) => ({ folder: entry.folder, folderId: entry.folder_id, rights: canonical(entry.rights) })),
    subscriptions: new Map(
      subscriptions.filter(({ ledger_id }) => ledger_id === row.id).map(({ folder, ours }) => [folder, ours !== 0]),
    ),
    cutDone: row.cut_done === 1,
  }));
}
