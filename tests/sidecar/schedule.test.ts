import { mock } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import t, { type Test } from 'tap';
import {
  type GoOn,
  type Next,
  openSchedule,
  retryDelay,
  type Schedule,
  type ScheduleOptions,
  type Urgency,
} from '../../bridge/sidecar/schedule.ts';

/** A schedule whose passes begin and end when the test says so. */
interface Bench {
  readonly schedule: Schedule;
  /** Every pass that has begun, in order: mailbox and attempt. */
  readonly begun: readonly (readonly [number, number])[];
  /** Mailboxes in hand, in order of their beginning. */
  inHand(): readonly number[];
  /** The pass over a mailbox is at the end of its first phase. Whether it may go on. */
  first(mailboxId: number): boolean;
  /** Ends the pass over a mailbox, and lets what follows from it begin. */
  end(mailboxId: number, next?: Next): Promise<void>;
}

function bench(t: Test, options: Partial<ScheduleOptions> = {}): Bench {
  const begun: [number, number][] = [];
  const hands = new Map<number, (next: Next) => void>();
  const asks = new Map<number, GoOn>();
  const schedule = openSchedule({
    concurrency: 1,
    retryMinMs: 100,
    retryMaxMs: 1000,
    stuckMs: 5000,
    work: (mailboxId, attempt, goOn) => {
      asks.set(mailboxId, goOn);
      if (hands.has(mailboxId)) throw new Error(`mailbox ${mailboxId} is worked on twice at the same time`);
      begun.push([mailboxId, attempt]);
      return new Promise((resolve) => hands.set(mailboxId, resolve));
    },
    ...options,
  });
  t.teardown(async () => {
    const stopped = schedule.stop();
    for (const resolve of hands.values()) resolve('done');
    await stopped;
  });
  return {
    schedule,
    begun,
    inHand: () => [...hands.keys()],
    first: (mailboxId) => {
      const goOn = asks.get(mailboxId);
      if (goOn === undefined || !hands.has(mailboxId)) throw new Error(`mailbox ${mailboxId} is not in hand`);
      return goOn();
    },
    end: async (mailboxId, next = 'done') => {
      const resolve = hands.get(mailboxId);
      if (resolve === undefined) throw new Error(`mailbox ${mailboxId} is not in hand`);
      hands.delete(mailboxId);
      resolve(next);
      await turn();
    },
  };
}

const order = ({ begun }: Bench) => begun.map(([mailboxId]) => mailboxId);

/** Time that passes when told to. */
function ownTime(t: Test): (ms: number) => Promise<void> {
  mock.timers.enable({ apis: ['setTimeout'] });
  t.teardown(() => mock.timers.reset());
  return async (ms) => {
    mock.timers.tick(ms);
    await turn();
  };
}

t.test('news go before many that have come together, and these are not kept for ever', async (t) => {
  const { schedule, begun, inHand, end } = bench(t);
  for (let id = 1; id <= 50; id++) schedule.add(id, 'change');
  for (let id = 101; id <= 106; id++) schedule.add(id, 'change', true);
  schedule.add(40, 'change', true);
  for (let n = 0; n < 9; n++) await end(inHand()[0] ?? 0);
  const order = begun.map(([id]) => id);
  t.same(order, [1, 101, 102, 103, 2, 104, 105, 106, 3, 40], 'three news, then one of the others');
  while (begun.length < 56) await end(inHand()[0] ?? 0);
  t.equal(new Set(begun.map(([id]) => id)).size, 56, 'each of them once');
});

t.test('work begins at once, as much of it as there is room', async (t) => {
  const b = bench(t, { concurrency: 2 });
  for (const id of [1, 2, 3]) b.schedule.add(id, 'change');
  t.same(b.inHand(), [1, 2]);
  t.equal(b.schedule.queued, 3, 'in hand or waiting');
  await b.end(2);
  t.same(b.inHand(), [1, 3], 'the next when one is done');
  t.equal(b.schedule.queued, 2);
});

t.test('revokes, then changes, then the sweep', async (t) => {
  const b = bench(t);
  b.schedule.add(1, 'change');
  b.schedule.add(10, 'sweep');
  b.schedule.add(11, 'sweep');
  b.schedule.add(20, 'change');
  b.schedule.add(21, 'change');
  await b.end(1);
  t.same(b.inHand(), [20]);
  b.schedule.add(12, 'sweep');
  b.schedule.add(22, 'change');
  for (const id of [20, 21, 22, 10, 11]) await b.end(id);
  t.same(order(b), [1, 20, 21, 22, 10, 11, 12], 'changes before the sweep, each in its order');
});

