/** The lab's PostgreSQL: ready when it says so, stops and comes back, and leaves nothing behind. */
import { existsSync } from 'node:fs';
import t from 'tap';
import { startPostgresql } from '../../config/lab/postgresql.ts';
import { isAlive } from '../../config/lab/processes.ts';

t.test('a private PostgreSQL keeps what was committed over a stop and over a kill', async (t) => {
  const lab = await startPostgresql();
  t.teardown(() => lab.stop());
  const database = await lab.createDatabase();
  await lab.sql(database, 'CREATE TABLE kept (word text)');
  t.equal(await lab.sql(database, "INSERT INTO kept VALUES ('é'), ('f'), ('E') RETURNING word"), 'é\nf\nE');
  t.equal(await lab.sql(database, 'SELECT word FROM kept ORDER BY word'), 'E\né\nf', 'sorted as a language is');
  await lab.halt();
  t.equal(lab.pid, undefined);
  await t.rejects(lab.sql(database, 'SELECT 1'));
  await lab.start();
  const before = lab.pid;
  await lab.kill();
  t.notOk(isAlive(before ?? 0));
  await lab.start();
  t.equal(await lab.sql(database, 'SELECT count(*) FROM kept'), '3');
  t.not(await lab.createDatabase(), database, 'each test has a database of its own');
});

t.test('two at once share nothing, and stopping removes all of it', async (t) => {
  const [one, other] = await Promise.all([startPostgresql(), startPostgresql({ tls: true })]);
  t.not(one.port, other.port);
  t.equal(await other.sql('postgres', 'SHOW ssl'), 'on');
  const pids = [one.pid ?? 0, other.pid ?? 0];
  await Promise.all([one.stop(), other.stop()]);
  t.strictSame(pids.map(isAlive), [false, false]);
  t.notOk(existsSync(one.directory));
});
