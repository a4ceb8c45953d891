import fc from 'fast-check';
import t from 'tap';
import type { DelegationFacts, Instant, NotInForce, PolicyRules } from '../../acl/delegation-facts.ts';
import { conditions, describeNotInForce, verdict } from '../../acl/policy.ts';

const NOW = '2026-11-23T08:00:00.000Z';
const BEFORE = '2026-11-23T07:59:59.999Z';
const AFTER = '2026-11-23T08:00:00.001Z';

interface Change {
  readonly mailbox?: Partial<DelegationFacts['mailbox']>;
  readonly delegate?: Partial<DelegationFacts['delegate']>;
  readonly startsAt?: Instant;
  readonly endsAt?: Instant;
  readonly suspended?: boolean;
  readonly place?: number;
  /** Of the site. */
  readonly withdrawn?: boolean;
  readonly cluster?: readonly string[];
}

const RULES: PolicyRules = { unknownCredential: 'invalid', terms: '2', maxDelegates: 10, openDomains: true };
const rulesOf = ({ withdrawn = false, cluster = [] }: Change): PolicyRules => ({ ...RULES, withdrawn, cluster });
const ACTIVE: DelegationFacts['delegate'] = {
  login: 'bob',
  state: 'active',
  stateSince: null,
  termsVersion: null,
  credentialValidUntil: '9999-12-31T23:59:59.999Z',
  listed: null,
};

const facts = ({ mailbox, delegate, startsAt, endsAt, suspended, place = 1 }: Change): DelegationFacts => ({
  mailbox: { login: 'alice', kind: 'PER', eligible: true, domainEligible: true, ownerListed: null, ...mailbox },
  delegate: { ...ACTIVE, ...delegate },
  startsAt: startsAt ?? null,
  endsAt: endsAt ?? null,
  suspended: suspended ?? false,
  place,
});

