/**
 * The conditions of a delegation, a table: when each holds, how it is said, and what would change it. policy.ts judges by it. The order is
 * that in which they are judged, so that the first that fails is the reason that is told.
 */

import type { DelegationFacts, Instant, NotInForce, PolicyRules } from './delegation-facts.ts';
import { identifierFault } from './identifier.ts';

export interface Rule {
  readonly why: NotInForce;
  readonly holds: (facts: DelegationFacts, now: Instant, rules: PolicyRules) => boolean;
  /** The sentence where it holds, and where it doesn't. */
  readonly kept: string;
  readonly broken: string;
  /** With the commands as they are typed; MAILBOX, DOMAIN and DELEGATE stand for the names of the pair. */
  readonly remedy: string;
  /** Between these instants it holds, where time has a say in it: from the first on, up to the last and without it. */
  readonly from?: (facts: DelegationFacts) => Instant | null;
  readonly to?: (facts: DelegationFacts) => Instant | null;
}

const stateSince = ({ delegate }: DelegationFacts) => delegate.stateSince;
/** Whether who has a mailbox on the one server can be let into one on the other; one that isn't known is no obstacle. */
export function shareFolders(
  one: string | null | undefined,
  other: string | null | undefined,
  cluster: readonly string[] = [],
): boolean {
  return one == null || other == null || one === other || (cluster.includes(one) && cluster.includes(other));
}

const safe = (login: string) => identifierFault(login) === undefined;
const RETURNS = 'it holds again after the next "mandat directory import FILE" that lists this identity';

