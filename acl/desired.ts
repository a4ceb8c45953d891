/** What should stand on the servers for one mailbox, computed from its rows and the time alone. */

import type { DelegationFacts, Instant, NotInForce, PolicyRules, SendMode } from './delegation-facts.ts';
import { verdict } from './policy.ts';
import { type Rights, without } from './rights.ts';
import { attainable } from './tied-rights.ts';

export interface MailboxRows {
  readonly address: string;
  readonly login: string;
  readonly kind: DelegationFacts['mailbox']['kind'];
  readonly eligible: boolean;
  readonly domainEligible: DelegationFacts['mailbox']['domainEligible'];
  readonly ownerListed: boolean | null;
  readonly server?: string;
  /** Further addresses the owner sends from. */
  readonly aliases: readonly string[];
  readonly delegations: readonly (Pick<DelegationFacts, 'delegate' | 'startsAt' | 'endsAt' | 'suspended' | 'place'> & {
    readonly id: string;
    /** What recipients see of a message that they send for the owner; null: as the site has it. */
    readonly sendMode?: SendMode | null;
  })[];
}

export interface DesiredDelegate {
  readonly login: string;
  readonly rights: Rights;
}

export interface Desired {
  readonly delegates: readonly DesiredDelegate[];
  /** Delegations whose row is there and which are not in force, by delegate login. */
  readonly withheld: readonly { readonly login: string; readonly why: NotInForce }[];
  /** Every (address, login) that may send: the owner always, or they would be locked out. Sorted. */
  readonly senders: readonly SenderRule[];
}

export interface SenderRule {
  readonly address: string;
  readonly login: string;
}

export interface Policy {
  /** What a delegate may do, from `[policy]`. */
  readonly rights: Rights;
  readonly rules: PolicyRules;
  /** Nobody asks mandat any more who may send: not even the owners' own addresses are published. */
  readonly unpublished?: boolean;
}

/**
 * `rows` undefined: the mailbox is no longer in the table, nothing should stand. `standing`: logins that have it already, as mandat itself has
 * seen, the oldest first: where there are more rows than are allowed, they come before those that only say that they are old. `kept`: logins that
 * keep what they have without a row: they send as the mailbox does now, and not as an address that it has given up, which may be another's.
 */
export function desired(
  rows: MailboxRows | undefined,
  { rights, rules, unpublished = false }: Policy,
  now: Instant,
  standing: readonly string[] = [],
  kept: readonly string[] = [],
): Desired {
  if (rows === undefined) return { delegates: [], withheld: [], senders: [] };
  const delegates: DesiredDelegate[] = [];
  const withheld: { login: string; why: NotInForce }[] = [];
  const places = placesOf(rows.delegations, standing);
  for (const delegation of rows.delegations) {
    const { delegate, startsAt, endsAt, suspended } = delegation;
    const place = places.get(delegation) ?? 1;
    const judged = verdict({ mailbox: rows, delegate, startsAt, endsAt, suspended, place }, rules, now);
    if (judged.inForce) delegates.push({ login: delegate.login, rights });
    else withheld.push({ login: delegate.login, why: judged.why });
  }
  return {
    delegates,
    withheld,
    senders: unpublished ? [] : senders(rows, [...delegates.map(({ login }) => login), ...kept]),
  };
}

/** The place of each, from 1; {@link desired} says in which order. All of a mailbox's delegations must be given. */
export function placesOf<Row extends { readonly place?: number; readonly delegate: { readonly login: string } }>(
  delegations: readonly Row[],
  standing: readonly string[],
): ReadonlyMap<Row, number> {
  const rank = ({ delegate: { login } }: Row) => {
    const at = standing.indexOf(login);
    return at === -1 ? standing.length : at;
  };
  const ordered = [...delegations].sort(
    (one, other) => rank(one) - rank(other) || (one.place ?? 1) - (other.place ?? 1),
  );
  return new Map(ordered.map((row, at) => [row, at + 1]));
}

function senders(rows: MailboxRows, delegates: readonly string[]): readonly SenderRule[] {
  const logins = [...new Set([rows.login, ...delegates])].sort();
  return [rows.address, ...rows.aliases].sort().flatMap((address) => logins.map((login) => ({ address, login })));
}

/**
 * Rights a delegate should have on one folder: never `x` on a special-use folder, or they could delete the owner's Sent; nor what is
 * withheld there from everybody ({@link Folder} in bridge/reconcile/driver-interfaces.ts), nor what the server gives only together with these.
 */
export function rightsOn(
  {
    specialUse,
    withheld = '',
    ties = [],
  }: { readonly specialUse: boolean; readonly withheld?: string; readonly ties?: readonly string[] },
  rights: Rights,
): Rights {
  return attainable(without(rights, specialUse ? `x${withheld}` : withheld), ties);
}

/** Whether a rule is among these. */
export function hasRule(rules: readonly SenderRule[], { address, login }: SenderRule): boolean {
  return rules.some((rule) => rule.address === address && rule.login === login);
}
