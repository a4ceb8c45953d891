/** Whether the work goes on: what hangs is told, what is slow or fails is not. */
import t from 'tap';
import { openPulse, stalledAfter } from '../../bridge/health/pulse.ts';

const STALLED_MS = 1000;

function at() {
  let ms = 0;
  const pulse = openPulse(STALLED_MS, () => ms);
  const wrong = (queue?: { waiting: number; inHand: number }) =>
    pulse.look(queue).flatMap(({ name, ok }) => (ok ? [] : [name]));
  return { pulse, wrong, pass: (more: number) => (ms += more) };
}

t.test('how long is too long', async (t) => {
  t.equal(stalledAfter(10), 15 * 60_000, 'longer than any work takes that is honest');
  t.equal(stalledAfter(60), 30 * 60_000, 'and than several commands that may each be as slow as they may');
});

t.test('a job', async (t) => {
  const { pulse, wrong, pass } = at();
  let end = () => {};
  const job = pulse.job(
    'wake',
    () =>
      new Promise<void>((resolve) => {
        end = resolve;
      }),
  );
  pass(STALLED_MS);
  t.same(wrong(), []);
  pass(1);
  t.same(wrong(), ['wake']);
  end();
  await job;
  t.same(wrong(), []);
  await t.rejects(
    pulse.job('upkeep', () => Promise.reject(new Error('no disk'))),
    /no disk/,
  );
  pass(STALLED_MS + 1);
  t.same(wrong(), [], 'one that fails has come to its end');
});

t.test('a pass', async (t) => {
  const { pulse, wrong, pass } = at();
  const one = pulse.pass();
  const other = pulse.pass();
  pass(STALLED_MS);
  other.sign();
  pass(1);
  t.same(wrong(), ['passes'], 'one does nothing, though another does');
  one.sign();
  t.same(wrong(), [], 'a large tree takes long, and gets on');
  pass(STALLED_MS + 1);
  one.end();
  other.end();
  t.same(wrong(), []);
});

t.test('a queue', async (t) => {
  const { pulse, wrong, pass } = at();
  pass(STALLED_MS + 1);
  t.same(wrong({ waiting: 0, inHand: 0 }), [], 'nothing to do');
  t.same(wrong({ waiting: 3, inHand: 2 }), [], 'others are at work: they are looked at by themselves');
  t.same(wrong({ waiting: 3, inHand: 0 }), ['queue']);
  pulse.pass().end();
  t.same(wrong({ waiting: 2, inHand: 0 }), []);
  t.same(wrong(undefined), [], 'nothing is open');
});
