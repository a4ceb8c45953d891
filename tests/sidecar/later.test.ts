/** A mailbox that is to be looked at once more: at the earliest time that was asked for, and once. */
import t from 'tap';
import { openLater } from '../../bridge/sidecar/later.ts';

t.test('the earliest counts, once', async (t) => {
  const looked: number[] = [];
  let all: () => void = () => {};
  const ended = new Promise<void>((resolve) => {
    all = resolve;
  });
  const later = openLater((id) => {
    looked.push(id);
    if (looked.length === 2) all();
  });
  later.add(1, 3_600_000);
  later.add(1, 20);
  later.add(1, 3_600_000);
  later.add(2, 60);
  later.add(3, 3_600_000);
  await ended;
  t.same(looked, [1, 2]);
  later.add(1, 3_600_000);
  later.close(); // or the process would not end
});
