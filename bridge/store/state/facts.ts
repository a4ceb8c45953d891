/** Single facts in state.db: the clock's high-water mark, the table's epoch, what was learnt about the server. Some are the site's, some a server's. */
import type { Instant } from '../../../acl/delegation-facts.ts';
import { MAIN_SERVER } from '../main-server.ts';
import { whileUnchanged } from '../unchanged.ts';
import type { StateDb } from './state-db.ts';

/** Of the whole site: one value, however many servers it has. */
export type SiteFact =
  | 'epoch' // delegation.db's random epoch
  | 'version' // and the highest version of it that we have seen
  | 'restored' // 'held' while a delegation.db older than that is obeyed only where it takes access away
  | 'withdrawn' // JSON: since when every delegation is out of force (withdrawn.ts); empty where they are obeyed
  | 'adoptions' // JSON: hand-made entries declared mandat's own, until their grant begins (adoption/adoptions.ts)
  | 'paused' // JSON: since when, by whom and why nothing is written to the servers (pause.ts); empty where it is
  | 'rules' // how the table's own rules differed from the released ones at the last look; empty where they don't
  | 'state-id' // names this state.db, in the mark that it leaves in the table (foreign-state.ts)
  | 'adopting' // from which version on each mailbox is looked at for entries like ours; empty where all have been
  | 'rows-seen' // 'yes' once what stands in the table is known in rows_seen
  | 'drained' // the last audit event taken over from delegation.db
  | 'submissions-drained' // the same of submission.db, behind the epoch of that file
  | 'head-told' // the id of the end of the audit trail that was last told elsewhere: in the log, or beside the key
  | 'audit-head' // vouches for the last entry of the audit trail
  | 'seal-key' // a digest of the key that the audit trail is sealed with: it is the same on all machines
  | 'trail-proof' // JSON: when all of the audit trail was proven last, and what came of it
  | 'backup' // JSON: when "mandat backup" was last done, and where to
  | 'told-from'; // delegations up to this id were there before anybody was told of any

/**
 * Of one mail server and the machine that works on it: each server's sidecar notes its own. A clock is one machine's, and with it up to when
 * its sidecar has looked at what comes due; what was learnt about an IMAP server holds of that one alone.
 */
const SERVER_FACTS = [
  'clock', // the highest time seen
  'uninstall', // JSON: since when mandat is being taken off, and whom it has seen asking its map
  'pause-seen', // JSON: the last pause for which the sidecar has laid down what it had in hand
  'overdue', // JSON: mailboxes that the sidecar sees waiting for too long
  'imap-server', // JSON: which kind of server it is, as last seen
  'inherits', // 'yes' or 'no': whether INBOX's entry reaches folders without one of their own, as last seen
  'subscriptions-kept-by', // 'owner' or 'delegate': whose list a delegate's SUBSCRIBE writes, as last seen
  'database-lost', // JSON: the last time that the connection to PostgreSQL was lost, and when it was back
  'sweep', // when the last full sweep ended
  'sweep-begun', // JSON: the one that is going on, or was broken off (sidecar/sweeping.ts)
  'slow-answers', // JSON: answers of servers that passes are waiting for just now (slow-answers.ts)
  'trace', // JSON: how the trace of access goes (trace/trace-keeping.ts)
  'trace-proof', // JSON: when all of the trace was proven last, and what came of it (trace/daily-proof.ts)
  'trace-months', // JSON: which of its files the audit trail was told of
  'shared-naming', // JSON: how the server names owners' folders to others, as last learnt
  'folder-look', // JSON: the last round of looks at the folders of delegated mailboxes
  'events', // JSON: what the sidecar has heard by events since it began (events/events-seen.ts)
  'loop', // JSON: for how long the sidecar's event loop was held
  'filter', // JSON: the submission filter that last ran, and for how long its loop was held; where there are several, each its own
  'filter-messages', // JSON: how many messages that filter has answered, and how
  'filter-trouble', // JSON: why the sidecar's submission filter isn't running; empty while it is
  'portal', // JSON: what the portal has counted since it began (questions/portal-figures.ts); empty where it has ended
  'sidecar', // JSON: pid and start of the sidecar that last ran
] as const;
export type ServerFact = (typeof SERVER_FACTS)[number];

/** Of one of several filters of a server, by its name (submission/last-filter.ts): `filter/mail2`. */
const FILTER_FACTS = ['filter', 'filter-messages'] as const;
type FilterFactKind = (typeof FILTER_FACTS)[number];
export type FilterFact = `${FilterFactKind}/${string}`;

export type FactName = SiteFact | ServerFact | FilterFact;

/** Where a site's facts are read and written; and where one server's are. */
export type SiteFacts = Pick<StateDb, 'query' | 'stamp'>;
export type ServerFacts = Pick<StateDb, 'query' | 'stamp' | 'server'>;

/**
 * Of these the server's name is part of the name: `sweep@mx2`. Those of `main` stand where they stood before there was any other. One of several
 * filters' has its name behind that: `filter@mx2/mail2`, `filter@main/mail2`.
 */
const OF_SERVERS: ReadonlySet<string> = new Set(SERVER_FACTS);

const placed = ({ server = MAIN_SERVER }: Partial<ServerFacts>, name: FactName) => {
  const slash = name.indexOf('/');
  if (slash >= 0) return `${name.slice(0, slash)}@${server}${name.slice(slash)}`;
  return server === MAIN_SERVER || !OF_SERVERS.has(name) ? name : `${name}@${server}`;
};

