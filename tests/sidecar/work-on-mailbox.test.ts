/** What a pass leaves for the look by person, and what it doesn't. */
import pino from 'pino';
import t from 'tap';
import type { Half } from '../../bridge/sidecar/engine.ts';
import { type WorkOptions, workOnMailbox } from '../../bridge/sidecar/work-on-mailbox.ts';

/** Others wait for their turn all the time. `looked`: what has been seen of the mailbox. */
async function halfGiven(urgency: 'change' | 'rest' | 'revoke', looked: object | undefined): Promise<Half | undefined> {
  let given: Half | undefined;
  const half = { take: () => undefined };
  const options = {
    engine: {
      work: async (_id: number, _attempt: number, _goOn: unknown, half: Half) => {
        given = half;
        return { kind: 'superseded' };
      },
      working: { isLost: false },
    },
    log: pino({ level: 'silent' }),
    signs: { pass: async (_id: number, _attempt: number, work: (own: object) => Promise<object>) => work({}) },
    schedule: () => ({ sizes: { queued: { revoke: 0, change: 1, rest: 1, sweep: 0 }, inHand: 2 } }),
    sweeping: () => ({ half, worked: () => {}, waitsFor: () => true }),
    many: () => ({ take: () => looked, waiting: 0, full: false }),
    heard: () => {},
    over: () => {},
  } as unknown as WorkOptions;
  await workOnMailbox(options)(
    1,
    1,
    Object.assign(() => true, { urgency }),
  );
  return given;
}

t.test(
  'looks as delegates are left where others wait, but not by who comes back from them, nor by a revoke',
  async (t) => {
    const looked = {};
    t.match(await halfGiven('rest', undefined), { later: true });
    t.match(await halfGiven('change', undefined), { later: true });
    t.strictSame(
      await halfGiven('rest', looked),
      { looked, later: false },
      'what differs is mended now: two such mailboxes would give way to one another without end',
    );
    t.strictSame(await halfGiven('revoke', undefined), {});
  },
);
