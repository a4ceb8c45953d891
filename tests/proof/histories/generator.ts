/**
 * Rounds: steps as they come, and between them some that belong together, because what they bring about seldom comes by itself (an entry
 * by hand that stands before a grant, a kill in the middle of a revoke). What lies between those is random again. Where several groups play
 * side by side each has its own pair in it.
 */
import fc from 'fast-check';
import type { Item } from './items.ts';
import { FIXED, PAIRS, type Pair } from './people.ts';
import { KINDS, type OwnStep, ownStep, plainStep, type SharedStep, type Step, sharedStep } from './steps.ts';

const of = <T>(values: readonly T[]) => fc.constantFrom(...values);
const pair = of(PAIRS);

const grant = (pair: Pair): OwnStep => ({ do: 'grant', pair, when: 'now' });
const revoke = (pair: Pair): OwnStep => ({ do: 'revoke', pair, by: 'sql' });
const settle: Item = { shared: { do: 'settle' } };
const sharing = (step: SharedStep): Item => ({ shared: step });

const hand = (pair: Pair, what: 'hand' | 'copy', folder: (typeof FIXED)[number], name: number): OwnStep => ({
  do: 'entry',
  at: pair.mailbox,
  what,
  delegate: pair.delegate,
  folder,
  name,
});

/** Whether a delegation has what it needs, beside its row. */
function held(what: 'suspend' | 'active' | 'eligible' | 'credential', pair: Pair, on: boolean): OwnStep {
  const { mailbox, delegate } = pair;
  switch (what) {
    case 'suspend':
      return { do: what, pair, on: !on };
    case 'active':
      return { do: what, delegate, on };
    case 'eligible':
      return { do: what, mailbox, on };
    case 'credential':
      return { do: what, delegate, until: on ? 'later' : 'past' };
  }
}

type Trap = Extract<Step, { do: 'trap' }>;
const trap = (...commands: readonly Trap['command'][]) =>
  fc
    .record({ command: of(commands), nth: of([1, 1, 2, 3]), side: of(['before', 'after'] as const) })
    .map((rest): Item => sharing({ do: 'trap', ...rest, does: 'kill' }));

