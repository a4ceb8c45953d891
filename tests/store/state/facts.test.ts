import t from 'tap';
import { fact, openClock, setFact } from '../../../bridge/store/state/facts.ts';
import { openStateDb } from '../../../bridge/store/state/state-db.ts';
import { freshFiles, freshState, openState } from '../fresh.ts';

const at = (minute: number) => new Date(Date.UTC(2026, 10, 23, 8, minute));

t.test('a fact is what was last said', async (t) => {
  const files = freshFiles(t);
  const state = openStateDb(files.state);
  t.equal(await fact(state, 'epoch'), undefined, 'nothing yet');
  await setFact(state, 'epoch', 'one');
  await setFact(state, 'version', '7');
  await setFact(state, 'epoch', 'two');
  await state.close();
  const again = openState(t, files);
  t.equal(await fact(again, 'epoch'), 'two');
  t.equal(await fact(again, 'version'), '7', 'each by itself');
});

t.test('the clock never runs backwards', async (t) => {
  const state = await freshState(t);
  let system = at(30);
  const clock = await openClock(state, () => system);
  t.equal(clock.now(), at(30).toISOString());
  system = at(10);
  t.equal(clock.now(), at(30).toISOString(), 'set back: it stands still');
  system = at(29);
  t.equal(clock.now(), at(30).toISOString(), 'until the other has caught up');
  system = at(31);
  t.equal(clock.now(), at(31).toISOString(), 'and goes on');
});

t.test('nor across a restart', async (t) => {
  const files = freshFiles(t);
  const state = openStateDb(files.state);
  const clock = await openClock(state, () => at(30));
  clock.now();
  await clock.save();
  await state.close();
  const again = openState(t, files);
  const reopened = await openClock(again, () => at(10));
  t.equal(reopened.now(), at(30).toISOString(), 'what had ended stays ended');
  await reopened.save();
  t.equal(await fact(again, 'clock'), at(30).toISOString(), 'and what is saved is never lowered');
});

t.test('a clock that has not been asked saves nothing that misleads', async (t) => {
  const files = freshFiles(t);
  const state = openState(t, files);
  await setFact(state, 'clock', at(30).toISOString());
  await (await openClock(state, () => at(10))).save();
  t.equal(await fact(state, 'clock'), at(30).toISOString());
});

t.test('without another clock it is the time of day', async (t) => {
  const clock = await openClock(await freshState(t));
  const before = new Date().toISOString();
  const now = clock.now();
  t.ok(before <= now && now <= new Date().toISOString());
});
