/** For how long the event loop was held is measured all the time. */
import t from 'tap';
import { type LoopHolds, openHolds, watchLoop } from '../../bridge/shared/loop-holds.ts';
import { waitFor } from '../../config/lab/wait.ts';

const NOW = '2026-11-28T08:00:00.000Z';

t.test('the longest of a minute, of an hour, and ever', async (t) => {
  const kept = openHolds();
  t.same(kept.holds(), { minuteMs: 0, hourMs: 0, longestMs: 0, longestAt: null });
  kept.add(300, NOW);
  kept.add(5, '2026-11-28T08:00:10.000Z');
  t.same(kept.holds(), { minuteMs: 300, hourMs: 300, longestMs: 300, longestAt: NOW });
  for (let span = 0; span < 5; span++) kept.add(7, NOW);
  t.match(kept.holds(), { minuteMs: 7, hourMs: 300 }, 'after a minute');
  for (let span = 0; span < 354; span++) kept.add(7, NOW);
  t.match(kept.holds(), { minuteMs: 7, hourMs: 7, longestMs: 300, longestAt: NOW }, 'after an hour');
});

t.test('a loop that is held, by whatever', async (t) => {
  const noted: LoopHolds[] = [];
  const watch = watchLoop(
    () => NOW,
    async (holds) => void noted.push(holds),
    50,
  );
  t.teardown(() => watch.close());
  await waitFor('it is noted once', 10_000, () => noted.length > 0);
  const began = performance.now();
  while (performance.now() - began < 400);
  const holds = await waitFor('the hold is noted', 10_000, () => noted.find(({ longestMs }) => longestMs > 300));
  t.ok(holds.minuteMs >= holds.longestMs);
  t.equal(holds.longestAt, NOW);
});
