import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { statSync } from 'node:fs';
import Database from 'better-sqlite3';
import { pino } from 'pino';
import t from 'tap';
import { openLogWarnings } from '../../../bridge/sidecar/large-log.ts';
import { logReaders, readersIn } from '../../../bridge/store/files/log-readers.ts';
import { shrinkLog } from '../../../bridge/store/files/write-ahead-log.ts';
import { prepare } from '../shell.ts';
import { freshWorld } from '../world.ts';

const FROM = 200_000;
const size = (file: string) => statSync(`${file}-wal`).size;

t.test('a log that a reader made grow is emptied when they have gone, and nobody is waited for', (t) => {
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

t.test('who reads without end is named', async (t) => {
  const file = freshWorld(t);
  const ours = new Database(file);
  t.teardown(() => ours.close());
  ours.prepare('SELECT count(*) FROM mailboxes').get();
  const reads = `const db = new (require('better-sqlite3'))(process.argv[1], { readonly: true });
    db.exec('BEGIN'); db.prepare('SELECT count(*) FROM mailboxes').get(); process.send('reading'); setInterval(() => {}, 1e6);`;
  const child = spawn(process.execPath, ['-e', reads, file], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
  const exit = once(child, 'exit');
  await once(child, 'message');
  t.match(logReaders(file), [{ pid: child.pid, name: 'node' }]);
  const lines: unknown[] = [];
  const tell = openLogWarnings(pino({ base: null }, { write: (line: string) => void lines.push(JSON.parse(line)) }));
  for (const size of [20, 21, 30, 45, 46, 20]) tell(file, size);
  t.match(
    lines,
    [{ size: 20, readers: [`process ${child.pid} (node)`] }, { size: 45 }, { size: 20 }],
    'once, then at twice that',
  );
  child.kill('SIGKILL');
  await exit;
  t.same(logReaders(file), []);
  t.same(logReaders(`${file}.nowhere`), []);
});

t.test('what the kernel says of locks', (t) => {
  const locks = `1: POSIX  ADVISORY  READ 11 fd:01:77 124 124
2: POSIX  ADVISORY  WRITE 12 fd:01:77 120 120
3: FLOCK  ADVISORY  READ 13 fd:01:77 0 EOF
4: POSIX  ADVISORY  READ 14 fd:01:78 124 124
5: POSIX  ADVISORY  READ 15 00:2a:77 123 127
6: POSIX  ADVISORY  READ 16 fd:01:77 128 128
6: -> POSIX  ADVISORY  READ 17 fd:01:77 124 124
`;
  t.same(readersIn(locks, 77n), [11, 15]);
  t.end();
});