t.test('a revoke waits behind nobody else: as many again as there is room', async (t) => {
  const b = bench(t, { concurrency: 2 });
  for (const id of [1, 2, 3]) b.schedule.add(id, 'change');
  for (const id of [30, 31, 32]) b.schedule.add(id, 'revoke');
  t.same(b.inHand(), [1, 2, 30, 31], 'beside the grants in hand, up to twice the limit');
  await b.end(1);
  t.same(b.inHand(), [2, 30, 31, 32], 'a revoke takes the next place');
  await b.end(2);
  await b.end(30);
  t.same(b.inHand(), [31, 32], 'a change waits until there is room below the limit');
  await b.end(31);
  t.same(b.inHand(), [32, 3]);
});

t.test('what is parked waits until it is told to go on, as urgent as it was, and looks again at news', async (t) => {
  const b = bench(t);
  for (const id of [1, 2]) b.schedule.add(id, 'change');
  await b.end(1, 'parked');
  await b.end(2, 'parked');
  b.schedule.add(3, 'revoke');
  await b.end(3, 'parked');
  await b.schedule.idle();
  t.equal(b.schedule.queued, 0, 'nothing is in hand');
  b.schedule.add(1, 'sweep');
  await b.end(1, 'parked');
  b.schedule.unpark();
  for (const id of [3, 1, 2]) await b.end(id);
  t.same(order(b), [1, 2, 3, 1, 3, 1, 2], 'the revoke first, and 1 is still a change');
  b.schedule.add(10, 'sweep');
  await b.end(10, 'parked');
  b.schedule.add(10, 'change');
  await b.end(10);
  b.schedule.unpark();
  t.same(b.inHand(), [], 'done meanwhile');
});

t.test('a sweep leaves a place free for a change', async (t) => {
  const b = bench(t, { concurrency: 3 });
  for (const id of [10, 11, 12]) b.schedule.add(id, 'sweep');
  t.same(b.inHand(), [10, 11]);
  b.schedule.add(1, 'change');
  t.same(b.inHand(), [10, 11, 1]);
  await b.end(10);
  t.same(b.inHand(), [11, 1], 'still one free');
  await b.end(1);
  t.same(b.inHand(), [11, 12]);
});

t.test('first phases first: a change gives way between its phases where another waits', async (t) => {
  const b = bench(t, { concurrency: 2 });
  for (const id of [1, 2, 3, 4]) b.schedule.add(id, 'change');
  b.schedule.add(10, 'sweep');
  t.same(b.inHand(), [1, 2]);
  for (const id of [1, 2]) {
    t.notOk(b.first(id), 'others wait');
    await b.end(id, 'rest');
  }
  t.same(b.inHand(), [3, 4]);
  t.ok(b.first(3), 'nobody waits for a first phase');
  await b.end(3);
  t.same(b.inHand(), [4, 1], 'what gave way comes back, before the sweep');
  t.ok(b.first(1), 'and does not give way again');
  b.schedule.add(5, 'change');
  t.same(b.inHand(), [4, 1, 5]);
  for (const id of [4, 1, 5, 2]) await b.end(id);
  t.same(order(b), [1, 2, 3, 4, 1, 5, 2, 10]);
});

t.test('a second phase keeps no place from a first one', async (t) => {
  const b = bench(t, { concurrency: 2 });
  for (const id of [1, 2]) b.schedule.add(id, 'change');
  t.ok(b.first(1));
  t.ok(b.first(2));
  for (const id of [3, 4, 5]) b.schedule.add(id, 'change');
  t.same(b.inHand(), [1, 2, 3, 4], 'as many first phases as there is room, beside as many second ones');
  t.notOk(b.first(3), 'and no more of these than that');
  await b.end(3, 'rest');
  t.same(b.inHand(), [1, 2, 4, 5]);
  b.schedule.add(30, 'revoke');
  t.same(b.inHand(), [1, 2, 4, 5], 'all places taken');
  await b.end(4);
  t.same(b.inHand(), [1, 2, 5, 30], 'the next is for a revoke');
});

