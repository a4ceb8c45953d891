/**
 * Hints that wait to be handed on: the same one once, however often it comes, and no more than so many. What finds no place is dropped and
 * counted. One login has a few places only, so that whoever makes folders without end, or lies under one name, crowds out nobody else.
 */
import type { Hint } from './hint.ts';

export interface KeptHints {
  add(hint: Hint): void;
  /** So many at most, the oldest first; they are kept no more. */
  take(most: number): readonly Hint[];
  readonly size: number;
  /** How many found no place since the start. */
  readonly dropped: number;
}

export function keepHints(most = 400, mostByOne = 20): KeptHints {
  const kept = new Map<string, Hint>();
  const byUser = new Map<string, number>();
  let dropped = 0;
  const keyOf = ({ user, folders }: Hint) => JSON.stringify([user, ...folders]);
  return {
    add: (hint) => {
      const key = keyOf(hint);
      if (kept.has(key)) return;
      const own = byUser.get(hint.user) ?? 0;
      if (kept.size >= most || own >= mostByOne) {
        dropped++;
        return;
      }
      kept.set(key, hint);
      byUser.set(hint.user, own + 1);
    },
    take: (count) => {
      const taken: Hint[] = [];
      for (const [key, hint] of kept) {
        if (taken.length >= count) break;
        taken.push(hint);
        kept.delete(key);
        const left = (byUser.get(hint.user) ?? 1) - 1;
        if (left > 0) byUser.set(hint.user, left);
        else byUser.delete(hint.user);
      }
      return taken;
    },
    get size() {
      return kept.size;
    },
    get dropped() {
      return dropped;
    },
  };
}
