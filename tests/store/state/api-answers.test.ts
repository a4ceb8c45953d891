/** Answers to requests that may be sent again: each asker's own, for a day, so many at most. */
import t from 'tap';
import { forgetAnswers, keepAnswer, keptAnswer } from '../../../bridge/store/state/api-answers.ts';
import type { StateDb } from '../../../bridge/store/state/state-db.ts';
import { freshState } from '../fresh.ts';

const at = (hour: number) => new Date(Date.UTC(2026, 10, 23, hour)).toISOString();
const key = (asker: string, word: string) => ({ asker, operation: 'grantDelegation', key: word });
const answer = (body: string) => ({ question: 'q', status: 201, body, headers: { location: '/there' } });
const LIMITS = { ofAll: 5, ofOne: 2 };

const kept = async (state: StateDb, asker: string, words: string, now: string) => {
  const found = await Promise.all([...words].map((word) => keptAnswer(state, key(asker, word), now)));
  return found.map((one) => one?.body ?? '-').join('');
};

t.test('answers to an Idempotency-Key', async (t) => {
  const state = await freshState(t);
  await keepAnswer(state, key('a', '1'), answer('1'), at(0), LIMITS);
  t.same(await keptAnswer(state, key('a', '1'), at(23)), answer('1'));
  t.equal(await kept(state, 'b', '1', at(0)), '-', 'nobody else’s');
  t.equal(await keptAnswer(state, { ...key('a', '1'), operation: 'letHeldGo' }, at(0)), undefined, 'for that alone');
  t.equal(await kept(state, 'a', '1', at(24)), '-', 'for a day');
  await keepAnswer(state, key('a', '2'), answer('2'), at(1), LIMITS);
  await keepAnswer(state, key('a', '3'), answer('3'), at(2), LIMITS);
  t.equal(await kept(state, 'a', '123', at(2)), '-23', 'of one asker the oldest goes');
  for (const [n, asker] of ['b', 'c', 'd', 'e'].entries())
    await keepAnswer(state, key(asker, '1'), answer('1'), at(3 + n), LIMITS);
  t.equal(await kept(state, 'a', '23', at(6)), '-3', 'and of all');
  await keepAnswer(state, key('a', '3'), answer('4'), at(7), LIMITS);
  t.equal(await kept(state, 'a', '3', at(7)), '4', 'the day of one begins anew');
  await forgetAnswers(state, at(28));
  const { length } = await state.query.selectFrom('api_answers').selectAll().execute();
  t.equal(length, 3, 'what is over goes at a sweep');
  const names = await state.query.selectFrom('api_answers').select(['name', 'asker']).execute();
  t.notMatch(JSON.stringify(names), /grantDelegation/, 'who asked, and by which key, nobody can read there');
});