t.test('a revoke goes on whoever waits, and finds a place beside second phases', async (t) => {
  const b = bench(t, { concurrency: 1 });
  for (const id of [30, 31, 32]) b.schedule.add(id, 'revoke');
  t.same(b.inHand(), [30, 31]);
  t.ok(b.first(30));
  t.ok(b.first(31));
  t.same(b.inHand(), [30, 31, 32]);
});

t.test('a wave of revokes: three times the connections at most, however many are in their second phase', async (t) => {
  const b = bench(t, { concurrency: 2 });
  const wave = [30, 31, 32, 33, 34, 35, 36, 37];
  for (const id of wave) b.schedule.add(id, 'revoke');
  for (const id of wave.slice(0, 6)) t.ok(b.first(id), 'goes on');
  t.same(b.inHand(), wave.slice(0, 6), 'the others wait until one of these is over');
  await b.end(31);
  t.same(b.inHand(), [30, 32, 33, 34, 35, 36]);
  await b.end(36);
  t.same(b.inHand(), [30, 32, 33, 34, 35, 37]);
});

t.test('what gave way and fails later counts on from where it was', async (t) => {
  const pass = ownTime(t);
  const b = bench(t, { retryMinMs: 100 });
  b.schedule.add(1, 'change');
  await b.end(1, 'retry');
  await pass(100);
  await b.end(1, 'rest');
  t.same(b.begun.at(-1), [1, 2], 'the same attempt goes on');
  await b.end(1, 'retry');
  await pass(199);
  t.same(b.inHand(), []);
  await pass(1);
  t.same(b.begun.at(-1), [1, 3]);
});

t.test('news of what gave way: a change again', async (t) => {
  const b = bench(t);
  b.schedule.add(1, 'change');
  b.schedule.add(2, 'change');
  await b.end(1, 'rest');
  b.schedule.add(1, 'change');
  b.schedule.add(3, 'change');
  await b.end(2);
  t.same(b.inHand(), [1], 'in the order in which changes came');
});

t.test('with one connection a sweep goes on all the same', async (t) => {
  const b = bench(t, { concurrency: 1 });
  b.schedule.add(10, 'sweep');
  t.same(b.inHand(), [10]);
});

t.test('a mailbox is never worked on twice at the same time', async (t) => {
  const b = bench(t, { concurrency: 4 });
  b.schedule.add(1, 'change');
  for (const urgency of ['change', 'sweep', 'revoke', 'revoke'] as const) b.schedule.add(1, urgency);
  b.schedule.add(2, 'change');
  t.same(b.inHand(), [1, 2], 'others go on');
  await b.end(1);
  t.same(b.inHand(), [2, 1], 'what came meanwhile is one more pass');
  await b.end(1);
  t.same(order(b), [1, 2, 1], 'and no more');
});

t.test('asked for twice at different urgencies: once, at the higher one', async (t) => {
  /** first, second, the order in which 5 and 6 are worked on, why; 6 is a change that comes between */
  const rows: readonly (readonly [Urgency, Urgency, readonly number[], string])[] = [
    ['sweep', 'change', [6, 5], 'raised: behind the changes there are'],
    ['change', 'sweep', [5, 6], 'a sweep changes nothing'],
    ['sweep', 'revoke', [5, 6], 'raised above all'],
    ['revoke', 'sweep', [5, 6], 'nothing is lowered'],
    ['revoke', 'change', [5, 6], 'nothing is lowered'],
    ['change', 'change', [5, 6], 'nor sent to the end of its line'],
  ];
  for (const [first, second, expected, why] of rows) {
    await t.test(`${first}, ${second}`, async (t) => {
      const b = bench(t);
      for (const id of [1, 2]) b.schedule.add(id, 'revoke'); // all places taken, those of revokes too
      b.schedule.add(5, first);
      b.schedule.add(6, 'change');
      b.schedule.add(5, second);
      t.equal(b.schedule.queued, 4);
      await b.end(1);
      await b.end(2);
      for (const id of expected) if (b.inHand().includes(id)) await b.end(id);
      for (const id of b.inHand()) await b.end(id);
      t.same(order(b).slice(2), expected, why);
    });
  }
});

