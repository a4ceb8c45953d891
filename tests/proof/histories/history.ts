/** What one history keeps while it runs. */

import type { Group } from './group.ts';
import { freshModel, held, type Model } from './model.ts';
import type { Account, Fixed, Person } from './people.ts';
import type { Watchers } from './watchers.ts';
import { lastEntry, type World } from './world.ts';

/** Entries by folder as on the wire, by identifier: rights in alphabetical order. */
export type Entries = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** Histories that are played side by side on one server, a group of people each. What touches the server is the same for all of them. */
export interface Round {
  readonly world: World;
  readonly histories: readonly History[];
  /** One after the other, each settling with all of them: while what one does changes what becomes of another's. */
  inTurns: boolean;
  /** How many are in the middle of their steps, and those of them that wait to be settled together. */
  busy: number;
  waiting: Waiting[];
  /** The command of the sidecar's at which a trap sprang last, since the last settling. */
  trapped?: string | undefined;
}

export interface Waiting {
  readonly history: History;
  readonly done: (error?: unknown) => void;
}

export interface History {
  readonly world: World;
  readonly group: Group;
  readonly round: Round;
  readonly watchers: Watchers;
  model: Model;
  /** Something was changed since the last settling. */
  dirty: boolean;
  /** The table as it was saved last, and its version then. */
  saved: { readonly table: Model['table']; readonly version: number } | undefined;
  /** Entries that a person was given by hand while they had no delegation there, as they should stand whenever they have none. */
  readonly hand: Map<string, Partial<Record<Fixed, string>>>;
  /** All rights that a person was ever given there by hand: the server copies such entries to new folders. */
  readonly everByHand: Map<string, string>;
  /** Negative entries against a delegate, by account. */
  readonly against: Map<Account, Set<Person>>;
  /** Entries of nobody's whom mandat knows, as they stood after the last step of a person's. */
  readonly foreign: Map<Account, Entries>;
  /** How many rows came and went since the trail stood at `trailFrom`; undefined: not to be counted, as a table was put back. */
  counts: { grant: number; revoke: number } | undefined;
  readonly trailFrom: number;
  readonly began: number;
  /** When it was settled last, and the last entry of the trail then. */
  settledAt: number;
  settledTrail: number;
  /** A mailbox has changed its address or login since the last settling: whose an address was when, the watchers don't know. */
  moved: boolean;
  /** Kinds of steps that did something, in words. */
  readonly played: Set<string>;
}

/** All begin: nothing has happened. */
export function newRound(world: World, watchers: readonly Watchers[]): Round {
  const histories: History[] = [];
  const round: Round = { world, histories, inTurns: false, busy: 0, waiting: [], trapped: undefined };
  const last = lastEntry(world);
  for (const one of watchers) {
    histories.push({
      world,
      group: one.group,
      round,
      watchers: one,
      model: freshModel(),
      dirty: true,
      saved: undefined,
      hand: new Map(),
      everByHand: new Map(),
      against: new Map(),
      foreign: new Map(),
      counts: { grant: 0, revoke: 0 },
      trailFrom: last,
      began: Date.now(),
      settledAt: Date.now(),
      settledTrail: last,
      moved: false,
      played: new Set(),
    });
  }
  return round;
}

const models = ({ histories }: Round) => histories.map(({ model }) => model);

/** What the guard holds of this group's, as it stands now. */
export const heldOf = ({ model, round }: History) => held(model, models(round));

/** All that the guard judges by. */
export const beside = ({ round }: History) => models(round);

export const spot = (who: Person, at: Account) => `${who} at ${at}`;

/** What the servers show and the model doesn't say. */
export class Broken extends Error {
  readonly invariant: string;
  readonly what: string;
  /** In whose history. */
  group?: number;
  constructor(invariant: string, what: string) {
    super(`${invariant}: ${what}`);
    this.invariant = invariant;
    this.what = what;
  }
}
