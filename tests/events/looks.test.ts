/** Looks because of events: at once, each mailbox once, never before what is urgent for long, and not without end. */
import t from 'tap';
import { openLooks } from '../../bridge/events/looks.ts';
import { waitFor } from '../../config/lab/wait.ts';

function opened(limits: Partial<Parameters<typeof openLooks>[0]> = {}) {
  const looked: number[] = [];
  const site = { pressed: false, now: 0, looked };
  const looks = openLooks(
    { perSecond: 1000, oneInAMinute: 3, ...limits },
    () => site.pressed,
    (id) => void looked.push(id),
    () => site.now + performance.now() / 1e6,
  );
  const until = (count: number) => waitFor(`${count} looks`, 10_000, () => looked.length >= count || undefined);
  return { ...site, site, looks, until };
}

t.test('each once, in order', async (t) => {
  const { looks, looked, until } = opened();
  for (const id of [2, 1, 3, 1, 3]) looks.add(id);
  t.equal(looks.waiting, 2, 'the first is looked at already');
  await until(3);
  t.strictSame(looked, [2, 1, 3]);
  t.equal(looks.waiting, 0);
  t.equal(looks.begun, 3);
  looks.close();
});

t.test('one mailbox so often in a minute, then later', async (t) => {
  const { site, looks, looked, until } = opened();
  for (let n = 1; n <= 3; n++) {
    looks.add(7);
    await until(n);
  }
  looks.add(7);
  looks.add(8);
  await until(4);
  t.strictSame(looked, [7, 7, 7, 8], 'another goes before it');
  t.equal(looks.waiting, 1);
  site.now = 60_001;
  await until(5);
  t.strictSame(looked, [7, 7, 7, 8, 7]);
  looks.close();
});

t.test('what is urgent goes first, but not for ever', async (t) => {
  const { site, looks, looked, until } = opened();
  site.pressed = true;
  looks.add(1);
  await new Promise((resolve) => setImmediate(resolve));
  t.strictSame(looked, []);
  site.pressed = false;
  await until(1);
  site.pressed = true;
  looks.add(2);
  // Time goes on, whether it had begun to wait when this one was added or a moment later.
  await waitFor('the second look', 10_000, () => {
    site.now += 500;
    return looked.length === 2 || undefined;
  });
  t.strictSame(looked, [1, 2]);
  looks.close();
});

t.test('closed, it looks at nothing more', async (t) => {
  const { site, looks, looked } = opened();
  site.pressed = true;
  looks.add(1);
  looks.close();
  site.pressed = false;
  looks.add(2);
  await new Promise((resolve) => setImmediate(resolve));
  t.strictSame(looked, []);
});