t.test('back-off: twice as long each time, up to the longest', async (t) => {
  const pass = ownTime(t);
  const b = bench(t, { retryMinMs: 100, retryMaxMs: 1000 });
  b.schedule.add(1, 'change');
  for (const [index, delay] of [100, 200, 400, 800, 1000, 1000].entries()) {
    await b.end(1, 'retry');
    await pass(delay - 1);
    t.same(b.inHand(), [], `attempt ${index + 2} not before ${delay} ms`);
    await pass(1);
    t.same(b.begun.at(-1), [1, index + 2], 'but then, and it knows its number');
  }
  await b.end(1, 'done');
  b.schedule.add(1, 'change');
  t.same(b.begun.at(-1), [1, 1], 'a success starts the count again');
  await b.end(1, 'retry');
  await pass(100);
  t.same(b.begun.at(-1), [1, 2], 'and the delay');
});

t.test('delays', async (t) => {
  const rows = [
    [1, 100, 5000, 100, 'the first'],
    [2, 100, 5000, 200, 'twice as long'],
    [6, 100, 5000, 3200, 'and again'],
    [7, 100, 5000, 5000, 'never longer than this'],
    [10_000, 100, 5000, 5000, 'however often'],
    [10_000, 1, Number.MAX_SAFE_INTEGER, 2 ** 30, 'and never infinite'],
  ] as const;
  for (const [attempt, min, max, expected, why] of rows) t.equal(retryDelay(attempt, min, max), expected, why);
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 100 }),
      fc.integer({ min: 1, max: 1000 }),
      fc.nat({ max: 10_000 }),
      (n, min, more) => {
        const delay = retryDelay(n, min, min + more);
        return min <= delay && delay <= min + more && delay <= retryDelay(n + 1, min, min + more);
      },
    ),
  );
});

t.test('stuck: once more soon, then seldom, at once where there is news, and never for a sweep', async (t) => {
  const pass = ownTime(t);
  const b = bench(t, { retryMinMs: 100, retryMaxMs: 1000, stuckMs: 60_000 });
  b.schedule.add(1, 'change');
  await b.end(1, 'stuck');
  t.ok(b.schedule.isStuck(1));
  await pass(100);
  t.same(b.begun.at(-1), [1, 2]);
  for (const attempt of [3, 4]) {
    await b.end(1, 'stuck');
    b.schedule.add(1, 'sweep');
    await pass(59_999);
    t.same(b.inHand(), [], 'a sweep leaves it alone');
    await pass(1);
    t.same(b.begun.at(-1), [1, attempt]);
  }
  await b.end(1, 'stuck');
  b.schedule.add(1, 'change');
  t.same(b.begun.at(-1), [1, 1], 'news: at once');
  await b.end(1, 'stuck');
  await pass(100);
  t.same(b.begun.at(-1), [1, 2], 'and once more soon');
  await b.end(1, 'stuck');
  b.schedule.wakeStuck();
  t.same(b.inHand(), [1], 'woken');
  await b.end(1, 'retry');
  b.schedule.wakeStuck();
  t.same(b.inHand(), [], 'what passes by itself is not');
  t.notOk(b.schedule.isStuck(1));
  b.schedule.add(1, 'sweep');
  t.same(b.inHand(), [1]);
  await b.end(1);
});

t.test('a revoke that waits for a place: at short intervals, however often', async (t) => {
  const pass = ownTime(t);
  const b = bench(t, { retryMinMs: 100, retryMaxMs: 100_000 });
  b.schedule.add(1, 'revoke');
  for (const attempt of [2, 3, 4, 5, 6, 7]) {
    await b.end(1, 'soon');
    await pass(100);
    t.same(b.begun.at(-1), [1, attempt]);
  }
});

t.test('a mailbox that fails keeps no other from its turn', async (t) => {
  const pass = ownTime(t);
  const b = bench(t);
  b.schedule.add(1, 'change');
  b.schedule.add(2, 'change');
  await b.end(1, 'retry');
  t.same(b.inHand(), [2]);
  await pass(100);
  t.same(b.inHand(), [2], 'its next attempt waits for room like any other');
  await b.end(2);
  t.same(b.inHand(), [1]);
});

t.test('news of a mailbox that waits for its retry: at once, and the retry is spent', async (t) => {
  const pass = ownTime(t);
  const b = bench(t);
  b.schedule.add(1, 'change');
  await b.end(1, 'retry');
  b.schedule.add(1, 'change');
  t.same(b.begun.at(-1), [1, 2], 'at once, as the second attempt');
  await b.end(1, 'done');
  await pass(3_600_000);
  t.equal(b.begun.length, 2, 'no third');
});

