/**
 * A request that is sent twice does what it does once: the second hears the first one's answer, for a day, by its Idempotency-Key
 * (draft-ietf-httpapi-idempotency-key-header). Kept in memory: after a restart the table's own rules answer a second grant or revoke.
 */
import { createHash } from 'node:crypto';
import { QuestionProblem } from './problem.ts';

export interface KeptAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Idempotency {
  /** `asker` and `operation`: a key is worth something to who made it, for what they made it. Fails 422 for another question with this key. */
  once(
    key: { readonly asker: string; readonly operation: string; readonly key: string },
    question: string,
    answer: () => Promise<KeptAnswer>,
  ): Promise<KeptAnswer & { readonly again: boolean }>;
}

const KEPT_MS = 24 * 3_600_000;
/** Nobody needs more at once; the oldest goes. */
const MOST = 10_000;
const MOST_OF_ONE = 1_000;

interface Kept {
  readonly asker: string;
  readonly question: string;
  readonly until: number;
  readonly answer: Promise<KeptAnswer>;
}

export function openIdempotency(now: () => number): Idempotency {
  const known = new Map<string, Kept>();
  const makeRoom = (asker: string) => {
    for (const [name, { until }] of known) {
      if (until > now() && known.size < MOST) break; // in the order in which they came
      known.delete(name);
    }
    const own = [...known].filter(([, kept]) => kept.asker === asker);
    for (const [name] of own.slice(0, Math.max(0, own.length - MOST_OF_ONE + 1))) known.delete(name);
  };
  return {
    once: async ({ asker, operation, key }, question, answer) => {
      const name = JSON.stringify([asker, operation, key]);
      const digest = createHash('sha256').update(question).digest('base64');
      const before = known.get(name);
      if (before !== undefined && before.until > now()) {
        if (before.question === digest) return { ...(await before.answer), again: true };
        throw new QuestionProblem(422, 'KEY_USED', 'this Idempotency-Key was sent with another question');
      }
      makeRoom(asker);
      const made = answer();
      known.delete(name);
      known.set(name, { asker, question: digest, until: now() + KEPT_MS, answer: made });
      const forget = () => known.delete(name);
      made.then(({ status }) => status >= 500 && forget(), forget); // that may be tried again
      return { ...(await made), again: false };
    },
  };
}
