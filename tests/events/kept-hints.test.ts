/** Hints that wait: each once, the oldest first, and no more than there is room for. */
import t from 'tap';
import { keepHints } from '../../bridge/events/kept-hints.ts';

const hint = (user: string, ...folders: string[]) => ({ user, folders });

t.test('the same one once, the oldest first', async (t) => {
  const kept = keepHints();
  for (const one of [hint('a', 'x'), hint('b'), hint('a', 'x'), hint('a', 'y'), hint('b')]) kept.add(one);
  t.equal(kept.size, 3);
  t.strictSame(kept.take(2), [hint('a', 'x'), hint('b')]);
  t.strictSame(kept.take(9), [hint('a', 'y')]);
  t.strictSame(kept.take(9), []);
  kept.add(hint('b'));
  t.strictSame(kept.take(1), [hint('b')], 'what was handed on is news again');
  t.equal(kept.dropped, 0);
});

t.test('nobody has all places', async (t) => {
  const kept = keepHints(10, 3);
  for (let n = 0; n < 50; n++) kept.add(hint('loud', `f${n}`));
  t.equal(kept.size, 3);
  t.equal(kept.dropped, 47);
  kept.add(hint('quiet', 'one'));
  t.strictSame(kept.take(9).at(-1), hint('quiet', 'one'), 'who is quiet finds room');
  kept.add(hint('loud', 'again'));
  t.equal(kept.size, 1, 'and who was loud has places again');
});

t.test('many names together have so many', async (t) => {
  const kept = keepHints(10, 3);
  for (let n = 0; n < 50; n++) kept.add(hint(`u${n}`));
  t.equal(kept.size, 10);
  t.equal(kept.dropped, 40);
  t.strictSame(kept.take(1), [hint('u0')]);
});

t.test('names that look alike are not one', async (t) => {
  const kept = keepHints();
  for (const one of [hint('a', 'b,c'), hint('a', 'b', 'c'), hint('a"', 'b'), hint('a', '"b')]) kept.add(one);
  t.equal(kept.size, 4);
});
