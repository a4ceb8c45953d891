/**
 * What should be: the rows as they were written, and who may have what by them. Nothing here knows a server or how mandat works; it is the
 * manual's answer (docs/table.md) in a few lines, which the servers are compared with.
 */
import {
  type Account,
  type Address,
  type DelegateName,
  MAX_PAIRS,
  type MailboxName,
  type Pair,
  type Person,
} from './people.ts';

export interface Row extends Pair {
  suspended: boolean;
  starts: number | null;
  ends: number | null;
}

/** What the table says. */
export interface Table {
  rows: Row[];
  login: Record<MailboxName, Account>;
  address: Record<MailboxName, Address>;
  eligible: Record<MailboxName, boolean>;
  delegateLogin: Record<DelegateName, Person>;
  active: Record<DelegateName, boolean>;
  /** Milliseconds; null: nobody has said. */
  credential: Record<DelegateName, number | null>;
}

/** Somebody who has access: whose row it is, and at which account under which login. */
export interface Access extends Pair {
  readonly owner: Account;
  readonly who: Person;
}

export interface Model {
  table: Table;
  /** Since the last settling. */
  standing: readonly Access[];
  /** An older table was put back, and nobody has accepted it. */
  fromThePast: boolean;
  /** Revoked by mandat's own command since the last settling: never held. */
  askedFor: readonly Pair[];
  /** Whose revoke had begun on the server when an older table was put back: it gives them nothing. */
  begun: readonly Pair[];
}

export const START: Table = {
  rows: [],
  login: { alice: 'alice', bob: 'bob' },
  address: { alice: 'alice', bob: 'bob' },
  eligible: { alice: true, bob: true },
  delegateLogin: { bob: 'bob', carol: 'carol', dave: 'dave' },
  active: { bob: true, carol: true, dave: true },
  credential: { bob: null, carol: null, dave: null },
};

export const freshModel = (): Model => ({
  table: structuredClone(START),
  standing: [],
  fromThePast: false,
  askedFor: [],
  begun: [],
});

export const samePair = (a: Pair, b: Pair) => a.mailbox === b.mailbox && a.delegate === b.delegate;
const sameAccess = (a: Access, b: Access) => samePair(a, b) && a.owner === b.owner && a.who === b.who;
export const rowOf = ({ rows }: Table, pair: Pair) => rows.find((row) => samePair(row, pair));

/** Who has a delegation in force by the rows. */
export function inForce(table: Table, now: number): Access[] {
  return table.rows
    .filter((row) => {
      const until = table.credential[row.delegate];
      return (
        !row.suspended &&
        (row.starts === null || row.starts <= now) &&
        (row.ends === null || row.ends > now) &&
        (until === null || until > now) &&
        table.active[row.delegate] &&
        table.eligible[row.mailbox] &&
        table.login[row.mailbox] !== table.delegateLogin[row.delegate]
      );
    })
    .map(({ mailbox, delegate }) => ({
      mailbox,
      delegate,
      owner: table.login[mailbox],
      who: table.delegateLogin[delegate],
    }));
}

/** Those whose row has gone, and nobody asked for it by name. */
export const goneOf = ({ table, standing, askedFor }: Model): readonly Access[] =>
  standing.filter((one) => !rowOf(table, one) && !askedFor.some((pair) => samePair(pair, one)));

/** Those whose row has gone, if they are so many on the whole server that the guard holds them. `all`: the models of every group, this one's among them. */
export function held(model: Model, all: readonly Model[]): readonly Access[] {
  const sum = (of: (model: Model) => readonly Access[]) => all.reduce((total, one) => total + of(one).length, 0);
  const gone = sum(goneOf);
  return gone > MAX_PAIRS * all.length && gone * 100 > sum(({ standing }) => standing) * 30 ? goneOf(model) : [];
}

/** How it should stand when all has been worked off. */
export function settled(model: Model, now: number, all: readonly Model[]): Model {
  const wanted = inForce(model.table, now);
  const stood = model.standing.filter((old) => !model.begun.some((pair) => samePair(pair, old)));
  const given = model.fromThePast ? wanted.filter((one) => stood.some((old) => sameAccess(old, one))) : wanted;
  return { ...model, standing: [...given, ...held(model, all)], askedFor: [], begun: [] };
}

/** Whether a person loses something, once all has been worked off, that they had when it was settled last. */
export function leaves(model: Model, who: Person, now: number, all: readonly Model[]): boolean {
  const theirs = model.standing.filter((one) => one.who === who);
  if (theirs.length === 0) return false;
  const { standing } = settled(model, now, all);
  return theirs.some((one) => !standing.some((other) => sameAccess(one, other)));
}

/** Whether a person has the mail of an account, their own aside. */
export const mayEnter = ({ standing }: Model, who: Person, owner: Account) =>
  standing.some((one) => one.who === who && one.owner === owner);

/** Whether Postfix should take an address from a login: everybody their own, the owner the mailbox's, and who stands. */
export function maySendAs({ table, standing }: Model, who: Person, address: Address): boolean {
  const owns = Object.entries(table.address).some(
    ([mailbox, at]) => at === address && table.login[mailbox as MailboxName] === who,
  );
  return who === address || owns || standing.some((one) => one.who === who && table.address[one.mailbox] === address);
}

/** Instants at which time alone changes something, later than now. */
export function comingInstants({ rows, credential }: Table, now: number): number[] {
  const all = [...rows.flatMap(({ starts, ends }) => [starts, ends]), ...Object.values(credential)];
  return all.filter((at) => at !== null && at > now) as number[];
}
