/** What was put right within ten minutes is remembered, and no longer, whatever the clock does. */
import t from 'tap';
import { forgetRepairs, noteRepairs, REPAIRS_WITHIN_MS, repairsOf } from '../../../bridge/store/state/repairs.ts';
import { freshState } from '../fresh.ts';

const NOON = Date.parse('2026-11-23T12:00:00.000Z');
const bob = { server: 'main', owner: 'alice', login: 'bob' };

t.test('by owner, delegate and folder', async (t) => {
  const state = await freshState(t);
  await noteRepairs(state, bob, ['INBOX', 'f1'], NOON);
  await noteRepairs(state, bob, ['f1'], NOON + 1000);
  await noteRepairs(state, bob, [], NOON + 1000);
  await noteRepairs(state, { ...bob, login: 'carol' }, ['f1'], NOON + 2000);
  await noteRepairs(state, { ...bob, owner: 'erin' }, ['f1'], NOON + 3000);
  t.strictSame(Object.fromEntries(await repairsOf(state, bob, NOON + 4000)), {
    INBOX: [NOON],
    f1: [NOON, NOON + 1000],
  });
  t.equal((await repairsOf(state, { ...bob, server: 'other' }, NOON + 4000)).size, 0);
});

const kept = async (state: Awaited<ReturnType<typeof freshState>>) =>
  (await state.query.selectFrom('repairs').select('at').orderBy('id').execute()).length;

t.test('for ten minutes', async (t) => {
  const state = await freshState(t);
  await noteRepairs(state, bob, ['f1'], NOON);
  t.equal((await repairsOf(state, bob, NOON + REPAIRS_WITHIN_MS - 1)).size, 1);
  t.equal((await repairsOf(state, bob, NOON + REPAIRS_WITHIN_MS)).size, 0);
  await noteRepairs(state, bob, ['f2'], NOON + REPAIRS_WITHIN_MS);
  t.equal(await kept(state), 1, 'what is older is forgotten at the next one');
  await forgetRepairs(state, NOON + 2 * REPAIRS_WITHIN_MS);
  t.equal(await kept(state), 0, 'and at a sweep');
});

t.test('a clock that was ahead keeps nothing in mind', async (t) => {
  const state = await freshState(t);
  await noteRepairs(state, bob, ['f1', 'f1', 'f1'], NOON + 86_400_000);
  t.equal((await repairsOf(state, bob, NOON)).size, 0);
  await noteRepairs(state, bob, ['f1'], NOON);
  t.equal(await kept(state), 1);
});

t.test('of all mailboxes so many at most', async (t) => {
  const state = await freshState(t);
  const folders = Array.from({ length: 60 }, (_, n) => `f${n}`);
  await noteRepairs(state, bob, folders, NOON, 100);
  await noteRepairs(state, bob, folders, NOON + 1, 100);
  t.equal(await kept(state), 100);
  const found = await repairsOf(state, bob, NOON + 2);
  t.same(found.get('f0'), [NOON + 1], 'the oldest went');
  t.same(found.get('f59'), [NOON, NOON + 1]);
});