t.test('news during a pass that fails: at once, and one retry, not two', async (t) => {
  const pass = ownTime(t);
  const b = bench(t);
  b.schedule.add(1, 'change');
  b.schedule.add(1, 'change');
  await b.end(1, 'retry');
  t.same(
    b.begun,
    [
      [1, 1],
      [1, 2],
    ],
    'what came meanwhile needs no waiting',
  );
  await b.end(1, 'retry');
  await pass(199);
  t.same(b.inHand(), [], 'the second failure backs off as a second failure does');
  await pass(1);
  await b.end(1, 'done');
  await pass(3_600_000);
  t.equal(b.begun.length, 3, 'nothing of the first failure is left');
});

t.test('what failed in a sweep is tried again as one: it takes no place that a grant would have', async (t) => {
  const pass = ownTime(t);
  const b = bench(t, { concurrency: 2 });
  for (const id of [1, 2, 3]) b.schedule.add(id, 'sweep');
  for (const id of [1, 2]) await b.end(id, id === 1 ? 'retry' : 'stuck');
  await b.end(3, 'again');
  b.schedule.add(9, 'change');
  t.same(b.inHand(), [3, 9], 'whose rows have changed is a change');
  await b.end(3);
  await pass(100);
  t.same(b.inHand(), [9], 'a grant is in its first phase, and one place is the most that a sweep leaves');
  t.equal(b.schedule.sizes.queued.sweep, 2);
  b.schedule.add(10, 'change');
  t.same(b.inHand(), [9, 10], 'another grant goes before them');
  for (const id of [9, 10]) await b.end(id);
  await b.end(1, 'stuck');
  await b.end(2, 'stuck');
  b.schedule.wakeStuck();
  t.same(b.inHand(), [1], 'and at once where something has changed that may help');
});

t.test('a revoke that failed is still a revoke', async (t) => {
  const pass = ownTime(t);
  for (const news of ['none', 'sweep', 'change'] as const) {
    await t.test(news, async (t) => {
      const b = bench(t);
      b.schedule.add(1, 'revoke');
      await b.end(1, 'retry');
      for (const id of [2, 3, 4]) b.schedule.add(id, 'change');
      if (news !== 'none') b.schedule.add(1, news);
      await pass(100);
      t.same(b.inHand(), [2, 1], 'beside the change in hand, before those that wait');
    });
  }
});

t.test('news during a revoke that fails leave it a revoke', async (t) => {
  const b = bench(t);
  b.schedule.add(1, 'revoke');
  b.schedule.add(2, 'revoke');
  for (const id of [3, 4]) b.schedule.add(id, 'change');
  b.schedule.add(1, 'change');
  await b.end(1, 'retry');
  t.same(b.inHand(), [2, 1], 'before the changes');
});

t.test('superseded: once more, at its urgency, without waiting and without counting as a failure', async (t) => {
  const b = bench(t);
  b.schedule.add(1, 'change');
  await b.end(1, 'again');
  t.same(b.begun, [
    [1, 1],
    [1, 1],
  ]);
  b.schedule.add(1, 'revoke');
  await b.end(1, 'again');
  t.same(b.inHand(), [1]);
  await b.end(1);
  t.equal(b.begun.length, 3, 'what superseded it and the pass it asks for are one');
});

t.test('a revoke that is superseded is still a revoke', async (t) => {
  const b = bench(t);
  b.schedule.add(1, 'revoke');
  b.schedule.add(2, 'change');
  b.schedule.add(3, 'change');
  await b.end(1, 'again');
  t.same(b.inHand(), [1], 'before the changes that wait');
});

t.test('idle', async (t) => {
  const pass = ownTime(t);
  const b = bench(t);
  const state = { idle: false };
  const watch = () => {
    state.idle = false;
    void b.schedule.idle().then(() => {
      state.idle = true;
    });
    return turn();
  };
  await watch();
  t.ok(state.idle, 'nothing has come yet');
  b.schedule.add(1, 'change');
  b.schedule.add(2, 'sweep');
  await watch();
  t.notOk(state.idle, 'one in hand, one waiting');
  await b.end(1);
  t.notOk(state.idle, 'the other in hand');
  await b.end(2, 'retry');
  t.ok(state.idle, 'one that waits for its retry does not count');
  await pass(100);
  await watch();
  t.notOk(state.idle, 'until it is tried');
  await b.end(2);
  t.ok(state.idle);
});

