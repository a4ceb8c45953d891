import fc from 'fast-check';
import t from 'tap';
import { desired, type MailboxRows, rightsOn } from '../../acl/desired.ts';
import { canonical, covers } from '../../acl/rights.ts';
import { someRights } from './rights-samples.ts';

const NOW = '2026-11-23T08:00:00.000Z';
const PAST = '2026-11-01T00:00:00.000Z';
const FUTURE = '2026-12-01T00:00:00.000Z';
const RIGHTS = canonical('lrswipkxte');

const RULES = { unknownCredential: 'valid', terms: null } as const;
const POLICY = { rights: RIGHTS, rules: RULES };
const ACCOUNT = { stateSince: null, termsVersion: null, credentialValidUntil: null, listed: null };

type Row = MailboxRows['delegations'][number];

const row = (login: string, terms: Partial<Row> = {}): Row => ({
  id: login,
  delegate: { login, state: 'active', ...ACCOUNT },
  startsAt: null,
  endsAt: null,
  suspended: false,
  ...terms,
});

const rows = (change: Partial<MailboxRows> = {}): MailboxRows => ({
  address: 'alice@example.org',
  login: 'alice',
  kind: 'PER',
  eligible: true,
  domainEligible: true,
  ownerListed: null,
  aliases: [],
  delegations: [],
  ...change,
});

t.test('a mailbox that has left the table leaves nothing standing', async (t) => {
  t.same(desired(undefined, POLICY, NOW), { delegates: [], withheld: [], senders: [] });
});

t.test('a mailbox without delegates still lets its owner send', async (t) => {
  t.same(desired(rows(), POLICY, NOW), {
    delegates: [],
    withheld: [],
    senders: [{ address: 'alice@example.org', login: 'alice' }],
  });
});

t.test('each delegate in force has the rights, each other one their reason', async (t) => {
  const delegations = [
    row('bob'),
    row('carol', { endsAt: PAST }),
    row('dave', { startsAt: FUTURE }),
    row('erin', { delegate: { login: 'erin', state: 'suspended', ...ACCOUNT } }),
    row('frank', { delegate: { login: 'frank', state: 'active', ...ACCOUNT, credentialValidUntil: PAST } }),
    row('grace', { suspended: true }),
    row('alice'),
  ];
  const { delegates, withheld } = desired(rows({ delegations }), POLICY, NOW);
  t.same(delegates, [{ login: 'bob', rights: RIGHTS }]);
  t.same(withheld, [
    { login: 'carol', why: 'ended' },
    { login: 'dave', why: 'not-started' },
    { login: 'erin', why: 'delegate-suspended' },
    { login: 'frank', why: 'credential-lapsed' },
    { login: 'grace', why: 'suspended' },
    { login: 'alice', why: 'self' },
  ]);
});

t.test('who may send: owner and delegates in force, from every address, in order', async (t) => {
  const delegations = [row('zoe'), row('bob'), row('carol', { endsAt: PAST })];
  const aliases = ['z.alice@example.org', 'a.alice@example.org'];
  t.same(desired(rows({ aliases, delegations }), POLICY, NOW).senders, [
    { address: 'a.alice@example.org', login: 'alice' },
    { address: 'a.alice@example.org', login: 'bob' },
    { address: 'a.alice@example.org', login: 'zoe' },
    { address: 'alice@example.org', login: 'alice' },
    { address: 'alice@example.org', login: 'bob' },
    { address: 'alice@example.org', login: 'zoe' },
    { address: 'z.alice@example.org', login: 'alice' },
    { address: 'z.alice@example.org', login: 'bob' },
    { address: 'z.alice@example.org', login: 'zoe' },
  ]);
});

t.test('a mailbox that may not be delegated keeps its owner and nobody else', async (t) => {
  for (const change of [{ kind: 'ORG' }, { kind: 'CAB' }, { eligible: false }] as const) {
    const { delegates, withheld, senders } = desired(rows({ ...change, delegations: [row('bob')] }), POLICY, NOW);
    t.same(delegates, [], 'nobody in force');
    t.equal(withheld.length, 1, 'the row is there and withheld');
    t.same(senders, [{ address: 'alice@example.org', login: 'alice' }], 'the owner sends as ever');
  }
});

