/** What is known of a delegation when it is judged, what the site has decided beside it, and the reasons why one is not in force. */

/** An instant, ISO 8601 in UTC with milliseconds: `2026-11-23T08:00:00.000Z`. Such strings sort as time does. */
export type Instant = string;

/** What recipients see of a message that a delegate sends for the owner: both of them, or the owner alone. R31 */
export type SendMode = 'on-behalf' | 'send-as';
export const SEND_MODES: readonly SendMode[] = ['on-behalf', 'send-as'];

export interface DelegationFacts {
  readonly mailbox: {
    readonly login: string;
    readonly kind: 'PER' | 'ORG' | 'APP' | 'CAB';
    readonly eligible: boolean;
    /** Whether its domain takes part, as the table has it; null where it has no row of its own: the site decides. R26 */
    readonly domainEligible: boolean | null;
    /** Whether the directory knows the owner; null where it was never asked, or they have no identifier. R5 */
    readonly ownerListed: boolean | null;
    /** The mail server that it is on; not given: the only one. */
    readonly server?: string;
  };
  readonly delegate: {
    readonly login: string;
    /** Of their account: R45. */
    readonly state: 'pending' | 'active' | 'suspended' | 'ended';
    readonly stateSince: Instant | null;
    /** Which version of the terms of use they accepted last; null where they were never asked. R43 */
    readonly termsVersion: string | null;
    /** The credential's last instant, or null for no known end (R14). */
    readonly credentialValidUntil: Instant | null;
    /** Whether the directory knows them; null where it was never asked. R5, R27 */
    readonly listed: boolean | null;
    /** The mail server that has a mailbox of their login; null where the table knows none. Not given: the only one. */
    readonly server?: string | null;
  };
  readonly startsAt: Instant | null;
  readonly endsAt: Instant | null;
  /** This delegation alone: the row stays, and is not in force. */
  readonly suspended: boolean;
  /** Its place among the mailbox's delegations, from 1: those that stand already first, then in the order of their ids. Not given: the first. R15 */
  readonly place?: number;
}

/** What the site has decided, beside what the table says. */
export interface PolicyRules {
  /** What a delegate counts as of whose credential no end is known. */
  readonly unknownCredential: 'valid' | 'invalid';
  /** The version of the terms that must have been accepted by whoever was asked; null: any. */
  readonly terms: string | null;
  /** How many delegates a mailbox may have, whatever the table allows; not given: any number. R15 */
  readonly maxDelegates?: number;
  /** Whether a domain without a row of its own takes part; not given: it does. R26 */
  readonly openDomains?: boolean;
  /** Mail servers that share folders with one another; not given: each shares with itself alone. */
  readonly cluster?: readonly string[];
  /** Nothing is in force at this site, whatever the table says: `mandat withdraw --all`. */
  readonly withdrawn?: boolean;
}

/** Why a delegation isn't in force, the first that applies in this order. */
export type NotInForce =
  | 'all-withdrawn' // the site has taken everything out of force
  | 'mailbox-kind' // not a personal mailbox (R2)
  | 'mailbox-not-eligible' // R26
  | 'domain-not-eligible' // R26
  | 'owner-not-listed' // R5, of the owner
  | 'unsafe-login' // an ACL would read it as something else
  | 'self' // the owner can't be their own delegate
  | 'other-server' // owner and delegate are on servers that don't share folders
  | 'suspended' // this delegation
  | 'over-limit' // R15: more rows than the site allows
  | 'account-pending' // R38, R45: they have not activated it
  | 'delegate-suspended' // R14: all of theirs
  | 'account-ended' // R45
  | 'terms-not-accepted' // R43: there is a new version
  | 'delegate-not-listed' // R5, R27: gone from the directory, or never in it
  | 'credential-unknown' // R14
  | 'credential-lapsed' // R14
  | 'ended'
  | 'not-started';