/** what differs from a plain delegation, why it is not in force, why that is so */
const TABLE: readonly (readonly [Change, NotInForce | undefined, string])[] = [
  [{}, undefined, 'no condition at all'],
  [{ withdrawn: true }, 'all-withdrawn', 'the site has taken everything out of force'],
  [{ withdrawn: true, mailbox: { kind: 'ORG' } }, 'all-withdrawn', 'the site before the mailbox'],
  [{ mailbox: { kind: 'ORG' } }, 'mailbox-kind', 'an organisation has no owner to stand in for (R2)'],
  [{ mailbox: { kind: 'APP' } }, 'mailbox-kind', 'an application (R2)'],
  [{ mailbox: { kind: 'CAB' } }, 'mailbox-kind', 'a practice (R2)'],
  [{ mailbox: { eligible: false } }, 'mailbox-not-eligible', 'R26'],
  [{ mailbox: { login: 'anyone' } }, 'unsafe-login', 'the owner would be everybody'],
  [{ delegate: { login: 'anyone' } }, 'unsafe-login', 'the delegate would be everybody'],
  [{ delegate: { login: '-bob' } }, 'unsafe-login', 'a negative entry'],
  [{ delegate: { login: '' } }, 'unsafe-login', 'nobody'],
  [{ delegate: { login: 'Bob' } }, 'unsafe-login', 'another user on some servers'],
  [{ mailbox: { ownerListed: false } }, 'owner-not-listed', "the owner's identity is not active (R5)"],
  [{ mailbox: { ownerListed: true }, delegate: { listed: true } }, undefined, 'both are listed'],
  [{ delegate: { listed: false } }, 'delegate-not-listed', 'R5, R27'],
  [{ delegate: { listed: false, state: 'suspended' } }, 'delegate-suspended', 'a decision before the directory'],
  [
    { delegate: { listed: false, credentialValidUntil: BEFORE } },
    'delegate-not-listed',
    'the identity before its credential',
  ],
  [{ mailbox: { eligible: false, ownerListed: false } }, 'mailbox-not-eligible', 'the mailbox before its owner'],
  [{ delegate: { login: 'alice' } }, 'self', 'the owner needs no delegation, and a revoke would lock them out'],
  [{ delegate: { state: 'suspended' } }, 'delegate-suspended', 'R5'],
  [{ delegate: { state: 'pending' } }, 'account-pending', 'R38, R45'],
  [{ delegate: { state: 'ended' } }, 'account-ended', 'R45'],
  [{ delegate: { termsVersion: '2' } }, undefined, 'the present terms'],
  [{ delegate: { termsVersion: '1' } }, 'terms-not-accepted', 'R43: a new version is asked again'],
  [{ delegate: { termsVersion: '1', state: 'pending' } }, 'account-pending', 'the account before its terms'],
  [
    { delegate: { credentialValidUntil: null } },
    'credential-unknown',
    'R14: the site has not said that it counts as valid',
  ],
  [{ mailbox: { domainEligible: false } }, 'domain-not-eligible', 'R26'],
  [{ mailbox: { domainEligible: false, eligible: false } }, 'mailbox-not-eligible', 'the mailbox before its domain'],

  [{ startsAt: NOW }, undefined, 'a start is inclusive'],
  [{ startsAt: BEFORE }, undefined, 'it has started'],
  [{ startsAt: AFTER }, 'not-started', 'a millisecond too early'],
  [{ endsAt: NOW }, 'ended', 'an end is exclusive'],
  [{ endsAt: BEFORE }, 'ended', 'it is over'],
  [{ endsAt: AFTER }, undefined, 'its last millisecond'],
  [{ delegate: { credentialValidUntil: NOW } }, 'credential-lapsed', 'a lapse is exclusive (R14)'],
  [{ delegate: { credentialValidUntil: BEFORE } }, 'credential-lapsed', 'lapsed'],
  [{ delegate: { credentialValidUntil: AFTER } }, undefined, 'its last millisecond'],
  [{ startsAt: NOW, endsAt: AFTER }, undefined, 'a delegation of one millisecond'],
  [{ startsAt: BEFORE, endsAt: NOW }, 'ended', 'the millisecond before'],

  [{ mailbox: { kind: 'ORG', eligible: false } }, 'mailbox-kind', 'the kind says more than the eligibility'],
  [{ mailbox: { eligible: false }, delegate: { login: 'anyone' } }, 'mailbox-not-eligible', 'the mailbox comes first'],
  [{ delegate: { login: 'alice', state: 'suspended' } }, 'self', 'who they are comes before what they may'],
  [{ delegate: { state: 'suspended', credentialValidUntil: BEFORE } }, 'delegate-suspended', 'somebody decided that'],
  [{ delegate: { credentialValidUntil: BEFORE }, endsAt: BEFORE }, 'credential-lapsed', 'the person before the row'],
  [{ suspended: true }, 'suspended', 'somebody decided that for this mailbox alone'],
  [{ suspended: true, delegate: { state: 'suspended' } }, 'suspended', 'the delegation before the person'],
  [{ suspended: true, endsAt: BEFORE }, 'suspended', 'a decision before time'],
  [{ mailbox: { server: 'mx1' }, delegate: { server: 'mx1' } }, undefined, 'on one server'],
  [
    { mailbox: { server: 'mx1' }, delegate: { server: null } },
    undefined,
    'without a mailbox of their own they are nowhere else',
  ],
  [{ mailbox: { server: 'mx1' }, delegate: { server: 'mx2' } }, 'other-server', 'the servers share no folders'],
  [{ mailbox: { server: 'mx1' }, delegate: { server: 'mx2' }, cluster: ['mx1', 'mx2'] }, undefined, 'these two do'],
  [{ mailbox: { server: 'mx1' }, delegate: { server: 'mx2' }, cluster: ['mx1', 'mx3'] }, 'other-server', 'others do'],
  [{ place: 10 }, undefined, 'the last of ten (R15)'],
  [{ place: 11 }, 'over-limit', 'whatever the table lets in (R15)'],
  [{ mailbox: { domainEligible: null } }, undefined, 'the site opens domains that have no row'],
];

t.test('every condition, and its boundary', async (t) => {
  for (const [change, why, reason] of TABLE) {
    const expected = why === undefined ? { inForce: true } : { inForce: false, why };
    t.same(verdict(facts(change), rulesOf(change), NOW), expected, `${JSON.stringify(change)}: ${reason}`);
  }
});

