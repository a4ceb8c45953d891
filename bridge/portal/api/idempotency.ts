/**
 * A request that is sent twice does what it does once: the second hears the first one's answer, for a day, by its Idempotency-Key
 * (draft-ietf-httpapi-idempotency-key-header). Answers are kept where what is mandat's own is, and so survive a restart; one that is being made
 * is waited for here. Where the portal is killed between the act and its answer, the table's own rules answer a second grant or revoke.
 */
import type { Logger } from 'pino';
import type { Site } from '../../acting/site.ts';
import { failureOf } from '../../shared/failure.ts';
import { type AnswerKey, type ApiAnswer, digest, keepAnswer, keptAnswer } from '../../store/state/api-answers.ts';
import { QuestionProblem } from './problem.ts';

export interface Idempotency {
  /** A key is worth something to who made it, for what they made it. Fails 422 for another question with this key. */
  once(
    key: AnswerKey,
    question: string,
    answer: () => Promise<ApiAnswer>,
  ): Promise<ApiAnswer & { readonly again: boolean }>;
}

interface InHand {
  readonly question: string;
  readonly answer: Promise<ApiAnswer>;
}

export function openIdempotency(state: Site['state'], now: () => Date, log: Logger): Idempotency {
  const inHand = new Map<string, InHand>();
  const instant = () => now().toISOString();
  const keep = async (key: AnswerKey, question: string, answer: ApiAnswer) => {
    if (answer.status >= 500) return; // that may be tried again
    try {
      await state((db) => keepAnswer(db, key, { ...answer, question }, instant()));
    } catch (error) {
      log.error({ reason: failureOf(error).message }, 'an answer could not be kept for its Idempotency-Key'); // it is done all the same
    }
  };
  /** Fails `retry` where it can't be told whether it was done before. */
  const made = async (key: AnswerKey, question: string, answer: () => Promise<ApiAnswer>) => {
    const before = await state((db) => keptAnswer(db, key, instant()));
    if (before !== undefined) {
      same(before.question, question);
      const { status, body, headers } = before;
      return { status, body, headers, again: true };
    }
    const fresh = await answer();
    await keep(key, question, fresh);
    return { ...fresh, again: false };
  };
  return {
    once: async (key, asked, answer) => {
      const question = digest(asked);
      const name = JSON.stringify([key.asker, key.operation, key.key]);
      const going = inHand.get(name);
      if (going !== undefined) {
        same(going.question, question);
        return { ...(await going.answer), again: true };
      }
      const work = made(key, question, answer);
      inHand.set(name, { question, answer: work });
      try {
        return await work;
      } finally {
        inHand.delete(name);
      }
    },
  };
}

function same(before: string, now: string): void {
  if (before !== now) throw new QuestionProblem(422, 'KEY_USED', 'this Idempotency-Key was sent with another question');
}