/** `groups`: how many play side by side. */
export function rounds(groups: number): fc.Arbitrary<readonly Item[]> {
  const each = <T>(one: fc.Arbitrary<T>) => fc.array(one, { minLength: groups, maxLength: groups });
  const side = (steps: readonly (readonly OwnStep[])[]): Item => ({ own: steps });
  /** Each group does some of its own. */
  const stretch = (most: number) => each(fc.array(ownStep, { maxLength: most })).map((own): Item[] => [{ own }]);
  const noise = stretch(1);
  const pairs = each(pair);

  /** What stood before a grant, and should stand after it. */
  const stoodBefore = fc
    .tuple(each(fc.tuple(pair, of(FIXED))), noise, noise)
    .map(([all, first, then]): Item[] => [
      side(all.map(([pair, folder]) => [revoke(pair), hand(pair, 'hand', folder, 0), grant(pair)])),
      ...first,
      settle,
      ...then,
      side(all.map(([pair]) => [revoke(pair)])),
      settle,
    ]);

  /** Folders that have got a copy of ours. */
  const copied = fc
    .tuple(each(fc.tuple(pair, KINDS.entry)), noise)
    .map(([all, between]): Item[] => [
      side(all.map(([pair, { name }]) => [grant(pair), hand(pair, 'copy', 'INBOX', name)])),
      ...between,
      side(all.map(([pair]) => [revoke(pair)])),
    ]);

  const killedInRevoke = fc
    .tuple(pairs, trap('DELETEACL', 'DELETEACL', 'GETACL', 'SETACL'), noise)
    .map(([all, trap, then]): Item[] => [
      side(all.map((pair) => [grant(pair)])),
      settle,
      trap,
      side(all.map((pair) => [revoke(pair)])),
      ...then,
      settle,
    ]);

  const killedInGrant = fc
    .tuple(pairs, trap('SETACL', 'SETACL', 'GETACL'), noise)
    .map(([all, trap, then]): Item[] => [
      side(all.map((pair) => [revoke(pair)])),
      settle,
      trap,
      side(all.map((pair) => [grant(pair), revoke(pair)])),
      ...then,
      settle,
    ]);

  const olderTable = fc
    .tuple(pairs, noise, KINDS.restore, noise, of([true, false]))
    .map(([all, between, restore, then, accepted]): Item[] => [
      side(all.map((pair) => [grant(pair)])),
      sharing({ do: 'save' }),
      side(all.map((pair) => [revoke(pair)])),
      ...between,
      sharing(restore),
      ...then,
      ...(accepted ? [sharing({ do: 'accept' })] : []),
    ]);

  /** One group's revoke alone: of more than one it would not be clear which had begun. */
  const olderTableInRevoke = fc
    .tuple(pairs, fc.nat({ max: groups - 1 }), of(['before', 'after'] as const))
    .map(([all, whose, trapSide]): Item[] => [
      side(all.map((pair) => [grant(pair)])),
      sharing({ do: 'save' }),
      sharing({ do: 'trap', command: 'DELETEACL', nth: 1, side: trapSide, does: 'kill' }),
      side(all.map((pair, group) => (group === whose ? [revoke(pair)] : []))),
      sharing({ do: 'restore', how: 'mid-revoke' }),
    ]);

  const inSilence = fc
    .tuple(pairs, noise)
    .map(([all, then]): Item[] => [
      side(all.map((pair) => [grant(pair)])),
      settle,
      sharing({ do: 'deaf' }),
      side(all.map((pair) => [revoke(pair)])),
      ...then,
      settle,
    ]);

  const waveOfMany = fc
    .tuple(KINDS.wave, noise, of([true, false]))
    .map(([wave, then, letGo]): Item[] => [
      side(Array.from({ length: groups }, () => PAIRS.map(grant))),
      settle,
      sharing(wave),
      ...then,
      settle,
      ...(letGo ? [sharing({ do: 'letGo' })] : []),
    ]);

  /** Entries of ours that somebody changes, before and after others have done theirs. */
  const ours = ['narrow', 'widen', 'remove', 'copy'] as const;
  const changedByHand = fc
    .tuple(each(fc.tuple(pair, of(ours), of(FIXED), KINDS.entry)), noise)
    .map(([all, between]): Item[] => [
      side(
        all.map(([pair, what, folder, { name }]) => [
          grant(pair),
          { do: 'entry', at: pair.mailbox, what, delegate: pair.delegate, folder, name },
        ]),
      ),
      ...between,
      settle,
    ]);

  /** Folders as owner and delegate make, rename, move and delete them. */
  const sharedFolders = fc
    .tuple(each(fc.tuple(pair, fc.array(KINDS.folder, { minLength: 2, maxLength: 3 }), fc.boolean())))
    .map(([all]): Item[] => [
      side(all.map(([pair]) => [grant(pair)])),
      settle,
      side(
        all.map(([{ mailbox, delegate }, folders, owners]) =>
          folders.map((one, at) => ({
            ...one,
            at: mailbox,
            as: owners ? mailbox : delegate,
            op: at === 0 ? ('create' as const) : one.op,
          })),
        ),
      ),
    ]);

  /** What holds a delegation up, taken away and given back. */
  const offAndOn = fc
    .tuple(each(fc.tuple(pair, of(['suspend', 'active', 'eligible', 'credential'] as const))), noise, fc.boolean())
    .map(([all, between, settled]): Item[] => [
      side(all.map(([pair, what]) => [grant(pair), held(what, pair, false)])),
      ...(settled ? [settle] : []),
      ...between,
      side(all.map(([pair, what]) => [held(what, pair, true)])),
    ]);

  const frozen = fc
    .tuple(stretch(2), of(['thaw', 'kill', 'settle'] as const))
    .map(([between, end]): Item[] => [sharing({ do: 'freeze' }), ...between, sharing({ do: end })]);

  const away = fc
    .tuple(of(['kill', 'stop'] as const), stretch(2))
    .map(([how, between]): Item[] => [sharing({ do: how }), ...between, sharing({ do: 'start' })]);

  const together = fc.oneof(
    { arbitrary: stoodBefore, weight: 3 },
    { arbitrary: copied, weight: 2 },
    { arbitrary: killedInRevoke, weight: 3 },
    { arbitrary: killedInGrant, weight: 3 },
    { arbitrary: olderTable, weight: 3 },
    { arbitrary: olderTableInRevoke, weight: 2 },
    { arbitrary: inSilence, weight: 2 },
    { arbitrary: waveOfMany, weight: 2 },
    { arbitrary: changedByHand, weight: 3 },
    { arbitrary: sharedFolders, weight: 3 },
    { arbitrary: offAndOn, weight: 3 },
    { arbitrary: frozen, weight: 2 },
    { arbitrary: away, weight: 2 },
  );

  const one = sharedStep.map((step) => [sharing(step)]);
  return fc.noBias(
    fc
      .tuple(
        // Some grants first, or there would be little to lose.
        each(fc.array(KINDS.grant as fc.Arbitrary<OwnStep>, { minLength: 1, maxLength: 4 })),
        fc.array(
          fc.oneof(
            { arbitrary: stretch(4), weight: 4 },
            { arbitrary: one, weight: 2 },
            { arbitrary: together, weight: 2 },
          ),
          { minLength: 2, maxLength: 9, size: 'max' },
        ),
      )
      .map(([grants, items]) => [side(grants), ...items.flat()]),
  );
}

/** Of one group, with the steps alone that have been played for long: what `npm test` plays. */
export const plainHistory: fc.Arbitrary<Step[]> = fc.noBias(
  fc
    .tuple(
      fc.array(KINDS.grant, { minLength: 1, maxLength: 4 }),
      fc.array(plainStep, { minLength: 2, maxLength: 16, size: 'max' }),
    )
    .map(([grants, steps]) => [...grants, ...steps]),
);
