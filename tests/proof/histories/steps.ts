/**
 * One step of a history, as plain data, so that a history is a JSON file that can be read, edited and replayed, and stays the same when the
 * generator changes. fast-check makes and shrinks lists of them; a step that fits nothing where it comes is passed over, so that every part
 * of a history is one too (fc.commands replays by a path through its own generator, which no later version would find again).
 */
import fc from 'fast-check';
import { ACCOUNTS, ADDRESSES, DELEGATES, FIXED, MAILBOXES, NAMES, PAIRS, PEOPLE } from './people.ts';

const of = <T>(values: readonly T[]) => fc.constantFrom(...values);
const pair = of(PAIRS);
const name = fc.nat({ max: NAMES.length - 1 });

type Whose = { readonly as: (typeof PEOPLE)[number]; readonly at: (typeof ACCOUNTS)[number] };

/** An owner at home, somebody who may be a delegate there, anybody anywhere. */
const whoseFolder: fc.Arbitrary<Whose> = fc.oneof(
  { arbitrary: of(MAILBOXES).map((one): Whose => ({ as: one, at: one })), weight: 2 },
  { arbitrary: pair.map(({ mailbox, delegate }): Whose => ({ as: delegate, at: mailbox })), weight: 3 },
  { arbitrary: fc.record({ as: of(PEOPLE), at: of(ACCOUNTS) }), weight: 1 },
);

type Entry = { readonly at: (typeof ACCOUNTS)[number]; readonly delegate: (typeof DELEGATES)[number] };

const whoseEntry: fc.Arbitrary<Entry> = fc.oneof(
  { arbitrary: pair.map(({ mailbox, delegate }): Entry => ({ at: mailbox, delegate })), weight: 4 },
  { arbitrary: fc.record({ at: of(ACCOUNTS), delegate: of(DELEGATES) }), weight: 1 },
);

export const KINDS = {
  // ---- the table
  grant: fc.record({
    do: fc.constant('grant' as const),
    pair,
    when: of(['now', 'now', 'now', 'starts-soon', 'ends-soon', 'over'] as const),
  }),
  revoke: fc.record({ do: fc.constant('revoke' as const), pair, by: of(['sql', 'sql', 'command'] as const) }),
  suspend: fc.record({ do: fc.constant('suspend' as const), pair, on: fc.boolean() }),
  wave: fc.record({ do: fc.constant('wave' as const), spare: of([...PAIRS, undefined]) }),
  letGo: fc.record({ do: fc.constant('letGo' as const) }),
  credential: fc.record({
    do: fc.constant('credential' as const),
    delegate: of(DELEGATES),
    until: of(['past', 'soon', 'later', 'unknown'] as const),
  }),
  active: fc.record({ do: fc.constant('active' as const), delegate: of(DELEGATES), on: fc.boolean() }),
  eligible: fc.record({ do: fc.constant('eligible' as const), mailbox: of(MAILBOXES), on: fc.boolean() }),
  moveMailbox: fc.record({ do: fc.constant('moveMailbox' as const) }),
  moveDelegate: fc.record({ do: fc.constant('moveDelegate' as const) }),
  address: fc.record({ do: fc.constant('address' as const) }),
  save: fc.record({ do: fc.constant('save' as const) }),
  restore: fc.record({ do: fc.constant('restore' as const), how: of(['settled', 'mid-revoke', 'another', undefined]) }),
  accept: fc.record({ do: fc.constant('accept' as const) }),
  // ---- folders and entries, by people
  folder: fc
    .record({
      do: fc.constant('folder' as const),
      who: whoseFolder,
      op: of(['create', 'create', 'create', 'rename', 'rename', 'delete', 'subscribe', 'unsubscribe'] as const),
      name,
      below: fc.option(name, { nil: undefined, freq: 2 }),
      to: name,
      /** A rename puts it below another one. */
      into: fc.option(name, { nil: undefined, freq: 1 }),
      /** One of those that were made, the `name`th of them, whatever it is called. */
      there: of([true, true, true, false, undefined]),
    })
    .map(({ who, ...rest }) => ({ ...rest, ...who })),
  entry: fc
    .record({
      do: fc.constant('entry' as const),
      pair: whoseEntry,
      what: of([
        'narrow',
        'widen',
        'remove',
        'copy',
        'stranger',
        'group',
        'negative',
        'against',
        'hand',
        'unhand',
      ] as const),
      folder: of(FIXED),
      name,
    })
    .map(({ pair, ...rest }) => ({ ...rest, ...pair })),
  message: fc.oneof(
    { arbitrary: fc.record({ do: fc.constant('message' as const), as: of(PEOPLE), from: of(ADDRESSES) }), weight: 1 },
    {
      arbitrary: pair.map(({ mailbox, delegate }) => ({ do: 'message' as const, as: delegate, from: mailbox })),
      weight: 1,
    },
  ),
  // ---- faults
  kill: fc.record({ do: fc.constant('kill' as const) }),
  stop: fc.record({ do: fc.constant('stop' as const) }),
  start: fc.record({ do: fc.constant('start' as const) }),
  freeze: fc.record({ do: fc.constant('freeze' as const) }),
  thaw: fc.record({ do: fc.constant('thaw' as const) }),
  cut: fc.record({ do: fc.constant('cut' as const) }),
  deaf: fc.record({ do: fc.constant('deaf' as const) }),
  /** At a command of the sidecar's to come: it is killed, or its connections are cut, or silent, before or after the server has done it. */
  trap: fc.record({
    do: fc.constant('trap' as const),
    command: of(['SETACL', 'SETACL', 'DELETEACL', 'DELETEACL', 'GETACL', 'LIST'] as const),
    nth: of([1, 1, 1, 2, 3, 5]),
    side: of(['before', 'after'] as const),
    does: of(['kill', 'kill', 'kill', 'cut', 'deaf'] as const),
  }),
  dovecot: fc.record({ do: fc.constant('dovecot' as const) }),
  postfix: fc.record({ do: fc.constant('postfix' as const) }),
  settle: fc.record({ do: fc.constant('settle' as const) }),
} as const;