const login = fc.constantFrom('alice', 'bob', 'carol', 'dave', 'anyone', '-x');
const time = fc.option(fc.constantFrom(PAST, NOW, FUTURE));
const anyRows: fc.Arbitrary<MailboxRows> = fc.record({
  address: fc.constant('alice@example.org'),
  login: fc.constant('alice'),
  kind: fc.constantFrom('PER', 'ORG', 'APP', 'CAB'),
  eligible: fc.boolean(),
  domainEligible: fc.boolean(),
  ownerListed: fc.option(fc.boolean()),
  aliases: fc.uniqueArray(fc.constantFrom('a@example.org', 'b@example.org', 'z@example.org')),
  delegations: fc.uniqueArray(
    fc.record({
      id: fc.constant('id'),
      delegate: fc.record({
        login,
        state: fc.constantFrom('pending', 'active', 'suspended', 'ended'),
        stateSince: fc.constant(null),
        termsVersion: fc.option(fc.constantFrom('1', '2')),
        credentialValidUntil: time,
        listed: fc.option(fc.boolean()),
      }),
      suspended: fc.boolean(),
      startsAt: time,
      endsAt: time,
    }),
    { selector: ({ delegate }) => delegate.login },
  ),
});

t.test('whatever the rows say', async () => {
  fc.assert(
    fc.property(anyRows, someRights, (given, rights) => {
      const { delegates, withheld, senders } = desired(given, { rights, rules: RULES }, NOW);
      const inForce = delegates.map((delegate) => delegate.login);
      const addresses = [given.address, ...given.aliases];
      const everyRowOnce = [...inForce, ...withheld.map((held) => held.login)].sort();
      const rulesOnce = new Set(senders.map((rule) => `${rule.address} ${rule.login}`));
      return (
        JSON.stringify(everyRowOnce) === JSON.stringify(given.delegations.map((r) => r.delegate.login).sort()) &&
        delegates.every((delegate) => delegate.rights === rights) &&
        !inForce.includes(given.login) &&
        rulesOnce.size === senders.length &&
        senders.length === addresses.length * (1 + inForce.length) &&
        addresses.every((address) => rulesOnce.has(`${address} ${given.login}`)) && // or the owner would be locked out
        senders.every((rule) => rule.login === given.login || inForce.includes(rule.login))
      );
    }),
    { numRuns: 1000 },
  );
});

t.test('special-use folders are never given x, and lose nothing else', async (t) => {
  t.equal(rightsOn({ specialUse: true }, RIGHTS), 'lrswipkte', 'a delegate cannot delete the Sent of an owner');
  t.equal(rightsOn({ specialUse: false }, RIGHTS), RIGHTS, 'other folders have all of it');
  fc.assert(
    fc.property(someRights, (rights) => {
      const special = rightsOn({ specialUse: true }, rights);
      return !special.includes('x') && covers(rights, special) && canonical(`${special}x`) === canonical(`${rights}x`);
    }),
  );
});

t.test(
  'more rows than the site allows: those that stand come first, then the order of the ids, whatever a row says of itself',
  (t) => {
    const mailbox = {
      address: 'alice@example.org',
      login: 'alice',
      kind: 'PER',
      eligible: true,
      domainEligible: null,
      ownerListed: null,
      aliases: [],
    } as const;
    const person = {
      state: 'active',
      stateSince: null,
      termsVersion: null,
      credentialValidUntil: null,
      listed: null,
    } as const;
    const delegations = ['a', 'b', 'c', 'd'].map((login, at) => ({
      id: login,
      place: at + 1,
      delegate: { login, ...person },
      startsAt: null,
      endsAt: null,
      suspended: false,
    }));
    const rules = { unknownCredential: 'valid', terms: null, maxDelegates: 2, openDomains: true } as const;
    const who = (standing: readonly string[], openDomains = true) => {
      const policy = { rights: canonical('lr'), rules: { ...rules, openDomains } };
      return desired({ ...mailbox, delegations }, policy, '2026-11-26T08:00:00.000Z', standing);
    };
    t.same(
      who([]).delegates.map(({ login }) => login),
      ['a', 'b'],
    );
    t.same(who([]).withheld, [
      { login: 'c', why: 'over-limit' },
      { login: 'd', why: 'over-limit' },
    ]);
    t.same(
      who(['d', 'c']).delegates.map(({ login }) => login),
      ['c', 'd'],
      'who has it keeps it',
    );
    t.same(
      who(['d']).delegates.map(({ login }) => login),
      ['a', 'd'],
    );
    t.same(
      who(['d', 'c', 'b']).delegates.map(({ login }) => login),
      ['c', 'd'],
      'more than allowed: who got it first',
    );
    t.notOk(
      who([]).senders.some(({ login }) => login === 'c'),
      'and nobody else may send',
    );
    t.match(
      who([], false).withheld[0],
      { why: 'domain-not-eligible' },
      'domains without a row are as the configuration has them',
    );
    t.end();
  },
);
