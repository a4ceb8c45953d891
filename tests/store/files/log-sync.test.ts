/** A commit that waits for the disk beside the event loop: those that come meanwhile share the next wait, and where it fails SQLite waits itself again. */
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import t, { type Test } from 'tap';
import { initialise } from '../../../bridge/store/databases.ts';
import { dataFiles } from '../../../bridge/store/files/data-files.ts';
import { logSync } from '../../../bridge/store/files/log-sync.ts';
import { setFact } from '../../../bridge/store/state/facts.ts';
import { openStateDb } from '../../../bridge/store/state/state-db.ts';

function opened(t: Test, ...pragmas: readonly string[]) {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'mandat-log-'));
  const database = new Database(path.join(directory, 'one.db'));
  t.teardown(() => {
    database.close();
    rmSync(directory, { recursive: true });
  });
  for (const one of pragmas) database.pragma(one);
  database.exec('CREATE TABLE one (n INTEGER)');
  return database;
}

const modeOf = (database: Database.Database) => database.pragma('synchronous', { simple: true });

/** A disk that is done when it is told. */
function disk() {
  const waiting: { done(): void; fail(error: Error): void }[] = [];
  let begun = 0;
  let closed = 0;
  return {
    opening: async () => ({
      datasync: () =>
        new Promise<void>((done, fail) => {
          begun++;
          waiting.push({ done, fail });
        }),
      close: async () => void closed++,
    }),
    next: async () => {
      while (waiting.length === 0) await new Promise(setImmediate);
      return waiting.shift() as (typeof waiting)[number];
    },
    counts: () => ({ begun, closed }),
  };
}

t.test('what is committed while the disk is waited for waits for the next time, together', async (t) => {
  const database = opened(t, 'journal_mode = WAL', 'synchronous = FULL');
  const { opening, next, counts } = disk();
  const log = logSync(database, opening);
  t.equal(modeOf(database), 1, 'NORMAL: SQLite itself waits no longer');
  let reached = 0;
  const commit = async () => {
    database.exec('INSERT INTO one VALUES (1)');
    await log?.reached();
    reached++;
  };
  const first = commit();
  const one = await next();
  const later = [commit(), commit(), commit()];
  one.done();
  await first;
  t.equal(reached, 1);
  (await next()).done();
  await Promise.all(later);
  await log?.close();
  t.same({ reached, ...counts() }, { reached: 4, begun: 2, closed: 1 });
});

t.test('where the log can not be brought to the disk so, SQLite does it from then on', async (t) => {
  const database = opened(t, 'journal_mode = WAL', 'synchronous = FULL');
  const { opening, next, counts } = disk();
  const log = logSync(database, opening);
  database.exec('INSERT INTO one VALUES (1)');
  const waits = log?.reached();
  (await next()).fail(new Error('EIO'));
  await waits;
  t.equal(modeOf(database), 2, 'FULL');
  await log?.reached();
  t.equal(counts().begun, 1);
  await log?.close();
});

t.test('only where commits wait for a disk, and stand in a log', async (t) => {
  t.equal(logSync(opened(t, 'journal_mode = WAL', 'synchronous = NORMAL')), undefined);
  t.equal(logSync(opened(t, 'journal_mode = DELETE', 'synchronous = FULL')), undefined);
  t.equal(logSync(new Database(':memory:')), undefined);
});

t.test(
  'the state: a transaction that is undone, one that writes nothing, statements by themselves, many at once',
  async (t) => {
    const directory = mkdtempSync(path.join(os.tmpdir(), 'mandat-log-'));
    t.teardown(() => rmSync(directory, { recursive: true }));
    const files = dataFiles(directory);
    initialise(files);
    const state = openStateDb(files.state, { writes: true });
    await t.rejects(
      state.write(async (query) => {
        await setFact({ query }, 'epoch', 'undone');
        throw new Error('undone');
      }),
      /undone/,
    );
    await state.write(async (query) => query.selectFrom('facts').selectAll().execute());
    const some = Array.from({ length: 20 }, (_, n) => n);
    await Promise.all(
      some.map((n) =>
        n % 2 === 0
          ? setFact(state, 'epoch', String(n))
          : state.write(async (query) => setFact({ query }, 'version', String(n))),
      ),
    );
    await state.close();
    const there = new Database(files.state, { readonly: true });
    const value = there.prepare('SELECT value FROM facts WHERE name = ?').pluck();
    t.same([value.get('epoch'), value.get('version')], ['18', '19']);
    there.close();
  },
);
