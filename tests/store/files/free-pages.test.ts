/** What was deleted is given back to the system, in portions, in files that an older mandat made too; nobody types VACUUM. */
import { statSync } from 'node:fs';
import Database from 'better-sqlite3';
import t from 'tap';
import { giveBack } from '../../../bridge/shared/portions.ts';
import { initialise } from '../../../bridge/store/databases.ts';
import { givePagesBack, KEPT_PAGES } from '../../../bridge/store/files/free-pages.ts';
import { takeLock } from '../../../bridge/store/files/lock.ts';
import { freshFiles } from '../fresh.ts';
import { prepare, row } from '../shell.ts';

const FILL = `CREATE TABLE filler (x); WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
  INSERT INTO filler SELECT randomblob(3900) FROM n`;
const number = (file: string, pragma: string) => Number(row(file, `SELECT * FROM pragma_${pragma}`));

t.test('in portions, the rest is kept for what comes', async (t) => {
  const { state: file } = freshFiles(t);
  prepare(file, FILL);
  t.equal(await givePagesBack(file), 0, 'nothing is free');
  prepare(file, 'DELETE FROM filler');
  const free = number(file, 'freelist_count');
  t.ok(free > 10 * KEPT_PAGES, `${free}`);
  prepare(file, 'PRAGMA wal_checkpoint(TRUNCATE)');
  const before = statSync(file).size;
  const left: number[] = [];
  const gone = await givePagesBack(file, async () => {
    left.push(number(file, 'freelist_count'));
    prepare(file, "INSERT OR REPLACE INTO facts VALUES ('clock', 'now')"); // others get on in between
    return giveBack();
  });
  t.ok(left.length > 10, `${left}`);
  t.ok(
    left.every((one, at) => (left[at - 1] ?? free) - one <= 100),
    'a hundred at most at a time',
  );
  t.ok(gone > free - KEPT_PAGES - 10 && number(file, 'freelist_count') <= KEPT_PAGES);
  prepare(file, 'PRAGMA wal_checkpoint(TRUNCATE)');
  t.ok(statSync(file).size < before / 2, 'the file is smaller');
  t.equal(row(file, 'PRAGMA integrity_check'), 'ok');
  t.equal(await givePagesBack(file), 0, 'and that was all');
});

t.test('interrupted, or beside a writer, the next time', async (t) => {
  const { state: file } = freshFiles(t);
  prepare(file, FILL);
  prepare(file, 'DELETE FROM filler');
  const gone = await givePagesBack(file, async () => false);
  t.ok(gone > 0 && gone <= 100, `${gone}`);
  const writer = new Database(file);
  writer.exec('BEGIN IMMEDIATE');
  t.equal(await givePagesBack(file), 0, 'waits for nobody');
  writer.close();
  t.ok((await givePagesBack(file)) > 1000);
});

t.test('a file of before is written anew by init, once, and where nobody runs', async (t) => {
  const files = freshFiles(t);
  const old = (file: string) => prepare(file, 'PRAGMA auto_vacuum = NONE; VACUUM');
  for (const file of [files.delegations, files.state]) {
    old(file);
    prepare(file, FILL);
    prepare(file, 'DELETE FROM filler');
  }
  prepare(files.delegations, "INSERT INTO mailbox (address) VALUES ('alice@lab.test')");
  t.equal(await givePagesBack(files.state), 0, 'cannot');
  const lock = takeLock(files.lock);
  t.match(initialise(files), [{ rewritten: false }, { rewritten: false }], 'not beside a sidecar');
  lock.release();
  const reader = new Database(files.state, { readonly: true });
  reader.exec('BEGIN');
  reader.prepare('SELECT count(*) FROM facts').get();
  reader.close();
  t.match(initialise(files), [{ rewritten: true }, { rewritten: true }]);
  t.match(initialise(files), [{ rewritten: false }, { rewritten: false }]);
  for (const file of [files.delegations, files.state]) {
    t.equal(number(file, 'auto_vacuum'), 2);
    t.equal(number(file, 'freelist_count'), 0);
    t.equal(row(file, 'SELECT journal_mode FROM pragma_journal_mode'), 'wal');
    t.equal(row(file, 'PRAGMA integrity_check'), 'ok');
  }
  t.equal(row(files.delegations, 'SELECT address FROM mailbox'), 'alice@lab.test');
});
