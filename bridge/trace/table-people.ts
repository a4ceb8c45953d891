/**
 * Whom the trace knows, from the delegation table: looked up at once, in a connection of its own that only reads, and remembered until somebody
 * has written there. A delegation that has ended since still counts for what was done while it stood: events come a moment later, or, read from
 * a log, much later.
 */
import { DELEGATIONS } from '../store/databases.ts';
import { dataVersionOf } from '../store/files/busy.ts';
import { open } from '../store/files/open.ts';
import type { TracedMailbox, TracedPeople } from './traced-people.ts';

export interface TablePeople extends TracedPeople {
  /** What was written to the table since is seen from now on: asked before each batch. */
  refresh(): void;
  close(): void;
}

/** Mailboxes and people by login, pairs: so many of each are remembered. */
const MOST_KNOWN = 20_000;
/** Delegations that were used last; whether they stand still is asked at each change of the table. */
const MOST_USED = 5000;
/** The servers' clocks may go before ours. */
const SLACK_MS = 5000;

interface Used {
  readonly mailbox: number;
  readonly login: string;
  readonly id: number;
  /** In ms. */
  readonly from: number;
  /** When it was seen to be gone; undefined while it stands. */
  readonly until: number | undefined;
}

/** `file`: of the table. `now` in ms. */
export function openTablePeople(file: string, now: () => number = Date.now): TablePeople {
  const database = open(file, DELEGATIONS, { readonly: true });
  const version = dataVersionOf(database);
  const findMailbox = database.prepare<[string], TracedMailbox>(
    'SELECT id, address, login, COALESCE(owner, login) AS owner FROM mailboxes WHERE login = ?',
  );
  const findDelegate = database.prepare<[string], string>('SELECT identifier FROM delegates WHERE login = ?').pluck();
  const findStanding = database.prepare<[number, string], { id: number; createdAt: string }>(
    `SELECT g.id, g.created_at AS createdAt FROM delegations g JOIN delegates d ON d.id = g.delegate_id
     WHERE g.mailbox_id = ? AND d.login = ?`,
  );
  const mailboxes = bounded<TracedMailbox | undefined>(MOST_KNOWN);
  const identifiers = bounded<string | null>(MOST_KNOWN);
  const pairs = bounded<Used | undefined>(MOST_KNOWN);
  /** The last delegation of a pair; it outlives what is remembered of the table. */
  const used = bounded<Used>(MOST_USED);
  let seen = version();

  /** Of the table as it is now. */
  const look = (pair: string, mailbox: number, login: string): Used | undefined => {
    const row = findStanding.get(mailbox, login);
    const before = used.peek(pair);
    if (row === undefined) {
      if (before !== undefined && before.until === undefined) used.set(pair, { ...before, until: now() });
      return undefined;
    }
    const from = Date.parse(row.createdAt) || 0;
    return used.set(pair, { mailbox, login, id: row.id, from, until: undefined });
  };
  const mailboxOf = (login: string) =>
    mailboxes.get(login, () => findMailbox.get(login) ?? findMailbox.get(login.toLowerCase()));
  return {
    mailboxOf,
    delegationOf: ({ id }, typed, at) => {
      const login = typed.toLowerCase();
      const pair = `${id} ${login}`;
      const before = used.peek(pair);
      const standing = pairs.get(pair, () => look(pair, id, login));
      const stood = (one: Used | undefined) =>
        one !== undefined && at >= one.from - SLACK_MS && at <= (one.until ?? Number.POSITIVE_INFINITY);
      return [standing, used.peek(pair), before].find(stood)?.id;
    },
    identifierOf: (login) =>
      identifiers.get(login, () => findDelegate.get(login.toLowerCase()) ?? mailboxOf(login)?.owner ?? null),
    refresh: () => {
      const next = version();
      if (next === seen) return;
      seen = next;
      for (const one of [mailboxes, identifiers, pairs]) one.clear();
      for (const [pair, { mailbox, login, until }] of used.all()) if (until === undefined) look(pair, mailbox, login);
    },
    close: () => void database.close(),
  };
}

/** A map of so many at most: the oldest makes room. */
function bounded<T>(most: number) {
  const known = new Map<string, { readonly value: T }>();
  const set = (key: string, value: T) => {
    known.delete(key);
    if (known.size >= most) known.delete(known.keys().next().value ?? '');
    known.set(key, { value });
    return value;
  };
  return {
    set,
    peek: (key: string) => known.get(key)?.value,
    get: (key: string, find: () => T): T => {
      const there = known.get(key);
      return there === undefined ? set(key, find()) : there.value;
    },
    all: () => [...known].map(([key, { value }]) => [key, value] as const),
    clear: () => known.clear(),
  };
}
