/** What the machine refuses in the middle of the work is no defect of mandat's: it is said what it is, and tried again. */
import { mkdtempSync, openSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import t from 'tap';
import { failureOf } from '../../bridge/shared/failure.ts';

const directory = mkdtempSync(path.join(os.tmpdir(), 'mandat-failure-'));
t.teardown(() => rmSync(directory, { recursive: true }));

function thrown(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

t.test('a full disk', async (t) => {
  const database = new Database(path.join(directory, 'full.db'));
  database.exec('CREATE TABLE a (b TEXT)');
  database.pragma('max_page_count = 3'); // to SQLite as a disk that has no more
  const error = thrown(() => database.prepare('INSERT INTO a VALUES (?)').run('x'.repeat(100_000)));
  t.match(error, { code: 'SQLITE_FULL' });
  t.match(failureOf(error), { code: 'retry', message: /the disk is full/, hint: /make room/ });
  t.match(failureOf(Object.assign(new Error('no space left'), { code: 'ENOSPC' })), {
    code: 'retry',
    message: /disk is full/,
  });
  database.close();
});

t.test('no more files, or a directory that is away', async (t) => {
  const error = thrown(() => new Database(path.join(directory, 'nowhere', 'a.db'), { fileMustExist: true }));
  t.match(failureOf(Object.assign(new Error(String(error)), { code: 'SQLITE_CANTOPEN' })), {
    code: 'retry',
    hint: /LimitNOFILE/,
  });
  t.match(failureOf(Object.assign(new Error('too many'), { code: 'EMFILE' })), { code: 'retry', message: /EMFILE/ });
});

t.test('read-only, and broken', async (t) => {
  const file = path.join(directory, 'read.db');
  new Database(file).exec('CREATE TABLE a (b)').close();
  const database = new Database(file, { readonly: true });
  t.match(failureOf(thrown(() => database.exec('INSERT INTO a VALUES (1)'))), { code: 'retry', message: /read-only/ });
  database.close();
  t.match(failureOf(Object.assign(new Error('x'), { code: 'SQLITE_IOERR_WRITE' })), { code: 'retry', hint: /disk/ });
});

t.test('what nobody foresaw is still a defect', async (t) => {
  t.match(failureOf(thrown(() => openSync(path.join(directory, 'none'), 'r'))), { code: 'internal' });
  t.match(failureOf(new TypeError('x is not a function')), { code: 'internal', hint: /defect/ });
});
