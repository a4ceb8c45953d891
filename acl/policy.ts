/**
 * Whether a delegation is in force now, and if not, why. The row may stay while a condition fails (suspended)
 * and comes back by itself when it holds again. Starts are inclusive, ends and lapses exclusive: at the instant of its end it has ended.
 * R2, R5, R13, R14, R26, R27, R43, R45.
 */
import { identifierFault } from './identifier.ts';

/** An instant, ISO 8601 in UTC with milliseconds: `2026-11-23T08:00:00.000Z`. Such strings sort as time does. */
export type Instant = string;

export interface DelegationFacts {
  readonly mailbox: {
    readonly login: string;
    readonly kind: 'PER' | 'ORG' | 'APP' | 'CAB';
    readonly eligible: boolean;
    /** Whether its domain takes part. R26 */
    readonly domainEligible: boolean;
    /** Whether the directory knows the owner; null where it was never asked, or he has no identifier. R5 */
    readonly ownerListed: boolean | null;
  };
  readonly delegate: {
    readonly login: string;
    /** Of his account: R45. */
    readonly state: 'pending' | 'active' | 'suspended' | 'ended';
    readonly stateSince: Instant | null;
    /** Which version of the terms of use he accepted last; null where he was never asked. R43 */
    readonly termsVersion: string | null;
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

/** What the site has decided, beside what the table says. */
export interface PolicyRules {
  /** What a delegate counts as of whose credential no end is known. */
  readonly unknownCredential: 'valid' | 'invalid';
  /** The version of the terms that must have been accepted by whoever was asked; null: any. */
  readonly terms: string | null;
}

/** Why a delegation isn't in force, the first that applies in this order. */
export type NotInForce =
  | 'mailbox-kind' // not a personal mailbox (R2)
  | 'mailbox-not-eligible' // R26
  | 'domain-not-eligible' // R26
  | 'owner-not-listed' // R5, of the owner
  | 'unsafe-login' // an ACL would read it as something else
  | 'self' // the owner can't be his own delegate
  | 'suspended' // this delegation
  | 'account-pending' // R38, R45: he has not activated it
  | 'delegate-suspended' // R14: all of his
  | 'account-ended' // R45
  | 'terms-not-accepted' // R43: there is a new version
  | 'delegate-not-listed' // R5, R27: gone from the directory, or never in it
  | 'credential-unknown' // R14
  | 'credential-lapsed' // R14
  | 'ended'
  | 'not-started';

export type Verdict = { readonly inForce: true } | { readonly inForce: false; readonly why: NotInForce };

/** The verdict at `now`: the first condition that doesn't hold. */
export function verdict(facts: DelegationFacts, rules: PolicyRules, now: Instant): Verdict {
  const failing = CONDITIONS.find(({ holds }) => !holds(facts, now, rules));
  return failing === undefined ? { inForce: true } : { inForce: false, why: failing.why };
}

/** One condition of a delegation, as it stands. */
export interface Condition {
  readonly why: NotInForce;
  readonly holds: boolean;
  /** How it stands, a sentence. */
  readonly sentence: string;
  /** Since when it stands so, where that is known; a time to come is when it will hold. */
  readonly since: Instant | null;
  /** Until when it holds, where that is known. */
  readonly until: Instant | null;
  /** What would change it; empty where it holds. */
  readonly remedy: string;
}

/** Every condition, in the order in which they are judged. `turned`: when it last became as it is, where the condition itself can't tell. */
export function conditions(
  facts: DelegationFacts,
  rules: PolicyRules,
  now: Instant,
  turned: Readonly<Partial<Record<NotInForce, Instant>>> = {},
): readonly Condition[] {
  return CONDITIONS.map(({ why, holds, kept, broken, remedy, from, to }) => {
    const does = holds(facts, now, rules);
    const [begins, ends] = [from?.(facts) ?? null, to?.(facts) ?? null];
    return {
      why,
      holds: does,
      sentence: does ? kept : broken,
      since: (does ? begins : (ends ?? begins)) ?? turned[why] ?? null,
      until: does ? ends : null,
      remedy: does ? '' : remedy,
    };
  });
}

export function describeNotInForce(why: NotInForce): string {
  return CONDITIONS.find((condition) => condition.why === why)?.broken ?? why;
}

interface Rule {
  readonly why: NotInForce;
  readonly holds: (facts: DelegationFacts, now: Instant, rules: PolicyRules) => boolean;
  /** The sentence where it holds, and where it doesn't. */
  readonly kept: string;
  readonly broken: string;
  readonly remedy: string;
  /** Between these instants it holds, where time has a say in it: from the first on, up to the last and without it. */
  readonly from?: (facts: DelegationFacts) => Instant | null;
  readonly to?: (facts: DelegationFacts) => Instant | null;
}

const stateSince = ({ delegate }: DelegationFacts) => delegate.stateSince;
const safe = (login: string) => identifierFault(login) === undefined;
const RETURNS = 'it holds again after the next "mandat directory import" that lists this identity';

/** All of them, in the order in which they are judged: the mailbox, the pair, the person, the time. */
const CONDITIONS: readonly Rule[] = [
  {
    why: 'mailbox-kind',
    holds: ({ mailbox }) => mailbox.kind === 'PER',
    kept: 'the mailbox is personal (PER)',
    broken: 'only a personal mailbox (PER) can be delegated',
    remedy: 'none for ORG, APP and CAB; "mandat mailbox set --kind PER" where the kind is wrong',
  },
  {
    why: 'mailbox-not-eligible',
    holds: ({ mailbox }) => mailbox.eligible,
    kept: 'the mailbox is eligible for delegation',
    broken: 'the mailbox is not eligible for delegation',
    remedy: '"mandat mailbox set --eligible"',
  },
  {
    why: 'domain-not-eligible',
    holds: ({ mailbox }) => mailbox.domainEligible,
    kept: "the mailbox's domain is open to delegation",
    broken: "the mailbox's domain is not open to delegation",
    remedy: '"mandat domain set DOMAIN --eligible"',
  },
  {
    why: 'owner-not-listed',
    holds: ({ mailbox }) => mailbox.ownerListed !== false,
    kept: 'the directory has nothing against the owner',
    broken: 'the directory does not list the owner: his RPPS identity is not active',
    remedy: RETURNS,
  },
  {
    why: 'unsafe-login',
    holds: ({ mailbox, delegate }) => safe(mailbox.login) && safe(delegate.login),
    kept: 'a mail server reads both logins as one user each',
    broken: 'a login of this pair would be read by a mail server as something else',
    remedy: '"mandat mailbox set --login" or "mandat delegate set --login"',
  },
  {
    why: 'self',
    holds: ({ mailbox, delegate }) => mailbox.login !== delegate.login,
    kept: 'owner and delegate are two people',
    broken: 'the owner cannot be his own delegate',
    remedy: 'revoke it: he has all of it already',
  },
  {
    why: 'suspended',
    holds: ({ suspended }) => !suspended,
    kept: 'this delegation is not suspended',
    broken: 'this delegation is suspended',
    remedy: '"mandat resume"',
  },
  {
    why: 'account-pending',
    holds: ({ delegate }) => delegate.state !== 'pending',
    kept: "the delegate's account needs no activation",
    broken: 'the delegate has not activated his account',
    remedy: '"mandat account activate"',
    from: stateSince,
  },
  {
    why: 'delegate-suspended',
    holds: ({ delegate }) => delegate.state !== 'suspended',
    kept: 'the delegate is not suspended',
    broken: 'the delegate is suspended',
    remedy: '"mandat delegate set --state active"',
    from: stateSince,
  },
  {
    why: 'account-ended',
    holds: ({ delegate }) => delegate.state !== 'ended',
    kept: "the delegate's account has not ended",
    broken: "the delegate's account has ended",
    remedy: 'none: it has been closed for good; "mandat revoke" takes the row away',
    from: stateSince,
  },
  {
    why: 'terms-not-accepted',
    holds: ({ delegate: { termsVersion } }, _, { terms }) =>
      terms === null || termsVersion === null || termsVersion === terms,
    kept: 'no terms of use wait for the delegate to accept them',
    broken: 'the delegate has not accepted the present terms of use',
    remedy: '"mandat account accept-terms"',
  },
  {
    why: 'delegate-not-listed',
    holds: ({ delegate }) => delegate.listed !== false,
    kept: 'the directory has nothing against the delegate',
    broken: 'the directory does not list the delegate: his RPPS identity is not active',
    remedy: RETURNS,
  },
  {
    why: 'credential-unknown',
    holds: ({ delegate }, _, { unknownCredential }) =>
      delegate.credentialValidUntil !== null || unknownCredential === 'valid',
    kept: "the end of the delegate's credential is known, or counts for nothing here",
    broken: "nobody has said until when the delegate's credential is valid",
    remedy: '"mandat delegate credential", "mandat delegate sync", or [identity] unknown_credential = "valid"',
  },
  {
    why: 'credential-lapsed',
    holds: ({ delegate: { credentialValidUntil: until } }, now) => until === null || until > now,
    kept: "the delegate's credential is valid, as far as is known",
    broken: "the delegate's credential has lapsed",
    remedy: '"mandat delegate credential" once he has a new one',
    to: ({ delegate }) => delegate.credentialValidUntil,
  },
  {
    why: 'ended',
    holds: ({ endsAt }, now) => endsAt === null || endsAt > now,
    kept: 'it has not ended',
    broken: 'it has ended',
    remedy: 'revoke it and grant it anew',
    to: ({ endsAt }) => endsAt,
  },
  {
    why: 'not-started',
    holds: ({ startsAt }, now) => startsAt === null || startsAt <= now,
    kept: 'it has started',
    broken: 'it has not started yet',
    remedy: 'time: it starts by itself',
    from: ({ startsAt }) => startsAt,
  },
];
