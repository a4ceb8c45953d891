/**
 * What is remembered of the table for the trace, wherever it lies: mailboxes, identifiers and pairs until somebody has written there, and the last
 * delegation of each pair longer. One that has ended since still counts for what was done while it stood: events come a moment later, or, read from
 * a log, much later.
 */
import type { TracedMailbox, TracedPeople } from './traced-people.ts';

export interface TablePeople extends TracedPeople {
  /**
   * What was written to the table since is seen from now on: asked before each batch of that source. Throws NotYet where PostgreSQL is asked first.
   */
  refresh(source: string): void;
  /** After such a batch was judged: throws NotYet where somebody that it asked for isn't known yet. It comes again as fresh as it was. */
  known(source: string): void;
  /** The same between batches: a delegation's end is to be seen when it comes, not when it is asked for. */
  look(): Promise<void>;
  close(): Promise<void>;
}

/** It has to be asked for first. */
export const UNKNOWN = Symbol('not known yet');

/** As it stands in the table now; undefined: it doesn't. */
export interface Finders {
  mailbox(login: string): TracedMailbox | undefined | typeof UNKNOWN;
  /** Their identifier. */
  delegate(login: string): string | undefined | typeof UNKNOWN;
  delegation(mailbox: number, login: string): Standing | undefined | typeof UNKNOWN;
}

export interface Standing {
  readonly id: number;
  readonly createdAt: string;
}

export interface RememberedPeople extends TracedPeople {
  /** Somebody has written to the table. */
  forget(): void;
  /** Pairs whose last delegation was seen to stand, with its id. */
  used(): readonly UsedPair[];
  /** As the table is now. */
  lookAt(pair: UsedPair): void;
}

export interface UsedPair {
  readonly mailbox: number;
  readonly login: string;
  readonly id: number;
}

interface Used extends UsedPair {
  /** In ms. */
  readonly from: number;
  /** When it was seen to be gone; undefined while it stands. */
  readonly until: number | undefined;
}

/** Mailboxes and people by login, pairs: so many of each are remembered. */
const MOST_KNOWN = 20_000;
/** Delegations that were used last; whether they stand still is asked at each change of the table. */
const MOST_USED = 5000;
/** The servers' clocks may go before ours. */
const SLACK_MS = 5000;

/** `now` in ms. */
export function rememberedPeople(find: Finders, now: () => number): RememberedPeople {
  const mailboxes = bounded<TracedMailbox | undefined>(MOST_KNOWN);
  const identifiers = bounded<string | undefined>(MOST_KNOWN);
  const pairs = bounded<Used | undefined>(MOST_KNOWN);
  /** The last delegation of a pair; it outlives what is remembered of the table. */
  const used = bounded<Used>(MOST_USED);

  const look = (pair: string, mailbox: number, login: string): Used | undefined | typeof UNKNOWN => {
    const row = find.delegation(mailbox, login);
    if (row === UNKNOWN) return UNKNOWN;
    const before = used.peek(pair);
    if (row === undefined) {
      if (before !== undefined && before.until === undefined) used.set(pair, { ...before, until: now() });
      return undefined;
    }
    const from = Date.parse(row.createdAt) || 0;
    return used.set(pair, { mailbox, login, id: row.id, from, until: undefined });
  };
  const pairOf = (mailbox: number, login: string) => `${mailbox} ${login}`;
  const exactly = (login: string) => mailboxes.get(login, () => find.mailbox(login));
  const mailboxOf = (login: string) => exactly(login) ?? exactly(login.toLowerCase());
  return {
    mailboxOf,
    delegationOf: ({ id }, typed, at) => {
      const login = typed.toLowerCase();
      const pair = pairOf(id, login);
      const before = used.peek(pair);
      const standing = pairs.get(pair, () => look(pair, id, login));
      const stood = (one: Used | undefined) =>
        one !== undefined && at >= one.from - SLACK_MS && at <= (one.until ?? Number.POSITIVE_INFINITY);
      return [standing, used.peek(pair), before].find(stood)?.id;
    },
    identifierOf: (login) =>
      identifiers.get(login, () => find.delegate(login.toLowerCase())) ?? mailboxOf(login)?.owner ?? null,
    forget: () => {
      for (const one of [mailboxes, identifiers, pairs]) one.clear();
    },
    used: () => used.all().filter(({ until }) => until === undefined),
    lookAt: ({ mailbox, login }) => void look(pairOf(mailbox, login), mailbox, login),
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
    /** Undefined where it isn't known yet, too: it is looked for again. */
    get: (key: string, find: () => T | typeof UNKNOWN): T | undefined => {
      const there = known.get(key);
      if (there !== undefined) return there.value;
      const found = find();
      return found === UNKNOWN ? undefined : set(key, found);
    },
    all: () => [...known.values()].map(({ value }) => value),
    clear: () => known.clear(),
  };
}
