/** The pairs of the ledger as they are read: who has something on the server because of us, and what stood there before. */
import type { Selectable } from 'kysely';
import { canonical, type Rights } from '../../../acl/rights.ts';
import { PORTION_ROWS, portions } from '../../shared/portions.ts';
import { keptQuery } from '../kept-queries.ts';
import { whileUnchanged } from '../unchanged.ts';
import type { LedgerPhase, StateDatabase, StateDb } from './state-db.ts';

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
  /** Their identifier at the grant; null of pairs that are older than this column. */
  readonly identifier: string | null;
  readonly phase: LedgerPhase;
  readonly inForceAt: string | null;
  /** The INBOX entry that stood before, or undefined when there was none. */
  readonly inboxBefore: Rights | undefined;
  /** Ids of folders known to have been there before our first write, while their entries haven't been read yet. */
  readonly foldersBefore: readonly string[] | undefined;
  /** What we have written into INBOX's entry meanwhile: a folder that was born since may show a copy of it. */
  readonly given: readonly Rights[];
  readonly before: readonly BeforeEntry[];
  /** By folder; true where we subscribed them, false where they were subscribed before. */
  readonly subscriptions: ReadonlyMap<FolderName, boolean>;
  /** Whether a pass ended early in the midst of these. */
  readonly subscriptionsUndone: boolean;
  readonly cutDone: boolean;
  /** What the last verified pass gave in INBOX; undefined where none has noted it. */
  readonly verifiedRights: Rights | undefined;
}

/** Logins of those who have it by the ledger, who got it first before the others: what mandat has seen, whatever a row says of itself. */
export function standingFirst(pairs: readonly Pick<Pair, 'id' | 'login' | 'phase' | 'inForceAt'>[]): readonly string[] {
  return pairs
    .filter(({ phase }) => phase !== 'revoking')
    .sort((one, other) =>
      (one.inForceAt ?? '~') < (other.inForceAt ?? '~')
        ? -1
        : one.inForceAt === other.inForceAt
          ? one.id - other.id
          : 1,
    )
    .map(({ login }) => login);
}

/** On this server. */
export async function countPairs(db: StateDb): Promise<number> {
  const { count } = await db.query
    .selectFrom('ledger')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('server', '=', db.server)
    .executeTakeFirstOrThrow();
  return count;
}

/** The pairs of these mailboxes on this server; `everywhere`: on any. */
export async function pairsAmong(
  db: StateDb,
  mailboxIds: readonly number[],
  where: 'here' | 'everywhere' = 'here',
): Promise<readonly Pick<Pair, 'mailboxId' | 'delegateId' | 'login' | 'phase' | 'server' | 'inForceAt'>[]> {
  const rows = await db.query
    .selectFrom('ledger')
    .select(['mailbox_id', 'delegate_id', 'login', 'phase', 'server', 'in_force_at'])
    .where('mailbox_id', 'in', mailboxIds)
    .$if(where === 'here', (select) => select.where('server', '=', db.server))
    .execute();
  return rows.map((row) => ({
    mailboxId: row.mailbox_id,
    delegateId: row.delegate_id,
    login: row.login,
    phase: row.phase,
    server: row.server,
    inForceAt: row.in_force_at,
  }));
}

/** Of one mailbox on that server, for {@link standingFirst} and nothing else. */
export async function placesIn(
  { query }: Pick<StateDb, 'query'>,
  mailboxId: number,
  server: string,
): Promise<readonly Pick<Pair, 'id' | 'login' | 'phase' | 'inForceAt'>[]> {
  return query
    .selectFrom('ledger')
    .select(['id', 'login', 'phase', 'in_force_at as inForceAt'])
    .where('server', '=', server)
    .where('mailbox_id', '=', mailboxId)
    .execute();
}

/** How far each pair of these mailboxes has come, and since when it is in force, on whichever server: {@link phaseKey}. */
export async function phasesAmong(
  db: StateDb,
  mailboxIds: readonly number[],
): Promise<ReadonlyMap<string, Pick<Pair, 'phase' | 'inForceAt'>>> {
  const found = new Map<string, Pick<Pair, 'phase' | 'inForceAt'>>();
  for (const some of portions([...new Set(mailboxIds)], PORTION_ROWS))
    for (const { server, mailboxId, login, phase, inForceAt } of await pairsAmong(db, some, 'everywhere'))
      found.set(phaseKey(server, mailboxId, login), { phase, inForceAt });
  return found;
}

/** Of one mailbox's pairs, by their ids. */
export async function phasesOf(
  db: StateDb,
  mailboxId: number,
): Promise<ReadonlyMap<number, { readonly phase: LedgerPhase; readonly verifiedRights: string | null }>> {
  const rows = await phases(db.query, { server: db.server, mailboxId });
  return new Map(rows.map(({ id, phase, verified_rights: verifiedRights }) => [id, { phase, verifiedRights }]));
}

