/** A history that failed becomes a short one that fails alike: with a runner that fails where two steps stand in this order. */
import t from 'tap';
import { type Shrinking, shrink } from './histories/shrink.ts';

interface Failed {
  readonly steps: readonly string[];
  readonly why: string;
}

const LONG = [...'abcdefghijklmnopqrst'];

/** Fails where the first stands before the second; `every`: only each so-manieth time. */
function runner(first: string, second: string, every = 1) {
  let played = 0;
  const run = async (steps: readonly string[]): Promise<Failed | undefined> => {
    played++;
    const [at, then] = [steps.indexOf(first), steps.indexOf(second)];
    if (steps.includes('!')) return { steps, why: 'another failure' };
    return at >= 0 && then > at && played % every === 0 ? { steps: steps.slice(0, then + 1), why: 'both' } : undefined;
  };
  return { run, played: () => played };
}

const options = (run: Shrinking<string, Failed>['run'], more: Partial<Shrinking<string, Failed>> = {}) => ({
  run,
  alike: ({ why }: Failed) => why === 'both',
  times: 1,
  over: () => false,
  ...more,
});

for (const [first, second] of [
  ['c', 'r'],
  ['a', 't'],
  ['j', 'k'],
] as const) {
  t.test(`only ${first} and ${second} are left of ${LONG.length} steps`, async (t) => {
    const { run, played } = runner(first, second);
    const found = await shrink({ steps: LONG, why: 'both' }, options(run));
    t.same(found.least.steps, [first, second]);
    t.ok(found.done);
    t.equal(found.played, played(), 'each is counted');
    t.ok(found.played < 60, `${found.played} played`);
  });
}

t.test('what fails each third time only is played three times before it counts as holding', async (t) => {
  const { run } = runner('c', 'r', 3);
  const { least } = await shrink({ steps: LONG, why: 'both' }, options(run, { times: 3 }));
  t.same(least.steps, ['c', 'r']);
});

t.test('another failure is not taken for the one that is looked for', async (t) => {
  const { run } = runner('b', 'd');
  const { least } = await shrink({ steps: ['a', 'b', '!', 'c', 'd'], why: 'both' }, options(run));
  t.same(least.steps, ['b', 'd']);
});

t.test('when the time is over the best so far is kept, and it is said', async (t) => {
  const { run, played } = runner('c', 'r');
  const found = await shrink({ steps: LONG, why: 'both' }, options(run, { over: () => played() >= 3 }));
  t.notOk(found.done);
  t.ok(found.least.steps.length <= LONG.length);
  t.ok(found.least.steps.includes('c') && found.least.steps.includes('r'), 'it still fails');
});

t.test('what is left becomes as simple as it may', async (t) => {
  const { run } = runner('c', 'r');
  const simpler = (step: string) => (step === 'r' ? ['x', 'r'] : []);
  const either = async (steps: readonly string[]) =>
    (await run(steps)) ?? run(steps.map((one) => (one === 'x' ? 'r' : one)));
  const found = await shrink(
    { steps: LONG, why: 'both' },
    options(
      async (steps) => {
        const failed = await either(steps);
        return failed && { ...failed, steps };
      },
      { simpler },
    ),
  );
  t.same(found.least.steps, ['c', 'x']);
});
