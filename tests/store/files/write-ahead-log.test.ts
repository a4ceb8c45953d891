import { statSync } from 'node:fs';
import Database from 'better-sqlite3';
import t from 'tap';
import { shrinkLog } from '../../../bridge/store/files/write-ahead-log.ts';
import { prepare } from '../shell.ts';
import { freshWorld } from '../world.ts';

const FROM = 200_000;
const size = (file: string) => statSync(`${file}-wal`).size;

t.test('a log that a reader made grow is emptied when he has gone, and nobody is waited for', (t) => {
  const file = freshWorld(t);
  const ours = new Database(file);
  t.teardown(() => ours.close());
  ours.prepare('SELECT count(*) FROM mailboxes').get();
  t.equal(shrinkLog(file, FROM), undefined, 'a small one is left alone');

  const reader = new Database(file, { readonly: true });
  reader.exec('BEGIN');
  reader.prepare('SELECT count(*) FROM mailboxes').get();
  for (let n = 0; n < 100; n++)
    prepare(file, `UPDATE delegate SET first_name = hex(randomblob(2000)) WHERE id = 'bob'`);
  t.ok(size(file) > FROM);
  const began = performance.now();
  t.match(shrinkLog(file, FROM), { done: false });
  t.ok(performance.now() - began < 2000, 'without waiting');
  t.ok(size(file) > FROM);

  reader.close();
  t.match(shrinkLog(file, FROM), { done: true });
  t.equal(size(file), 0);
  t.equal(ours.prepare("SELECT length(first_name) FROM delegates WHERE identifier = 'bob'").pluck().get(), 4000);
  t.end();
});