const phases = keptQuery((query: StateDb['query'], { server, mailboxId }: OneMailbox) =>
  query
    .selectFrom('ledger')
    .select(['id', 'phase', 'verified_rights'])
    .where('server', '=', server)
    .where('mailbox_id', '=', mailboxId),
);

/** Of one server. */
type OneMailbox = { readonly server: string; readonly mailboxId: number };

export const phaseKey = (server: string, mailboxId: number, login: string) => `${server}/${mailboxId}/${login}`;

/** All of one mailbox, by login: on this server; on another `server`, where one is named; null: on any. */
export async function pairsOf(
  db: StateDb,
  mailboxId: number,
  server: string | null = db.server,
): Promise<readonly Pair[]> {
  return server === db.server ? ownPairs(db, mailboxId) : readPairs(db, mailboxId, server);
}

const ownPairs = whileUnchanged(async (db: StateDb, mailboxId: number) => {
  const rows = await ledgerOf(db.query, { server: db.server, mailboxId });
  return rows.length === 0 ? [] : pairs(rows, await besideOf(db.query, { server: db.server, mailboxId }));
});

async function readPairs(db: StateDb, mailboxId: number, server: string | null): Promise<readonly Pair[]> {
  const rows = await db.query
    .selectFrom('ledger')
    .selectAll()
    .$if(server !== null, (select) => select.where('server', '=', server ?? ''))
    .where('mailbox_id', '=', mailboxId)
    .orderBy('login')
    .execute();
  const ids = rows.map(({ id }) => id);
  if (ids.length === 0) return [];
  const before = await db.query.selectFrom('before_entries').selectAll().where('ledger_id', 'in', ids).execute();
  const subscriptions = await db.query.selectFrom('subscriptions').selectAll().where('ledger_id', 'in', ids).execute();
  return pairs(rows, { before, subscriptions });
}

const ledgerOf = keptQuery((query: StateDb['query'], { server, mailboxId }: OneMailbox) =>
  query
    .selectFrom('ledger')
    .selectAll()
    .where('server', '=', server)
    .where('mailbox_id', '=', mailboxId)
    .orderBy('login'),
);
const before = keptQuery((query: StateDb['query'], { server, mailboxId }: OneMailbox) =>
  query
    .selectFrom('ledger as l')
    .innerJoin('before_entries as b', 'b.ledger_id', 'l.id')
    .selectAll('b')
    .where('l.server', '=', server)
    .where('l.mailbox_id', '=', mailboxId),
);
const subscriptions = keptQuery((query: StateDb['query'], { server, mailboxId }: OneMailbox) =>
  query
    .selectFrom('ledger as l')
    .innerJoin('subscriptions as s', 's.ledger_id', 'l.id')
    .selectAll('s')
    .where('l.server', '=', server)
    .where('l.mailbox_id', '=', mailboxId),
);
const besideOf = async (query: StateDb['query'], whose: OneMailbox): Promise<Beside> => ({
  before: await before(query, whose),
  subscriptions: await subscriptions(query, whose),
});

/** What stands beside the pairs, of all of them. */
interface Beside {
  readonly before: readonly Selectable<StateDatabase['before_entries']>[];
  readonly subscriptions: readonly Selectable<StateDatabase['subscriptions']>[];
}

function pairs(
  rows: readonly Selectable<StateDatabase['ledger']>[],
  { before, subscriptions }: Beside,
): readonly Pair[] {
  return rows.map((row) => ({
    id: row.id,
    mailboxId: row.mailbox_id,
    delegateId: row.delegate_id,
    address: row.address,
    server: row.server,
    ownerLogin: row.owner_login,
    login: row.login,
    identifier: row.identifier,
    phase: row.phase,
    inForceAt: row.in_force_at,
    inboxBefore: row.inbox_before === null ? undefined : canonical(row.inbox_before),
    foldersBefore: row.folders_before === null ? undefined : (JSON.parse(row.folders_before) as string[]),
    given: JSON.parse(row.given) as Rights[],
    before: before
      .filter(({ ledger_id }) => ledger_id === row.id)
      .map((entry) => ({ folder: entry.folder, folderId: entry.folder_id, rights: canonical(entry.rights) })),
    subscriptions: new Map(
      subscriptions.filter(({ ledger_id }) => ledger_id === row.id).map(({ folder, ours }) => [folder, ours !== 0]),
    ),
    subscriptionsUndone: subscriptions.some(({ ledger_id, ours }) => ledger_id === row.id && ours > 1),
    cutDone: row.cut_done === 1,
    verifiedRights: row.verified_rights === null ? undefined : canonical(row.verified_rights),
  }));
}
