import { join } from 'node:path';
import t, { type Test } from 'tap';
import { watchTable } from '../../bridge/sidecar/watch-table.ts';
import type { DelegationDb } from '../../bridge/store/table/delegation-db.ts';
import { freshFiles, openTable } from '../store/fresh.ts';
import { rows, sqlite3Beside } from '../store/shell.ts';
import { until } from '../store/until.ts';
import { WORLD } from '../store/world.ts';

/** Too long to be of any help. */
const NEVER = 2_000_000_000;
const ALICE = 'alice@example.org';

const insert = (i: number) => `INSERT INTO delegation (mailbox, delegate) VALUES ('${ALICE}', 'd${i}')`;
const grant = (i: number) => `PRAGMA synchronous = FULL; ${insert(i)}`;

interface Watched {
  readonly table: DelegationDb;
  /** How often the loop has been woken. */
  wakes(): number;
  /** How many delegations were there when it was woken last. */
  seen(): number;
}

/** A table that is watched; at each wake-up its delegations are counted, as the sidecar would read them. */
function watched(t: Test, pollMs: number, files: 'watched' | 'unwatched' = 'watched'): Watched {
  const fresh = freshFiles(t);
  rows(fresh.delegations, WORLD);
  const table = openTable(t, fresh);
  const state = { wakes: 0, seen: 0 };
  // A file that isn't there can't be watched, as on a system without file events.
  const file = files === 'watched' ? table.file : join(fresh.directory, 'nowhere');
  const watch = watchTable({ file, dataVersion: table.dataVersion }, pollMs, () => {
    state.wakes++;
    void table.query
      .selectFrom('delegations')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .executeTakeFirstOrThrow()
      .then(({ count }) => {
        state.seen = count;
      });
  });
  t.teardown(() => watch.close());
  return { table, wakes: () => state.wakes, seen: () => state.seen };
}

t.test('every single commit of another process is noticed by the file watch alone', async (t) => {
  const { table, seen } = watched(t, NEVER);
  for (let round = 1; round <= 5; round++) {
    for (let i = 1; i <= 8; i++) {
      rows(table.file, grant(i));
      await until(() => seen() === i, `commit ${i} of round ${round}`);
    }
    rows(table.file, 'PRAGMA synchronous = FULL; DELETE FROM delegation');
    await until(() => seen() === 0, `the revokes of round ${round}`);
  }
  t.pass('forty-five of them');
});

t.test('the last commit of every burst is noticed', async (t) => {
  const { table, seen } = watched(t, NEVER);
  for (let round = 1; round <= 8; round++) {
    // One shell, commit after commit as fast as it can.
    await sqlite3Beside(table.file, Array.from({ length: 10 }, (_, i) => `${grant(i + 1)};`).join('\n'));
    await until(() => seen() === 10, `a burst of grants, round ${round}`);
    await sqlite3Beside(
      table.file,
      Array.from({ length: 10 }, (_, i) => `DELETE FROM delegation WHERE delegate = 'd${i + 1}';`).join('\n'),
    );
    await until(() => seen() === 0, `a burst of revokes, round ${round}`);
  }
  t.pass('sixteen of them');
});

t.test('several writers at the same time', async (t) => {
  const { table, seen } = watched(t, NEVER);
  for (let round = 1; round <= 4; round++) {
    await Promise.all(Array.from({ length: 10 }, (_, i) => sqlite3Beside(table.file, grant(i + 1))));
    await until(() => seen() === 10, `ten shells, round ${round}`);
    rows(table.file, 'DELETE FROM delegation');
    await until(() => seen() === 0, `and the end of it, round ${round}`);
  }
  t.pass('four rounds');
});

t.test('a checkpoint, which moves the log to the file, loses nothing that comes after it', async (t) => {
  const { table, seen } = watched(t, NEVER);
  for (const mode of ['PASSIVE', 'FULL', 'RESTART', 'TRUNCATE']) {
    rows(table.file, grant(1));
    await until(() => seen() === 1, 'a grant');
    rows(table.file, `PRAGMA wal_checkpoint(${mode})`);
    rows(table.file, 'DELETE FROM delegation');
    await until(() => seen() === 0, `a revoke after ${mode}`);
  }
  t.pass('none of the four kinds');
});

t.test('without file events the poll finds it', async (t) => {
  const { table, seen } = watched(t, 5, 'unwatched');
  for (let i = 1; i <= 5; i++) {
    rows(table.file, grant(i));
    await until(() => seen() === i, `commit ${i}`);
  }
  t.pass('five commits');
});

t.test('without either, nothing is noticed: the tests above test what they say', async (t) => {
  const { table, wakes } = watched(t, NEVER, 'unwatched');
  rows(table.file, grant(1));
  const control = watched(t, NEVER);
  rows(control.table.file, grant(1));
  await until(() => control.seen() === 1, 'another table that is watched');
  t.equal(wakes(), 0);
});

t.test('our own writes, and those that are rolled back, wake nobody', async (t) => {
  const { table, wakes, seen } = watched(t, 5);
  await table.write({ actor: 'admin' }, (query) => query.updateTable('counters').set({ version: 99 }).execute());
  rows(table.file, `BEGIN; ${insert(1)}; ROLLBACK`);
  rows(table.file, 'SELECT * FROM delegation');
  rows(table.file, grant(2));
  await until(() => seen() === 1, 'a commit after them');
  t.equal(wakes(), 1, 'one wake-up for the one commit of another');
});

t.test('what was committed before the watch began wakes nobody: it is read at the start', async (t) => {
  const { table, wakes, seen } = watched(t, 5);
  t.equal(wakes(), 0);
  rows(table.file, grant(1));
  await until(() => seen() === 1, 'what comes after it does');
  t.equal(wakes(), 1);
});

t.test('a watch that is closed wakes nobody', async (t) => {
  const fresh = freshFiles(t);
  rows(fresh.delegations, WORLD);
  const table = openTable(t, fresh);
  let wakes = 0;
  const watch = watchTable(table, 5, () => wakes++);
  rows(fresh.delegations, grant(1));
  await until(() => wakes === 1, 'a commit');
  watch.close();
  rows(fresh.delegations, grant(2));
  const control = openTable(t, fresh);
  let later = 0;
  const other = watchTable(control, 5, () => later++);
  t.teardown(() => other.close());
  rows(fresh.delegations, grant(3));
  await until(() => later === 1, 'a commit that another watch notices');
  t.equal(wakes, 1);
});