type Kinds = typeof KINDS;
type Value<A> = A extends fc.Arbitrary<infer T> ? T : never;
export type Step = { [K in keyof Kinds]: Value<Kinds[K]> }[keyof Kinds];

/** What touches the server or the whole table: every group at once. */
const SHARED = [
  'wave',
  'letGo',
  'save',
  'restore',
  'accept',
  'kill',
  'stop',
  'start',
  'freeze',
  'thaw',
  'cut',
  'deaf',
  'trap',
  'dovecot',
  'postfix',
  'settle',
] as const;

export type SharedStep = Extract<Step, { do: (typeof SHARED)[number] }>;
export type OwnStep = Exclude<Step, SharedStep>;

export const isShared = (step: Step): step is SharedStep => (SHARED as readonly string[]).includes(step.do);

/** How often each comes. Those of several forms come more often, so that each form does; servers that restart cost a second. */
const WEIGHTS: Readonly<Record<keyof Kinds, number>> = {
  grant: 16,
  revoke: 10,
  suspend: 8,
  wave: 3,
  letGo: 2,
  credential: 8,
  active: 6,
  eligible: 6,
  moveMailbox: 4,
  moveDelegate: 4,
  address: 4,
  save: 3,
  restore: 3,
  accept: 3,
  folder: 24,
  entry: 24,
  message: 8,
  kill: 4,
  stop: 3,
  start: 3,
  freeze: 3,
  thaw: 3,
  cut: 4,
  deaf: 4,
  trap: 8,
  dovecot: 2,
  postfix: 2,
  settle: 8,
};

const among = (kinds: readonly (keyof Kinds)[]): fc.Arbitrary<Step> =>
  fc.oneof(
    ...kinds.map((kind) => ({ arbitrary: KINDS[kind] as fc.Arbitrary<Step>, weight: Math.round(WEIGHTS[kind] * 2) })),
  );

const ALL = Object.keys(KINDS) as (keyof Kinds)[];

export const sharedStep = among(SHARED) as fc.Arbitrary<SharedStep>;
export const ownStep = among(
  ALL.filter((kind) => !(SHARED as readonly string[]).includes(kind)),
) as fc.Arbitrary<OwnStep>;

export const step = among(ALL);

/** Without traps, and an older table only when all has settled. */
export const plainStep = among(ALL.filter((kind) => kind !== 'trap')).map(
  (one): Step => (one.do === 'restore' ? { ...one, how: 'settled' } : one),
);

/** What kind of step it is, for the figures. Folders and messages say it themselves: it hangs on who does it, and whether they may. */
export function kindOf(step: Step): string | undefined {
  switch (step.do) {
    case 'folder':
    case 'message':
      return undefined;
    case 'grant':
      return `grant: ${step.when}`;
    case 'revoke':
      return `revoke: by ${step.by}`;
    case 'suspend':
    case 'active':
    case 'eligible':
      return `${step.do}: ${step.on}`;
    case 'credential':
      return `credential: ${step.until}`;
    case 'restore':
      return `restore: ${step.how ?? 'settled'}`;
    case 'entry':
      return `entry: ${step.what}`;
    case 'trap':
      return `trap: ${step.does} at ${step.command}`;
    default:
      return step.do;
  }
}

/** A line for people. */
export function described({ do: what, ...rest }: Step): string {
  const words = Object.entries(rest).map(([key, value]) =>
    value === undefined ? '' : `${key}=${typeof value === 'object' ? Object.values(value).join('/') : value}`,
  );
  return [what, ...words.filter((one) => one !== '')].join(' ');
}
