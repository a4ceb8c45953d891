import t from 'tap';
import { fact, setFact } from '../../../bridge/store/state/facts.ts';
import { copyStateDb } from '../../../bridge/store/state/state-db.ts';
import { freshFiles, openState } from '../fresh.ts';

t.test('a copy to rehearse on has all that was committed, and gives nothing back', async (t) => {
  const files = freshFiles(t);
  const state = openState(t, files);
  await setFact(state, 'epoch', 'one'); // in the write-ahead log still: the copy is made while a sidecar runs
  const copy = copyStateDb(files.state);
  t.teardown(() => copy.close());
  t.equal(await fact(copy, 'epoch'), 'one');

  await copy.write((query) => setFact({ query }, 'epoch', 'rehearsed'));
  t.equal(await fact(copy, 'epoch'), 'rehearsed');
  t.equal(await fact(state, 'epoch'), 'one', 'the original knows nothing of it');
  await setFact(state, 'epoch', 'two');
  t.equal(await fact(copy, 'epoch'), 'rehearsed', 'nor the copy of the original');
});