/** All of them, in the order in which they are judged: the site, the mailbox, the pair, the person, the time. */
export const CONDITIONS: readonly Rule[] = [
  {
    why: 'all-withdrawn',
    holds: (_facts, _now, { withdrawn = false }) => !withdrawn,
    kept: 'delegations are obeyed at this site',
    broken: 'all delegations of this site have been withdrawn',
    remedy: '"mandat withdraw --undo", which brings all of them back',
  },
  {
    why: 'mailbox-kind',
    holds: ({ mailbox }) => mailbox.kind === 'PER',
    kept: 'the mailbox is personal (PER)',
    broken: 'only a personal mailbox (PER) can be delegated',
    remedy: 'none for ORG, APP and CAB; "mandat mailbox set MAILBOX --kind PER" where the kind is wrong',
  },
  {
    why: 'mailbox-not-eligible',
    holds: ({ mailbox }) => mailbox.eligible,
    kept: 'the mailbox is eligible for delegation',
    broken: 'the mailbox is not eligible for delegation',
    remedy: '"mandat mailbox set MAILBOX --eligible"',
  },
  {
    why: 'domain-not-eligible',
    holds: ({ mailbox }, _, { openDomains }) => mailbox.domainEligible ?? openDomains ?? true,
    kept: "the mailbox's domain is open to delegation",
    broken: "the mailbox's domain is not open to delegation",
    remedy: '"mandat domain set DOMAIN --eligible"',
  },
  {
    why: 'owner-not-listed',
    holds: ({ mailbox }) => mailbox.ownerListed !== false,
    kept: 'the directory has nothing against the owner',
    broken: 'the directory does not list the owner: their RPPS identity is not active',
    remedy: RETURNS,
  },
  {
    why: 'unsafe-login',
    holds: ({ mailbox, delegate }) => safe(mailbox.login) && safe(delegate.login),
    kept: 'a mail server reads both logins as one user each',
    broken: 'a login of this pair would be read by a mail server as something else',
    remedy: '"mandat mailbox set MAILBOX --login LOGIN" or "mandat delegate set DELEGATE --login LOGIN"',
  },
  {
    why: 'self',
    holds: ({ mailbox, delegate }) => mailbox.login !== delegate.login,
    kept: 'owner and delegate are two people',
    broken: 'the owner cannot be their own delegate',
    remedy: '"mandat revoke MAILBOX DELEGATE": the owner has all of it already',
  },
  {
    why: 'other-server',
    holds: ({ mailbox, delegate }, _, { cluster }) => shareFolders(mailbox.server, delegate.server, cluster),
    kept: "the delegate can reach the mailbox's server",
    broken: "the delegate's own mailbox is on another mail server, which shares no folders with this one",
    remedy:
      '"mandat mailbox set MAILBOX --server SERVER" moves it; or [server] cluster, where these servers do share folders',
  },
  {
    why: 'suspended',
    holds: ({ suspended }) => !suspended,
    kept: 'this delegation is not suspended',
    broken: 'this delegation is suspended',
    remedy: '"mandat resume MAILBOX DELEGATE"',
  },
  {
    why: 'over-limit',
    holds: ({ place = 1 }, _, { maxDelegates = Number.POSITIVE_INFINITY }) => place <= maxDelegates,
    kept: 'the mailbox has no more delegates than are allowed',
    broken: 'the mailbox has more delegates than are allowed, and those before this one count',
    remedy: 'revoke another of its delegates; the limit is [policy] max_delegates',
  },
  {
    why: 'account-pending',
    holds: ({ delegate }) => delegate.state !== 'pending',
    kept: "the delegate's account needs no activation",
    broken: 'the delegate has not activated their account',
    remedy: '"mandat account activate DELEGATE --email ADDRESS --accept-terms VERSION"',
    from: stateSince,
  },
  {
    why: 'delegate-suspended',
    holds: ({ delegate }) => delegate.state !== 'suspended',
    kept: 'the delegate is not suspended',
    broken: 'the delegate is suspended',
    remedy: '"mandat delegate set DELEGATE --state active"',
    from: stateSince,
  },
  {
    why: 'account-ended',
    holds: ({ delegate }) => delegate.state !== 'ended',
    kept: "the delegate's account has not ended",
    broken: "the delegate's account has ended",
    remedy: 'none: it has been closed for good; "mandat revoke MAILBOX DELEGATE" takes the row away',
    from: stateSince,
  },
  {
    why: 'terms-not-accepted',
    holds: ({ delegate: { termsVersion } }, _, { terms }) =>
      terms === null || termsVersion === null || termsVersion === terms,
    kept: 'no terms of use wait for the delegate to accept them',
    broken: 'the delegate has not accepted the present terms of use',
    remedy: '"mandat account accept-terms DELEGATE VERSION"',
  },
  {
    why: 'delegate-not-listed',
    holds: ({ delegate }) => delegate.listed !== false,
    kept: 'the directory has nothing against the delegate',
    broken: 'the directory does not list the delegate: their RPPS identity is not active',
    remedy: RETURNS,
  },
  {
    why: 'credential-unknown',
    holds: ({ delegate }, _, { unknownCredential }) =>
      delegate.credentialValidUntil !== null || unknownCredential === 'valid',
    kept: "the end of the delegate's credential is known, or counts for nothing here",
    broken: "nobody has said until when the delegate's credential is valid",
    remedy:
      '"mandat delegate credential DELEGATE --valid-until DATE", "mandat delegate sync FILE", or [identity] unknown_credential = "valid"',
  },
  {
    why: 'credential-lapsed',
    holds: ({ delegate: { credentialValidUntil: until } }, now) => until === null || until > now,
    kept: "the delegate's credential is valid, as far as is known",
    broken: "the delegate's credential has lapsed",
    remedy: '"mandat delegate credential DELEGATE --valid-until DATE" once they have a new one',
    to: ({ delegate }) => delegate.credentialValidUntil,
  },
  {
    why: 'ended',
    holds: ({ endsAt }, now) => endsAt === null || endsAt > now,
    kept: 'it has not ended',
    broken: 'it has ended',
    remedy: '"mandat revoke MAILBOX DELEGATE", then "mandat grant MAILBOX DELEGATE"',
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
