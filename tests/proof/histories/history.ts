/** What one history keeps while it runs. */

import type { Model } from './model.ts';
import type { Account, Fixed, Person } from './people.ts';
import type { Watchers } from './watchers.ts';
import type { World } from './world.ts';

/** Entries by folder as on the wire, by identifier: rights in alphabetical order. */
export type Entries = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface History {
  readonly world: World;
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
  /** The command of the sidecar's at which a trap sprang last, since the last settling. */
  trapped?: string | undefined;
  /** A mailbox has changed its address or login since the last settling: whose an address was when, the watchers don't know. */
  moved: boolean;
  /** Kinds of steps that did something, in words. */
  readonly played: Set<string>;
}

export const spot = (who: Person, at: Account) => `${who} at ${at}`;

/** What the servers show and the model doesn't say. */
export class Broken extends Error {
  readonly invariant: string;
  readonly what: string;
  constructor(invariant: string, what: string) {
    super(`${invariant}: ${what}`);
    this.invariant = invariant;
    this.what = what;
  }
}
