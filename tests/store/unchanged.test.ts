/** What was read of state.db is read again when anybody has written there, this connection or another, and not before. */
import t from 'tap';
import { fact, setFact } from '../../bridge/store/state/facts.ts';
import { openStateDb } from '../../bridge/store/state/state-db.ts';
import { whileUnchanged } from '../../bridge/store/unchanged.ts';
import { freshFiles } from './fresh.ts';

t.test('read once, and again after a write of anybody', async (t) => {
  const { state: file } = freshFiles(t);
  const [ours, theirs] = [openStateDb(file), openStateDb(file)];
  t.teardown(async () => Promise.all([ours.close(), theirs.close()]));
  let reads = 0;
  const known = whileUnchanged(async (db: typeof ours, name: 'epoch' | 'version') => {
    reads++;
    return fact({ query: db.query }, name);
  });
  t.equal(await known(ours, 'epoch'), undefined);
  t.equal(await known(ours, 'epoch'), undefined);
  t.equal(reads, 1, 'that it is not there is known too');
  await known(ours, 'version');
  t.equal(reads, 2, 'another question is another one');

  await setFact(ours, 'epoch', 'one');
  t.equal(await known(ours, 'epoch'), 'one', 'by this connection');
  await setFact(theirs, 'epoch', 'two');
  t.equal(await known(ours, 'epoch'), 'two', 'by another');
  await ours.write((query) =>
    query.updateTable('facts').set({ value: 'three' }).where('name', '=', 'epoch').returning('name').execute(),
  );
  t.equal(await known(ours, 'epoch'), 'three', 'by a statement that returns what it has written');
  const before = reads;
  await ours.query.updateTable('facts').set({ value: 'four' }).where('name', '=', 'sweep').execute();
  t.equal(await known(ours, 'epoch'), 'three');
  t.equal(reads, before, 'what changes no row is no write');
});

t.test('what is being written counts when it is committed, and not when it is given up', async (t) => {
  const { state: file } = freshFiles(t);
  const state = openStateDb(file);
  t.teardown(() => state.close());
  await setFact(state, 'epoch', 'one');
  let during: Promise<string | undefined> | undefined;
  await state.write(async (query) => {
    await setFact({ query }, 'epoch', 'two');
    during = fact(state, 'epoch');
  });
  t.equal(await during, 'two');
  const givenUp = state.write(async (query) => {
    await setFact({ query }, 'epoch', 'three');
    during = fact(state, 'epoch');
    throw new Error('given up');
  });
  await t.rejects(givenUp, { message: 'given up' });
  t.equal(await during, 'two');
  t.equal(await fact(state, 'epoch'), 'two');
});

t.test('a database that can not tell is read each time', async (t) => {
  let reads = 0;
  const known = whileUnchanged(async (_db: { readonly stamp?: () => string }, _key: string) => ++reads);
  const database = {};
  await known(database, 'a');
  t.equal(await known(database, 'a'), 2);
});
