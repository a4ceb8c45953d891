import Database from 'better-sqlite3';
import t from 'tap';
import { desk } from './desk.ts';

/** Another program in the middle of its write transaction. */
function lock(file: string): { release(): void } {
  const database = new Database(file);
  database.exec('BEGIN IMMEDIATE');
  return {
    release: () => {
      database.exec('COMMIT');
      database.close();
    },
  };
}

const ROWS = `INSERT INTO mailbox (address) VALUES ('alice@lab.test'); INSERT INTO delegate (id) VALUES ('bob')`;

t.test('a table that another program holds for three seconds is waited for', async (t) => {
  const { table, sql, mandatWith } = await desk(t);
  sql(ROWS);
  const held = lock(table);
  let released = false;
  const end = () => {
    held.release();
    released = true;
  };
  // How long the other program takes, not a pause of ours.
  const started = () => setTimeout(end, 3000);
  const { status, stdout } = await mandatWith({ started }, 'grant', '--no-wait', 'alice@lab.test', 'bob');
  t.match({ status, stdout, released }, { status: 0, stdout: /saved/, released: true });
  t.equal(sql('SELECT count(*) FROM delegation'), '1');
});

t.test('one that is held longer is said to be, and trying again helps', async (t) => {
  const { table, sql, mandat, json } = await desk(t);
  sql(ROWS);
  const held = lock(table);
  const [text, document, reading] = await Promise.all([
    mandat('grant', '--no-wait', 'alice@lab.test', 'bob'),
    json('mailbox', 'add', 'carol@lab.test'),
    mandat('list'),
  ]);
  t.match(text, { status: 5, stdout: '', stderr: /delegation\.db.* is locked by another program\n.*try again/ });
  t.match(document, { error: { code: 'retry', message: /locked by another program/ } });
  t.match(reading, { status: 0, stdout: /no delegations/ }, 'reading needs no lock');
  held.release();
  t.match(await mandat('grant', '--no-wait', 'alice@lab.test', 'bob'), { status: 0 });
  t.equal(sql('SELECT count(*) FROM mailbox'), '1', 'what was refused was not half written');
});

t.test('nor does one that is held exclusively look like a defect', async (t) => {
  const { table, sql, mandat } = await desk(t);
  sql(ROWS);
  const other = new Database(table);
  t.teardown(() => other.close());
  other.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; UPDATE counters SET version = version; COMMIT');
  const all = await Promise.all([
    mandat('list'),
    mandat('grant', '--no-wait', 'alice@lab.test', 'bob'),
    mandat('status'),
  ]);
  for (const one of all) t.match(one, { status: 5, stdout: '', stderr: /locked by another program\n.*try again/ });
});
