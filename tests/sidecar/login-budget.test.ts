/** [schedule] sweep_logins_per_second: how many logins sweeps are given, by a clock of the test's. */
import t, { type Test } from 'tap';
import { openLoginBudget } from '../../bridge/sidecar/login-budget.ts';
import { waitFor } from '../../config/lab/wait.ts';

const LIMIT_MS = 10_000;

/** Asks for one login after the other, until it is told to leave. */
function asking(t: Test, perSecond = 2) {
  let ms = 0;
  let given = 0;
  /** When it was last asked what time it is, and what had been given by then. */
  let last = { ms, given };
  const leaving = new AbortController();
  const budget = openLoginBudget(
    () => perSecond,
    () => {
      last = { ms, given };
      return ms;
    },
  );
  const all = (async () => {
    for (;;) {
      await budget.ready(leaving.signal);
      given++;
    }
  })().catch(() => {});
  t.teardown(() => {
    leaving.abort();
    return all;
  });
  return {
    budget,
    /** So many by that instant, and no more. */
    by: async (at: number, count: number) => {
      ms = at;
      await waitFor(`${count} logins`, LIMIT_MS, () => last.ms === at && last.given >= count);
      t.equal(given, count, `at ${at} ms`);
    },
  };
}

t.test('as many as a second allows at once, then one at a time, and no more after a long rest', async (t) => {
  const { by } = asking(t);
  await by(0, 2);
  await by(499, 2);
  await by(500, 3);
  await by(1000, 4);
  await by(60_000, 6);
});

t.test('what one of them logs in beyond its own is waited for afterwards', async (t) => {
  const { budget, by } = asking(t);
  await by(0, 2);
  await budget.spending(async (login) => {
    for (let n = 0; n < 3; n++) login();
  });
  await by(1000, 2);
  await by(1500, 3);
});

t.test('what was not needed is given back', async (t) => {
  const { budget, by } = asking(t);
  await by(0, 2);
  await budget.spending(async () => {});
  await by(0, 3);
});

t.test('0: as many as there are; whoever leaves is told', async (t) => {
  const budget = openLoginBudget(() => 0);
  const leaving = new AbortController();
  for (let n = 0; n < 100; n++) await budget.ready(leaving.signal);
  leaving.abort();
  await t.rejects(budget.ready(leaving.signal), { name: 'AbortError' });
});