t.test('stopping finishes what is in hand and begins nothing', async (t) => {
  const pass = ownTime(t);
  const b = bench(t, { concurrency: 2 });
  b.schedule.add(9, 'change');
  await b.end(9, 'retry');
  for (const id of [1, 2, 3]) b.schedule.add(id, 'change');
  let stopped = false;
  const end = b.schedule.stop().then(() => {
    stopped = true;
  });
  const idle = b.schedule.idle();
  b.schedule.add(4, 'revoke');
  await b.end(1, 'again');
  t.notOk(stopped, 'one is still in hand');
  t.same(b.inHand(), [2]);
  await b.end(2, 'retry');
  await end;
  await idle;
  await pass(3_600_000);
  t.same(order(b), [9, 1, 2], 'neither what waited, nor a revoke, nor a retry');
});

t.test('a schedule that has stopped leaves no timer behind to keep the process alive', async (t) => {
  const timers = new Set<NodeJS.Timeout>();
  const { setTimeout: set, clearTimeout: clear } = globalThis;
  const spy = Object.assign(
    (work: () => void, ms: number) => {
      const timer = set(() => {
        timers.delete(timer);
        work();
      }, ms);
      timers.add(timer);
      return timer;
    },
    { __promisify__: set.__promisify__ },
  );
  const forget = (timer: NodeJS.Timeout | undefined) => {
    if (timer !== undefined) timers.delete(timer);
    clear(timer);
  };
  Object.assign(globalThis, { setTimeout: spy, clearTimeout: forget });
  t.teardown(() => Object.assign(globalThis, { setTimeout: set, clearTimeout: clear }));
  const b = bench(t, { retryMinMs: 60_000, retryMaxMs: 60_000 });
  b.schedule.add(1, 'change');
  b.schedule.add(1, 'change');
  await b.end(1, 'retry');
  await b.end(1, 'retry');
  b.schedule.add(2, 'revoke');
  await b.end(2, 'retry');
  t.equal(timers.size, 2, 'one for each mailbox that waits');
  await b.schedule.stop();
  t.equal(timers.size, 0);
  for (const timer of timers) clear(timer);
});

t.test('whatever is asked for, in whatever order: once at a time, and all of it is done', async () => {
  type Command = readonly ['add', number, Urgency] | readonly ['first', number, ''] | readonly ['end', number, Next];
  const id = fc.integer({ min: 1, max: 5 });
  const command: fc.Arbitrary<Command> = fc.oneof(
    fc.tuple(fc.constant('add' as const), id, fc.constantFrom<Urgency>('revoke', 'change', 'sweep')),
    fc.tuple(fc.constant('first' as const), fc.nat(), fc.constant('' as const)),
    fc.tuple(
      fc.constant('end' as const),
      fc.nat(),
      fc.constantFrom<Next>('done', 'done', 'again', 'retry', 'stuck', 'soon'),
    ),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(command, { maxLength: 40 }),
      fc.integer({ min: 1, max: 3 }),
      async (commands, concurrency) => {
        const hands = new Map<number, (next: Next) => void>();
        const asks = new Map<number, GoOn>();
        const asked = new Set<number>();
        let most = 0;
        const schedule = openSchedule({
          concurrency,
          retryMinMs: 1,
          retryMaxMs: 2,
          stuckMs: 3,
          work: (mailboxId, _attempt, goOn) => {
            if (hands.has(mailboxId)) throw new Error('twice at the same time');
            asked.delete(mailboxId); // a pass that begins now sees all that was asked for
            asks.set(mailboxId, goOn);
            return new Promise((resolve) => {
              hands.set(mailboxId, resolve);
              most = Math.max(most, hands.size);
            });
          },
        });
        const finish = async (mailboxId: number, next: Next) => {
          const resolve = hands.get(mailboxId);
          hands.delete(mailboxId);
          resolve?.(next);
          await turn();
        };
        for (const [kind, n, what] of commands) {
          if (kind === 'add') {
            if (what !== 'sweep' || !schedule.isStuck(n)) asked.add(n); // a sweep leaves alone what is stuck
            schedule.add(n, what);
          } else {
            const chosen = [...hands.keys()][n % Math.max(1, hands.size)];
            if (chosen === undefined) continue;
            if (kind === 'end') await finish(chosen, what);
            else if (asks.get(chosen)?.() === false) {
              asked.add(chosen); // its second phase is still to come
              await finish(chosen, 'rest');
            }
          }
        }
        while (hands.size > 0) for (const chosen of [...hands.keys()]) await finish(chosen, 'done');
        await schedule.idle();
        await schedule.stop();
        return asked.size === 0 && most <= 3 * concurrency;
      },
    ),
    { numRuns: 200 },
  );
});

