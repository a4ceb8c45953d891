/**
 * Histories: steps as they come, and between them some that belong together, because what they bring about seldom comes by itself (an entry
 * by hand that stands before a grant, a kill in the middle of a revoke). What lies between those is random again.
 */
import fc from 'fast-check';
import { FIXED, PAIRS, type Pair } from './people.ts';
import { KINDS, plainStep, type Step, step } from './steps.ts';

const of = <T>(values: readonly T[]) => fc.constantFrom(...values);
const pair = of(PAIRS);
const noise = fc.array(step, { maxLength: 2 });

const grant = (pair: Pair): Step => ({ do: 'grant', pair, when: 'now' });
const revoke = (pair: Pair): Step => ({ do: 'revoke', pair, by: 'sql' });
const settle: Step = { do: 'settle' };

const hand = (pair: Pair, what: 'hand' | 'copy', folder: (typeof FIXED)[number], name: number): Step => ({
  do: 'entry',
  at: pair.mailbox,
  what,
  delegate: pair.delegate,
  folder,
  name,
});

type Trap = Extract<Step, { do: 'trap' }>;
const trap = (command: Trap['command']) =>
  fc
    .record({ nth: of([1, 1, 2, 3]), side: of(['before', 'after'] as const) })
    .map((rest): Step => ({ do: 'trap', command, ...rest, does: 'kill' }));

/** What stood before a grant, and should stand after it. */
const stoodBefore = fc
  .tuple(pair, of(FIXED), noise, noise)
  .map(([pair, folder, first, then]) => [
    revoke(pair),
    hand(pair, 'hand', folder, 0),
    grant(pair),
    ...first,
    settle,
    ...then,
    revoke(pair),
    settle,
  ]);

/** Folders that have got a copy of ours. */
const copied = fc
  .tuple(pair, KINDS.entry, noise)
  .map(([pair, { name }, between]) => [grant(pair), hand(pair, 'copy', 'INBOX', name), ...between, revoke(pair)]);

const killedInRevoke = fc
  .tuple(pair, of(['DELETEACL', 'DELETEACL', 'GETACL', 'SETACL'] as const).chain(trap), noise)
  .map(([pair, trap, then]) => [grant(pair), settle, trap, revoke(pair), ...then, settle]);

const killedInGrant = fc
  .tuple(pair, of(['SETACL', 'SETACL', 'GETACL'] as const).chain(trap), noise)
  .map(([pair, trap, then]) => [revoke(pair), settle, trap, grant(pair), revoke(pair), ...then, settle]);

const olderTable = fc
  .tuple(pair, noise, KINDS.restore, noise, of([true, false]))
  .map(([pair, between, restore, then, accepted]): Step[] => [
    grant(pair),
    { do: 'save' },
    revoke(pair),
    ...between,
    restore,
    ...then,
    ...(accepted ? [{ do: 'accept' as const }] : []),
  ]);

const olderTableInRevoke = fc
  .tuple(pair, trap('DELETEACL'))
  .map(([pair, trap]): Step[] => [
    grant(pair),
    { do: 'save' },
    { ...trap, nth: 1 } as Step,
    revoke(pair),
    { do: 'restore', how: 'mid-revoke' },
  ]);

const inSilence = fc
  .tuple(pair, noise)
  .map(([pair, then]): Step[] => [grant(pair), settle, { do: 'deaf' }, revoke(pair), ...then, settle]);

const waveOfMany = fc
  .tuple(KINDS.wave, noise, of([true, false]))
  .map(([wave, then, letGo]): Step[] => [
    ...PAIRS.map(grant),
    settle,
    wave,
    ...then,
    settle,
    ...(letGo ? [{ do: 'letGo' as const }] : []),
  ]);

const together: fc.Arbitrary<Step[]> = fc.oneof(
  { arbitrary: stoodBefore, weight: 3 },
  { arbitrary: copied, weight: 2 },
  { arbitrary: killedInRevoke, weight: 3 },
  { arbitrary: killedInGrant, weight: 3 },
  { arbitrary: olderTable, weight: 2 },
  { arbitrary: olderTableInRevoke, weight: 2 },
  { arbitrary: inSilence, weight: 1 },
  { arbitrary: waveOfMany, weight: 1 },
);

/** Some grants first, or there would be little to lose. */
const beginning = fc.array(KINDS.grant, { minLength: 1, maxLength: 4 });

export const history: fc.Arbitrary<Step[]> = fc.noBias(
  fc
    .tuple(
      beginning,
      fc.array(fc.oneof({ arbitrary: step.map((one) => [one]), weight: 6 }, { arbitrary: together, weight: 1 }), {
        minLength: 2,
        maxLength: 11,
        size: 'max',
      }),
    )
    .map(([grants, steps]) => [...grants, ...steps.flat()]),
);

/** Of the steps alone that have been played for long: what `npm test` plays. */
export const plainHistory: fc.Arbitrary<Step[]> = fc.noBias(
  fc
    .tuple(beginning, fc.array(plainStep, { minLength: 2, maxLength: 16, size: 'max' }))
    .map(([grants, steps]) => [...grants, ...steps]),
);
