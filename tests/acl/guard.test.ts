import fc from 'fast-check';
import t from 'tap';
import { type GuardSettings, isHeld } from '../../acl/guard.ts';

const usual: GuardSettings = { enabled: true, maxPairs: 20, maxPercent: 30 };

t.test('held: more than so many, and more than such a share', async (t) => {
  /** disappearing, all, settings, held, why */
  const rows: readonly (readonly [number, number, GuardSettings, boolean, string])[] = [
    [0, 0, usual, false, 'an empty ledger'],
    [0, 1000, usual, false, 'nothing goes'],
    [1, 1, usual, false, 'the only one, asked for by another program'],
    [20, 20, usual, false, 'all of a small site: as many as allowed'],
    [21, 21, usual, true, 'one more, and all of them'],
    [21, 70, usual, false, 'more than 20, but exactly 30 percent'],
    [21, 69, usual, true, 'more than 20 and just above 30 percent'],
    [21, 71, usual, false, 'below 30 percent'],
    [300, 1000, usual, false, 'exactly 30 percent of a large site'],
    [301, 1000, usual, true, 'one more'],
    [1000, 1000, usual, true, 'the table was emptied'],
    [1000, 1000, { ...usual, enabled: false }, false, 'switched off'],
    [1, 1000, { ...usual, maxPairs: 0, maxPercent: 0 }, true, 'the strictest: anything is held'],
    [0, 1000, { ...usual, maxPairs: 0, maxPercent: 0 }, false, 'but nothing is nothing'],
    [1000, 1000, { ...usual, maxPercent: 100 }, false, 'a share that cannot be exceeded'],
    [1, 3, { ...usual, maxPairs: 0, maxPercent: 33 }, true, '33.3 percent is more than 33'],
  ];
  for (const [disappearing, all, settings, held, why] of rows) {
    t.equal(isHeld(disappearing, all, settings), held, `${disappearing} of ${all}: ${why}`);
  }
});

t.test('whoever is held stays held when more go', async () => {
  const settings = fc.record({
    enabled: fc.boolean(),
    maxPairs: fc.nat({ max: 50 }),
    maxPercent: fc.nat({ max: 100 }),
  });
  fc.assert(
    fc.property(
      settings,
      fc.nat({ max: 200 }),
      fc.nat({ max: 200 }),
      fc.nat({ max: 200 }),
      (given, some, more, all) => {
        fc.pre(some <= more && more <= all);
        return !isHeld(some, all, given) || isHeld(more, all, given);
      },
    ),
  );
});
