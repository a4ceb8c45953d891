/** What the HTTP API has answered to requests that bring an Idempotency-Key: for a day, so many at most, the oldest goes first. */
import { createHash } from 'node:crypto';
import type { Instant } from '../../../acl/delegation-facts.ts';
import type { StateDb } from './state-db.ts';

export interface AnswerKey {
  readonly asker: string;
  readonly operation: string;
  readonly key: string;
}

export interface ApiAnswer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Of what was asked, and what was answered to it. */
export interface KeptAnswer extends ApiAnswer {
  readonly question: string;
}

const KEPT_MS = 24 * 3_600_000;
const MOST = { ofAll: 10_000, ofOne: 1_000 };

export async function keptAnswer(state: StateDb, key: AnswerKey, now: Instant): Promise<KeptAnswer | undefined> {
  const row = await state.query
    .selectFrom('api_answers')
    .select(['question', 'status', 'headers', 'body'])
    .where('name', '=', nameOf(key))
    .where('at', '>', begin(now))
    .executeTakeFirst();
  return row && { ...row, headers: JSON.parse(row.headers) as ApiAnswer['headers'] };
}

export async function keepAnswer(
  state: StateDb,
  key: AnswerKey,
  answer: KeptAnswer,
  now: Instant,
  { ofAll, ofOne } = MOST,
): Promise<void> {
  const asker = digest(key.asker);
  const { question, status, body } = answer;
  const row = { asker, question, status, headers: JSON.stringify(answer.headers), body, at: now };
  await state.write(async (query) => {
    await query
      .insertInto('api_answers')
      .values({ name: nameOf(key), ...row })
      .onConflict((conflict) => conflict.column('name').doUpdateSet(row))
      .execute();
    await query.deleteFrom('api_answers').where('at', '<=', begin(now)).execute();
    const oldest = query.selectFrom('api_answers').select('name').orderBy('at').orderBy('name');
    const counted = query.selectFrom('api_answers').select(({ fn }) => fn.countAll<number>().as('n'));
    for (const [of, count, most] of [
      [oldest.where('asker', '=', asker), counted.where('asker', '=', asker), ofOne],
      [oldest, counted, ofAll],
    ] as const) {
      const { n } = await count.executeTakeFirstOrThrow();
      if (n > most)
        await query
          .deleteFrom('api_answers')
          .where('name', 'in', of.limit(n - most))
          .execute();
    }
  });
}

/** Those whose day is over; at each sweep, where nobody asks any more. */
export async function forgetAnswers(state: StateDb, now: Instant): Promise<void> {
  const some = await state.query
    .selectFrom('api_answers')
    .select('name')
    .where('at', '<=', begin(now))
    .limit(1)
    .execute();
  if (some.length === 0) return;
  await state.write((query) => query.deleteFrom('api_answers').where('at', '<=', begin(now)).execute());
}

/** What stands in it is nobody's to read: who asked, and with which key. */
const nameOf = ({ asker, operation, key }: AnswerKey) => digest(JSON.stringify([asker, operation, key]));
export const digest = (text: string): string => createHash('sha256').update(text).digest('base64');
const begin = (now: Instant) => new Date(Date.parse(now) - KEPT_MS).toISOString();
