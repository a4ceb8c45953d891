/**
 * Time that has gone by, in milliseconds, for whoever must not believe that less of it has than has. A process that is stopped sees it jump. It is
 * the further of two clocks at each look: the one that only counts may stand still while a machine sleeps, and the wall's may be set back.
 */
export type Elapsed = () => number;

export function openElapsed(
  counting: () => number = () => performance.now(),
  wall: () => number = () => Date.now(),
): Elapsed {
  let total = 0;
  let last = { counting: counting(), wall: wall() };
  return () => {
    const now = { counting: counting(), wall: wall() };
    total += Math.max(0, now.counting - last.counting, now.wall - last.wall);
    last = now;
    return total;
  };
}