const read = async ({ query }: SiteFacts, name: string): Promise<string | undefined> =>
  (await query.selectFrom('facts').select('value').where('name', '=', name).executeTakeFirst())?.value;

/** Its value has a line for each entry that was declared ours: it is read when it is asked for. */
const LARGE = 'adoptions';

/** There are a few dozen, and a pass asks for several: they are read together, and kept until something is written. */
const all = whileUnchanged(async ({ query }: SiteFacts, _: 'all'): Promise<ReadonlyMap<string, string>> => {
  const rows = await query.selectFrom('facts').select(['name', 'value']).where('name', '<>', LARGE).execute();
  return new Map(rows.map(({ name, value }) => [name, value]));
});

export async function fact(db: ServerFacts, name: FactName): Promise<string | undefined>;
export async function fact(db: SiteFacts, name: SiteFact): Promise<string | undefined>;
export async function fact(db: SiteFacts | ServerFacts, name: FactName): Promise<string | undefined> {
  const where = placed(db, name);
  return db.stamp === undefined || where === LARGE ? read(db, where) : (await all(db, 'all')).get(where);
}

export async function setFact(db: ServerFacts, name: FactName, value: string): Promise<void>;
export async function setFact(db: SiteFacts, name: SiteFact, value: string): Promise<void>;
export async function setFact(db: SiteFacts | ServerFacts, name: FactName, value: string): Promise<void> {
  await db.query
    .insertInto('facts')
    .values({ name: placed(db, name), value })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
    .execute();
}

/** All of one server's, its filters' among them. */
export async function forgetFacts(db: ServerFacts): Promise<void> {
  const names = SERVER_FACTS.map((name) => placed(db, name));
  await db.query.deleteFrom('facts').where('name', 'in', names).execute();
  for (const name of FILTER_FACTS) {
    const { first, behind } = filtersOf(name, db.server);
    await db.query.deleteFrom('facts').where('name', '>=', first).where('name', '<', behind).execute();
  }
}

/** The servers of which a fact stands there, whether there is a sidecar on them now or not; in the order of their names. */
export async function serversWith({ query }: SiteFacts, name: ServerFact): Promise<readonly string[]> {
  const rows = await query
    .selectFrom('facts')
    .select('name')
    .where('name', '>=', name)
    .where('name', '<', `${name}A`) // the character behind "@"
    .execute();
  const names = rows
    .map((row) => row.name)
    .filter((one) => one === name || (one.startsWith(`${name}@`) && !one.includes('/')));
  return names.map((one) => (one === name ? MAIN_SERVER : one.slice(name.length + 1))).sort();
}

/** What each filter of a server has noted of itself, wherever it runs; empty ones are passed over. Undefined server: of any. */
export async function filterFacts(
  { query }: SiteFacts,
  name: FilterFactKind,
  server?: string,
): Promise<readonly { readonly server: string; readonly filter: string; readonly value: string }[]> {
  const { first, behind } = filtersOf(name, server);
  const rows = await query
    .selectFrom('facts')
    .select(['name', 'value'])
    .where('name', '>=', first)
    .where('name', '<', behind)
    .orderBy('name')
    .execute();
  return rows.flatMap(({ name: whole, value }) => {
    const slash = whole.indexOf('/');
    if (value === '' || slash < 0) return [];
    return [{ server: whole.slice(name.length + 1, slash), filter: whole.slice(slash + 1), value }];
  });
}

/** Between which names they stand. `behind`: what begins with the character behind the last. */
function filtersOf(name: FilterFactKind, server: string | undefined) {
  return server === undefined
    ? { first: `${name}@`, behind: `${name}A` }
    : { first: `${name}@${server}/`, behind: `${name}@${server}0` };
}

/** One that is kept as JSON; undefined where it isn't there, or empty. */
export async function jsonFact<T extends object>(db: ServerFacts, name: FactName): Promise<T | undefined>;
export async function jsonFact<T extends object>(db: SiteFacts, name: SiteFact): Promise<T | undefined>;
export async function jsonFact<T extends object>(db: SiteFacts | ServerFacts, name: FactName): Promise<T | undefined> {
  return JSON.parse((await fact(db as ServerFacts, name)) || 'null') ?? undefined;
}

/** Undefined empties it. */
export async function setJsonFact(db: ServerFacts, name: FactName, value: object | undefined): Promise<void>;
export async function setJsonFact(db: SiteFacts, name: SiteFact, value: object | undefined): Promise<void>;
export async function setJsonFact(
  db: SiteFacts | ServerFacts,
  name: FactName,
  value: object | undefined,
): Promise<void> {
  await setFact(db as ServerFacts, name, value === undefined ? '' : JSON.stringify(value));
}

export interface Clock {
  /** Never runs backwards, across restarts too: a clock set back reopens nothing. */
  now(): Instant;
  /** Saves the highest time seen. */
  save(): Promise<void>;
}

export async function openClock(db: StateDb, system: () => Date = () => new Date()): Promise<Clock> {
  let highest = (await fact(db, 'clock')) ?? '';
  return {
    now: () => {
      const instant = system().toISOString();
      if (instant > highest) highest = instant;
      return highest;
    },
    save: () => setFact(db, 'clock', highest),
  };
}