t.test('what gives way waits for revokes, queued and in their first phase, and for nothing else', async (t) => {
  const { schedule, first, end } = bench(t);
  const gone = { way: 0 };
  const ask = async () => {
    await schedule.revokesFirst();
    gone.way++;
  };
  schedule.add(1, 'change');
  await ask();
  t.equal(gone.way, 1, 'nobody waits for a grant');
  schedule.add(2, 'revoke');
  schedule.add(3, 'revoke');
  const asked = ask();
  await turn();
  t.equal(gone.way, 1);
  first(2);
  await end(2);
  await turn();
  t.equal(gone.way, 1, 'the other one is still to come');
  await end(1);
  first(3);
  await asked;
  t.equal(gone.way, 2, 'its second phase is not waited for');
});

t.test(
  'a session of its own takes a place as a sweep does, before the sweep and after what is left of grants',
  async (t) => {
    const { schedule, inHand, end } = bench(t, { concurrency: 2 });
    const jobs: (() => void)[] = [];
    const job = () => new Promise<void>((resolve) => jobs.push(resolve));
    const over = schedule.beside(job, 'sweep');
    schedule.add(1, 'sweep');
    t.equal(jobs.length, 1, 'it has begun');
    t.same(inHand(), [], 'the sweep waits: one place is for the server');
    schedule.add(2, 'rest');
    schedule.add(3, 'change');
    t.same(inHand(), [2, 3], 'a grant does not');
    await end(2);
    await end(3);
    jobs[0]?.();
    await over;
    await turn();
    t.same(inHand(), [1]);
    const second = schedule.beside(job, 'sweep');
    t.equal(jobs.length, 1, 'nor does it begin beside a sweep');
    const stopped = schedule.stop();
    await second; // it won't be begun
    await end(1);
    await stopped;
    t.equal(jobs.length, 1);
  },
);

t.test('a session for what is left of grants takes a place as that does, before those of a sweep', async (t) => {
  const { schedule, end } = bench(t, { concurrency: 2 });
  const begun: string[] = [];
  const over: (() => void)[] = [];
  const job = (name: string) => () => {
    begun.push(name);
    return new Promise<void>((resolve) => over.push(resolve));
  };
  schedule.add(1, 'rest');
  schedule.add(2, 'rest');
  const all = [
    schedule.beside(job('sweep'), 'sweep'),
    ...['a', 'b', 'c'].map((name) => schedule.beside(job(name), 'rest')),
  ];
  t.same(begun, [], 'what is left of grants goes first');
  await end(1);
  t.same(begun, ['a']);
  await end(2);
  t.same(begun, ['a', 'b'], 'each of the two places');
  over[0]?.();
  await turn();
  t.same(begun, ['a', 'b', 'c'], 'one place is not left free, as it is of a sweep');
  over[1]?.();
  await turn();
  t.same(begun, ['a', 'b', 'c'], 'the sweep waits for a free one');
  over[2]?.();
  await turn();
  t.same(begun, ['a', 'b', 'c', 'sweep']);
  over[3]?.();
  await Promise.all(all);
});

t.test('calm: a sweep waits for grants, but not for one that waits for itself', async (t) => {
  const { schedule, first, end } = bench(t, { concurrency: 2 });
  let calm = false;
  schedule.add(1, 'change');
  const waiting = schedule.calm().then(() => {
    calm = true;
  });
  await turn();
  t.notOk(calm, 'a first phase is at work');
  t.ok(first(1));
  await waiting;
  await end(1);
  schedule.add(2, 'sweep');
  schedule.add(2, 'change');
  await schedule.calm();
  t.pass('what waits for the mailbox in hand waits for no place');
  await end(2);
  await end(2);
});
