/** Single facts in state.db: the clock's high-water mark, the table's epoch, what was learnt about the server. */
import type { Instant } from '../../../acl/delegation-facts.ts';
import { whileUnchanged } from '../unchanged.ts';
import type { StateDb } from './state-db.ts';

export type FactName =
  | 'clock' // the highest time seen
  | 'epoch' // delegation.db's random epoch
  | 'version' // and the highest version of it that we have seen
  | 'restored' // 'held' while a delegation.db older than that is obeyed only where it takes access away
  | 'withdrawn' // JSON: since when every delegation is out of force (withdrawn.ts); empty where they are obeyed
  | 'adoptions' // JSON: hand-made entries declared mandat's own, until their grant begins (adoption/adoptions.ts)
  | 'uninstall' // JSON: since when mandat is being taken off, and whom it has seen asking its map
  | 'paused' // JSON: since when, by whom and why nothing is written to the servers (pause.ts); empty where it is
  | 'pause-seen' // JSON: the last pause for which the sidecar has laid down what it had in hand
  | 'overdue' // JSON: mailboxes that the sidecar sees waiting for too long
  | 'rules' // how the table's own rules differed from the released ones at the last look; empty where they don't
  | 'imap-server' // JSON: which kind of server it is, as last seen
  | 'inherits' // 'yes' or 'no': whether INBOX's entry reaches folders without one of their own, as last seen
  | 'subscriptions-kept-by' // 'owner' or 'delegate': whose list a delegate's SUBSCRIBE writes, as last seen
  | 'state-id' // names this state.db, in the mark that it leaves in the table (foreign-state.ts)
  | 'adopting' // from which version on each mailbox is looked at for entries like ours; empty where all have been
  | 'rows-seen' // 'yes' once what stands in the table is known in rows_seen
  | 'drained' // the last audit event taken over from delegation.db
  | 'submissions-drained' // the same of submission.db, behind the epoch of that file
  | 'head-told' // the id of the end of the audit trail that was last told elsewhere: in the log, or beside the key
  | 'audit-head' // vouches for the last entry of the audit trail
  | 'trail-proof' // JSON: when all of the audit trail was proven last, and what came of it
  | 'database-lost' // JSON: the last time that the connection to PostgreSQL was lost, and when it was back
  | 'backup' // JSON: when "mandat backup" was last done, and where to
  | 'sweep' // when the last full sweep ended
  | 'sweep-begun' // JSON: the one that is going on, or was broken off (sidecar/sweeping.ts)
  | 'slow-answers' // JSON: answers of servers that passes are waiting for just now (slow-answers.ts)
  | 'trace' // JSON: how the trace of access goes (trace/trace-keeping.ts)
  | 'trace-proof' // JSON: when all of the trace was proven last, and what came of it (trace/daily-proof.ts)
  | 'trace-months' // JSON: which of its files the audit trail was told of
  | 'shared-naming' // JSON: how the server names owners' folders to others, as last learnt
  | 'folder-look' // JSON: the last round of looks at the folders of delegated mailboxes
  | 'events' // JSON: what the sidecar has heard by events since it began (events/events-seen.ts)
  | 'told-from' // delegations up to this id were there before anybody was told of any
  | 'loop' // JSON: for how long the sidecar's event loop was held
  | 'filter' // JSON: the submission filter that last ran, and for how long its loop was held
  | 'filter-messages' // JSON: how many messages that filter has answered, and how
  | 'filter-trouble' // JSON: why the sidecar's submission filter isn't running; empty while it is
  | 'sidecar'; // JSON: pid and start of the sidecar that last ran

/** A database, or a transaction in it. */
type Asked = Pick<StateDb, 'query' | 'stamp'>;

export const fact = whileUnchanged(async (db: Asked, name: FactName): Promise<string | undefined> => {
  const row = await db.query.selectFrom('facts').select('value').where('name', '=', name).executeTakeFirst();
  return row?.value;
});

export async function setFact(db: Pick<StateDb, 'query'>, name: FactName, value: string): Promise<void> {
  await db.query
    .insertInto('facts')
    .values({ name, value })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
    .execute();
}

/** One that is kept as JSON; undefined where it isn't there, or empty. */
export async function jsonFact<T extends object>(db: Asked, name: FactName): Promise<T | undefined> {
  return JSON.parse((await fact(db, name)) || 'null') ?? undefined;
}

/** Undefined empties it. */
export async function setJsonFact(
  db: Pick<StateDb, 'query'>,
  name: FactName,
  value: object | undefined,
): Promise<void> {
  await setFact(db, name, value === undefined ? '' : JSON.stringify(value));
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
