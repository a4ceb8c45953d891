/** Time that has gone by, by the further of two clocks at each look. */
import t from 'tap';
import { openElapsed } from '../../bridge/shared/elapsed.ts';

t.test('no less time is believed to have gone by than has', async (t) => {
  const at = { counting: 5, wall: 1000 };
  const elapsed = openElapsed(
    () => at.counting,
    () => at.wall,
  );
  const after = (counting: number, wall: number) => {
    at.counting += counting;
    at.wall += wall;
    return elapsed();
  };
  t.equal(after(10, 10), 10);
  t.equal(after(0, 60_000), 60_010, 'a machine that slept: the counting clock stood still');
  t.equal(after(10, -3_600_000), 60_020, 'a wall clock that was set back');
  t.equal(after(5000, 0), 65_020, 'a process that was stopped while the wall clock was set back as far');
});
