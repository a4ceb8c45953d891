/**
 * Whether a delegation is in force now, and if not, why. The row may stay while a condition fails (suspended)
 * and comes back by itself when it holds again. R2, R5, R13, R14, R26.
 */
import { identifierFault } from './identifier.ts';

/** An instant, ISO 8601 in UTC with milliseconds: `2026-11-23T08:00:00.000Z`. Such strings sort as time does. */
export type Instant = string;

export interface DelegationFacts {
  readonly mailbox: {
    readonly login: string;
    readonly kind: 'PER' | 'ORG' | 'APP' | 'CAB';
    readonly eligible: boolean;
    /** Whether the directory knows the owner; null where it was never asked, or he has no identifier. R5 */
    readonly ownerListed: boolean | null;
  };
  readonly delegate: {
    readonly login: string;
    readonly state: 'active' | 'suspended';
    /** The credential's last instant, or null for no known end (R14). */
    readonly credentialValidUntil: Instant | null;
    /** Whether the directory knows him; null where it was never asked. R5, R27 */
    readonly listed: boolean | null;
  };
  readonly startsAt: Instant | null;
  readonly endsAt: Instant | null;
  /** This delegation alone: the row stays, and is not in force. */
  readonly suspended: boolean;
}

/** Why a delegation isn't in force, the first that applies in this order. */
export type NotInForce =
  | 'mailbox-kind' // not a personal mailbox (R2)
  | 'mailbox-not-eligible' // R26
  | 'owner-not-listed' // R5, of the owner
  | 'unsafe-login' // an ACL would read it as something else
  | 'self' // the owner can't be his own delegate
  | 'suspended' // this delegation
  | 'delegate-suspended' // R14: all of his
  | 'delegate-not-listed' // R5, R27: gone from the directory, or never in it
  | 'credential-lapsed' // R14
  | 'ended'
  | 'not-started';

export type Verdict = { readonly inForce: true } | { readonly inForce: false; readonly why: NotInForce };

/** The verdict at `now`. Starts are inclusive, ends and lapses exclusive: at the instant of its end it has ended. */
export function verdict(facts: DelegationFacts, now: Instant): Verdict {
  const why = obstacle(facts, now);
  return why === undefined ? { inForce: true } : { inForce: false, why };
}

function obstacle(
  { mailbox, delegate, startsAt, endsAt, suspended }: DelegationFacts,
  now: Instant,
): NotInForce | undefined {
  if (mailbox.kind !== 'PER') return 'mailbox-kind';
  if (!mailbox.eligible) return 'mailbox-not-eligible';
  if (mailbox.ownerListed === false) return 'owner-not-listed';
  if (identifierFault(mailbox.login) !== undefined || identifierFault(delegate.login) !== undefined) {
    return 'unsafe-login';
  }
  if (mailbox.login === delegate.login) return 'self';
  if (suspended) return 'suspended';
  if (delegate.state !== 'active') return 'delegate-suspended';
  if (delegate.listed === false) return 'delegate-not-listed';
  if (delegate.credentialValidUntil !== null && delegate.credentialValidUntil <= now) return 'credential-lapsed';
  if (endsAt !== null && endsAt <= now) return 'ended';
  if (startsAt !== null && startsAt > now) return 'not-started';
  return undefined;
}

const SENTENCES: Readonly<Record<NotInForce, string>> = {
  'mailbox-kind': 'only a personal mailbox (PER) can be delegated',
  'mailbox-not-eligible': 'the mailbox is not eligible for delegation',
  'owner-not-listed': 'the directory does not list the owner: his RPPS identity is not active',
  'unsafe-login': 'a login of this pair would be read by a mail server as something else',
  self: 'the owner cannot be his own delegate',
  suspended: 'this delegation is suspended',
  'delegate-suspended': 'the delegate is suspended',
  'delegate-not-listed': 'the directory does not list the delegate: his RPPS identity is not active',
  'credential-lapsed': "the delegate's credential has lapsed",
  'not-started': 'it has not started yet',
  ended: 'it has ended',
};

export function describeNotInForce(why: NotInForce): string {
  return SENTENCES[why];
}
