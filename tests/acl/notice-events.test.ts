import t from 'tap';
import type { NotInForce } from '../../acl/delegation-facts.ts';
import { eventName, type Standing, type Tiding, type Told, tidings } from '../../acl/notice-events.ts';

const SOON = '2026-12-04T08:00:00.000Z';
const LATER = '2027-06-01T08:00:00.000Z';
const UP_TO = '2026-12-09T08:00:00.000Z';

const inForce: Told = { standing: 'in-force', why: null, ending: null };
const withheld = (why: NotInForce): Told => ({ standing: 'withheld', why, ending: null });
const stands = (more: Partial<Standing> = {}): Standing => ({
  verdict: { inForce: true },
  endsAt: null,
  credentialValidUntil: null,
  ...more,
});
const not = (why: NotInForce): Standing => stands({ verdict: { inForce: false, why } });

const grant = (needs: Extract<Tiding, { kind: 'grant' }>['needs'] = null): Tiding => ({ kind: 'grant', needs });
const suspend = (why: Extract<Tiding, { kind: 'suspend' }>['why']): Tiding => ({ kind: 'suspend', why });
const resume = (after: Extract<Tiding, { kind: 'resume' }>['after']): Tiding => ({ kind: 'resume', after });
const ending = (at: string, what: 'end' | 'credential'): Tiding => ({ kind: 'ending', at, what });
const revoke: Tiding = { kind: 'revoke' };

/** How it stood when told of last, how it stands now, what is told, why. */
const CASES: readonly (readonly [Told | undefined, Standing | undefined, readonly Tiding[], string])[] = [
  [undefined, stands(), [grant()], 'a grant'],
  [undefined, not('account-pending'), [grant('account')], 'R40: they have to activate their account first'],
  [undefined, not('not-started'), [grant('start')], 'it begins later'],
  [undefined, not('credential-unknown'), [grant('credential')], 'another condition'],
  [undefined, not('ended'), [], 'nobody ever had it'],
  [undefined, not('account-ended'), [], 'nobody ever had it'],
  [inForce, stands(), [], 'nothing new'],
  [inForce, undefined, [revoke], 'its row has gone'],
  [inForce, not('ended'), [revoke], 'its end has come'],
  [inForce, not('account-ended'), [revoke], 'their account has ended'],
  [inForce, not('delegate-not-listed'), [suspend('identity')], 'R5'],
  [inForce, not('owner-not-listed'), [suspend('owner-identity')], 'R5, of the owner'],
  [inForce, not('credential-lapsed'), [suspend('credential')], 'R14'],
  [inForce, not('suspended'), [suspend('suspended')], 'by somebody'],
  [inForce, not('delegate-suspended'), [suspend('suspended')], 'by somebody, all of theirs'],
  [inForce, not('terms-not-accepted'), [suspend('terms')], 'R43'],
  [inForce, not('domain-not-eligible'), [suspend('mailbox')], 'R26'],
  [inForce, not('all-withdrawn'), [suspend('setup')], 'with all others'],
  [inForce, not('unsafe-login'), [suspend('setup')], 'a login changed'],
  [withheld('suspended'), stands(), [resume('suspended')], 'back'],
  [withheld('account-pending'), stands(), [resume('account')], 'activated'],
  [withheld('not-started'), stands(), [resume('start')], 'it has begun'],
  [withheld('ended'), stands(), [resume('over')], 'its end was moved'],
  [withheld('suspended'), not('suspended'), [], 'nothing new'],
  [withheld('suspended'), not('delegate-suspended'), [], 'the same to whoever hears of it'],
  [withheld('suspended'), not('credential-lapsed'), [suspend('credential')], 'another reason'],
  [withheld('account-pending'), not('credential-unknown'), [suspend('credential')], 'something else is needed'],
  [withheld('suspended'), not('not-started'), [], 'it waits for its start, and is told of then'],
  [withheld('not-started'), not('ended'), [revoke], 'over before it began, and it was announced'],
  [withheld('suspended'), undefined, [revoke], 'revoked while suspended'],
  [withheld('ended'), undefined, [], 'told already'],
  [withheld('account-ended'), undefined, [], 'told already'],
  [withheld('ended'), not('account-ended'), [], 'over either way'],
  [withheld('ended'), not('credential-lapsed'), [], 'nothing until it is in force'],
  [inForce, stands({ endsAt: SOON }), [ending(SOON, 'end')], 'an end comes near'],
  [inForce, stands({ credentialValidUntil: SOON }), [ending(SOON, 'credential')], 'a lapse comes near'],
  [inForce, stands({ endsAt: LATER, credentialValidUntil: LATER }), [], 'not near yet'],
  [inForce, stands({ endsAt: UP_TO }), [ending(UP_TO, 'end')], 'the last instant of nearness'],
  [
    inForce,
    stands({ endsAt: UP_TO, credentialValidUntil: SOON }),
    [ending(SOON, 'credential')],
    'the first of the two',
  ],
  [{ ...inForce, ending: SOON }, stands({ endsAt: SOON }), [], 'announced already'],
  [{ ...inForce, ending: SOON }, stands({ endsAt: UP_TO }), [ending(UP_TO, 'end')], 'moved: another end'],
  [undefined, stands({ endsAt: SOON }), [grant()], 'the grant names its end itself'],
  [undefined, stands({ credentialValidUntil: SOON }), [grant(), ending(SOON, 'credential')], 'but not the lapse'],
  [
    withheld('suspended'),
    stands({ endsAt: SOON }),
    [resume('suspended'), ending(SOON, 'end')],
    'while it was suspended',
  ],
  [inForce, { ...not('suspended'), endsAt: SOON }, [suspend('suspended')], 'no end of what nobody has'],
];

t.test('what is told', async (t) => {
  for (const [told, now, expected, why] of CASES) t.same(tidings(told, now, UP_TO).tidings, expected, why);
});

t.test('told once: what was just told is never told again', async (t) => {
  for (const [told, now, , why] of CASES) {
    const { told: remembered } = tidings(told, now, UP_TO);
    t.same(tidings(remembered, now, UP_TO).tidings, [], why);
  }
});

t.test('nothing is announced where the site wants no announcement', async (t) => {
  t.same(tidings(inForce, stands({ endsAt: SOON }), null).tidings, []);
});

t.test('an end is the same event whenever it is come upon, the others are events of their moment', async (t) => {
  t.equal(eventName(17, ending(SOON, 'end'), LATER), `ending 17 ${SOON}`);
  t.equal(eventName(17, grant(), LATER), `grant 17 ${LATER}`);
  t.not(eventName(17, suspend('suspended'), SOON), eventName(17, suspend('suspended'), LATER));
});

t.test('its end is told once, whatever else keeps it from being in force afterwards', (t) => {
  for (const [first, end] of [
    [inForce, [revoke]],
    [undefined, []],
  ] as const) {
    const over = tidings(first, not('ended'), null);
    t.same(over.tidings, end);
    const suspended = tidings(over.told, not('suspended'), null);
    t.same(suspended.tidings, []);
    t.same(tidings(suspended.told, undefined, null).tidings, [], 'the row goes');
    t.same(tidings(suspended.told, stands(), null).tidings, [resume('over')], 'or its end was moved');
  }
  t.end();
});