t.test('every condition as it stands, the failing one with what would change it', async (t) => {
  for (const [change, why] of TABLE) {
    const all = conditions(facts(change), rulesOf(change), NOW);
    t.equal(all.length, 19);
    const failing = all.filter(({ holds }) => !holds);
    t.equal(failing[0]?.why, why, JSON.stringify(change));
    for (const { sentence, remedy } of failing) t.ok(sentence !== '' && remedy !== '');
    for (const { sentence, remedy } of all.filter(({ holds }) => holds)) t.ok(sentence !== '' && remedy === '');
  }
  const find = (change: Change, why: NotInForce) =>
    conditions(facts(change), rulesOf(change), NOW).find((one) => one.why === why);
  const lapse = (until: Instant) => find({ delegate: { credentialValidUntil: until } }, 'credential-lapsed');
  t.match(lapse(AFTER), { holds: true, since: null, until: AFTER });
  t.match(lapse(BEFORE), { holds: false, since: BEFORE, until: null });
  t.match(find({ endsAt: NOW }, 'ended'), { holds: false, since: NOW });
  t.match(find({ startsAt: BEFORE }, 'not-started'), { holds: true, since: BEFORE });
  t.match(find({ startsAt: AFTER }, 'not-started'), { holds: false, since: AFTER }, 'when it will hold');
});

t.test('every reason has a sentence of its own', async (t) => {
  const reasons = new Set(TABLE.flatMap(([, why]) => (why === undefined ? [] : [why])));
  t.equal(reasons.size, 19, 'the table has each of them');
  t.equal(new Set([...reasons].map(describeNotInForce)).size, reasons.size);
});

const instant = fc.integer({ min: 0, max: 12 }).map((hour) => new Date(Date.UTC(2026, 10, 23, hour)).toISOString());
const anyFacts: fc.Arbitrary<DelegationFacts> = fc.record({
  mailbox: fc.record({
    login: fc.constantFrom('alice', 'bob', 'anyone'),
    kind: fc.constantFrom('PER', 'ORG'),
    eligible: fc.boolean(),
    domainEligible: fc.boolean(),
    ownerListed: fc.option(fc.boolean()),
  }),
  delegate: fc.record({
    login: fc.constant('bob'),
    state: fc.constantFrom('pending', 'active', 'suspended', 'ended'),
    stateSince: fc.constant(null),
    termsVersion: fc.option(fc.constantFrom('1', '2')),
    credentialValidUntil: fc.option(instant),
    listed: fc.option(fc.boolean()),
  }),
  startsAt: fc.option(instant),
  endsAt: fc.option(instant),
  suspended: fc.boolean(),
});

const anyRules: fc.Arbitrary<PolicyRules> = fc.record({
  unknownCredential: fc.constantFrom('valid', 'invalid'),
  terms: fc.option(fc.constantFrom('1', '2')),
});

/** Two instants, the earlier one first. */
const span = fc
  .tuple(instant, instant)
  .map(([one, other]): readonly [Instant, Instant] => (one <= other ? [one, other] : [other, one]));

/** When time alone may change the verdict: what the sidecar sleeps until. */
const instantsOf = ({ startsAt, endsAt, delegate }: DelegationFacts) =>
  [startsAt, endsAt, delegate.credentialValidUntil].filter((one): one is Instant => one !== null);

t.test(
  'between its start, its end and its lapse time changes nothing: whoever sleeps until then misses nothing',
  async () => {
    fc.assert(
      fc.property(anyFacts, anyRules, span, (given, rules, [now, later]) => {
        if (instantsOf(given).some((one) => one > now && one <= later)) return true;
        return JSON.stringify(verdict(given, rules, later)) === JSON.stringify(verdict(given, rules, now));
      }),
      { numRuns: 2000 },
    );
  },
);

t.test('once ended or lapsed, time alone never brings it back', async () => {
  fc.assert(
    fc.property(anyFacts, anyRules, span, (given, rules, [now, later]) => {
      const first = verdict(given, rules, now);
      const over = !first.inForce && (first.why === 'ended' || first.why === 'credential-lapsed');
      return !over || !verdict(given, rules, later).inForce;
    }),
    { numRuns: 2000 },
  );
});
