import { createHash } from 'node:crypto';
import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import t, { type Test } from 'tap';
import { DELEGATIONS, groupId, initialise, STATE } from '../../../bridge/store/databases.ts';
import { dataFiles, SHARED_GROUP } from '../../../bridge/store/files/data-files.ts';
import { migrate, open } from '../../../bridge/store/files/open.ts';
import { setFact } from '../../../bridge/store/state/facts.ts';
import { openStateDb } from '../../../bridge/store/state/state-db.ts';
import { openDelegationDb } from '../../../bridge/store/table/delegation-db.ts';
import { grant } from '../../../bridge/store/table/delegations.ts';
import { addMailbox, listMailboxes } from '../../../bridge/store/table/mailboxes.ts';
import { failure } from '../failures.ts';
import { freshFiles, freshTable, openState, openTable } from '../fresh.ts';
import { rows } from '../shell.ts';
import { WORLD } from '../world.ts';
import { holdWriteLock } from '../write-lock.ts';

const WRITER = { actor: 'admin' };
const digest = (file: string) => createHash('sha256').update(readFileSync(file)).digest('hex');
const mode = (file: string) => (statSync(file).mode & 0o7777).toString(8);

/** Files that are not ours, each left as it is. */
const STRANGERS: readonly (readonly [string, (file: string) => void])[] = [
  ['text', (file) => writeFileSync(file, 'this is no database, but long enough to be looked at as one.\n'.repeat(200))],
  ['a few bytes', (file) => writeFileSync(file, 'SQLite')],
  [
    "another program's database",
    (file) => new Database(file).exec('CREATE TABLE contacts (name TEXT); INSERT INTO contacts VALUES (1)').close(),
  ],
  [
    "another program's, with a number of its own",
    (file) => new Database(file).exec('PRAGMA application_id = 252006673; PRAGMA user_version = 1').close(),
  ],
  ['a database of ours, but the other one', (file) => migrate(file, STATE)],
  [
    'a link to one of ours',
    (file) => {
      migrate(`${file}.elsewhere`, DELEGATIONS);
      symlinkSync(`${file}.elsewhere`, file);
    },
  ],
  [
    'of a later version',
    (file) => {
      migrate(file, DELEGATIONS);
      new Database(file).exec(`PRAGMA user_version = ${DELEGATIONS.migrations.length + 1}`).close();
    },
  ],
];

t.test('a file that is not ours is refused, and left as it is', async (t) => {
  for (const [what, make] of STRANGERS) {
    await t.test(what, async (t) => {
      const files = dataFiles(t.testdir({ table: {} }));
      make(files.delegations);
      const before = digest(files.delegations);
      t.equal((await failure(() => openDelegationDb(files.delegations))).code, 'config', 'opening it');
      t.equal((await failure(() => initialise(files))).code, 'config', 'init, which would make or migrate one');
      t.equal(digest(files.delegations), before, 'not a byte has changed');
    });
  }
});

t.test('a damaged one is refused as well', async (t) => {
  const files = freshFiles(t);
  truncateSync(files.delegations, 4096);
  t.equal((await failure(() => openDelegationDb(files.delegations))).code, 'config');
});

t.test('what is not there is said to be so, with what to do', async (t) => {
  const files = dataFiles(t.testdir({}));
  for (const attempt of [() => openDelegationDb(files.delegations), () => openStateDb(files.state)]) {
    const { code, hint } = await failure(attempt);
    t.equal(code, 'config');
    t.match(hint, 'mandat init');
  }
  t.throws(() => statSync(files.delegations), 'nothing was made');
});

t.test('an empty file becomes ours at init, not before', async (t) => {
  const files = dataFiles(t.testdir({ table: { 'delegation.db': '' } }));
  t.match(await failure(() => openDelegationDb(files.delegations)), { code: 'config', hint: /mandat init/ });
  initialise(files);
  await openTable(t, files).query.selectFrom('counters').selectAll().executeTakeFirstOrThrow();
});

t.test('init twice keeps what is there', async (t) => {
  const files = freshFiles(t);
  const table = openDelegationDb(files.delegations);
  await addMailbox(table, WRITER, 'alice@example.org', {});
  await table.close();
  const state = openStateDb(files.state);
  await setFact(state, 'clock', '2026-11-23T08:00:00.000Z');
  await state.close();
  const epoch = rows(files.delegations, 'SELECT value FROM settings');

  const { length } = DELEGATIONS.migrations;
  t.match(initialise(files), [
    { from: length, to: length },
    { from: STATE.migrations.length, to: STATE.migrations.length },
  ]);
  t.same(
    (await listMailboxes(openTable(t, files))).map(({ address }) => address),
    ['alice@example.org'],
  );
  t.same(rows(files.delegations, 'SELECT value FROM settings'), epoch, 'its epoch too');
});

t.test('init while the table is open, and being written', async (t) => {
  const files = freshFiles(t);
  const table = openTable(t, files);
  await addMailbox(table, WRITER, 'alice@example.org', {});
  initialise(files);
  await addMailbox(table, WRITER, 'bob@example.org', {});
  t.equal((await listMailboxes(table)).length, 2);
});

t.test('each migration is applied once, whole or not at all', async (t) => {
  const file = join(t.testdir({}), 'x.db');
  const [first, second, bad] = [
    'CREATE TABLE one (a)',
    'CREATE TABLE two (b)',
    'CREATE TABLE three (c); CREATE TABLE one (a)',
  ];
  const kind = (...migrations: string[]) => ({ what: 'x', applicationId: 7, mode: 0o600, migrations });
  const tables = () =>
    rows(file, 'SELECT name FROM sqlite_schema ORDER BY 1; PRAGMA user_version; PRAGMA application_id');

  t.same(migrate(file, kind(first)), { from: 0, to: 1 });
  t.match(await failure(() => open(file, kind(first, second))), { code: 'config', hint: /mandat init/ }, 'it is older');
  t.throws(() => migrate(file, kind(first, second, bad)), 'a migration that fails');
  t.same(tables(), ['one', 'two', '2', '7'], 'leaves the version before it');
  t.same(migrate(file, kind(first, second)), { from: 2, to: 2 });
  t.equal((await failure(() => open(file, kind(first)))).code, 'config', 'now it is newer than the other program');
});

t.test('modes, whatever the umask', async (t) => {
  for (const umask of [0o000, 0o022, 0o077, 0o777]) {
    await t.test(umask.toString(8), async (t) => {
      const files = dataFiles(t.testdir({}));
      const before = process.umask(umask);
      try {
        initialise(files);
        await addMailbox(openTable(t, files), WRITER, 'alice@example.org', {});
        await setFact(openState(t, files), 'clock', 'x');
      } finally {
        process.umask(before);
      }
      for (const end of ['', '-wal', '-shm']) {
        t.equal(mode(files.delegations + end), '660', `delegation.db${end}: programs of the group write it`);
        t.equal(mode(files.state + end), '600', `state.db${end}: nobody else`);
      }
    });
  }
});

t.test('a directory that is not there is made: others pass through, and see nothing', async (t) => {
  const files = dataFiles(join(t.testdir({}), 'var', 'mandat'));
  const before = process.umask(0o022);
  try {
    initialise(files);
  } finally {
    process.umask(before);
  }
  t.equal(mode(files.directory), '711');
  // With the shared group on this machine, its programs write there too.
  t.equal(mode(files.tableDirectory), groupId(SHARED_GROUP) === undefined ? '700' : '2770');
  t.equal(mode(files.privateDirectory), '700');
});

/** Runs as a user who owns none of the files: root reads and writes everything otherwise. */
function asNobody<T>(work: () => T): T {
  if (process.geteuid?.() !== 0) return work();
  process.seteuid?.(65534);
  try {
    return work();
  } finally {
    process.seteuid?.(0);
  }
}

function outsideOfRootsDirectories(t: Test): string {
  const directory = mkdtempSync(join(tmpdir(), 'mandat-test-'));
  chmodSync(directory, 0o755);
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

t.test('rights that are missing are the set-up being wrong', async (t) => {
  for (const bits of [0o444, 0o000]) {
    await t.test(bits.toString(8), async (t) => {
      const files = dataFiles(outsideOfRootsDirectories(t));
      initialise(files);
      chmodSync(files.delegations, bits);
      chmodSync(files.tableDirectory, 0o555);
      try {
        const { code, hint } = await failure(() => asNobody(() => openDelegationDb(files.delegations)));
        t.equal(code, 'config');
        t.not(hint, '', 'with what to do');
      } finally {
        chmodSync(files.tableDirectory, 0o755);
      }
    });
  }
});

t.test('a directory nobody may write is no place for init', async (t) => {
  const directory = outsideOfRootsDirectories(t);
  chmodSync(directory, 0o555);
  for (const [place, why] of [
    [directory, 'a file in it'],
    [join(directory, 'data'), 'the directory itself'],
  ] as const) {
    t.equal((await failure(() => asNobody(() => initialise(dataFiles(place))))).code, 'config', why);
  }
  chmodSync(directory, 0o755);
});

t.test('a write waits while another program writes', async (t) => {
  const files = freshFiles(t);
  rows(files.delegations, WORLD);
  const table = openTable(t, files);
  const began = performance.now();
  const lock = await holdWriteLock(files.delegations, { seconds: 3 });
  const { mailboxId } = await grant(table, WRITER, 'alice@example.org', 'bob');
  t.ok(mailboxId > 0, 'and is done then');
  t.ok(performance.now() - began > 2500, 'not before');
  await lock.ended;
  t.same(rows(files.delegations, 'SELECT mailbox, delegate FROM delegation'), ['alice@example.org|bob']);
});

t.test('but not for ever', async (t) => {
  const files = freshFiles(t);
  rows(files.delegations, WORLD);
  const table = openTable(t, files);
  const lock = await holdWriteLock(files.delegations, {});
  const { code, hint } = await failure(() => grant(table, WRITER, 'alice@example.org', 'bob'));
  t.equal(code, 'retry', 'trying again may help');
  t.not(hint, '');
  t.same(rows(files.delegations, 'SELECT * FROM delegation'), [], 'reading goes on meanwhile');
  lock.release();
  await lock.ended;
  await grant(table, WRITER, 'alice@example.org', 'bob');
  t.same(rows(files.delegations, 'SELECT mailbox, delegate FROM delegation'), ['alice@example.org|bob']);
});

t.test('nor for a reader of a table that was put back as a single file, without a log of writes', async (t) => {
  const files = freshFiles(t);
  rows(files.delegations, WORLD);
  const copy = `${files.delegations}.copy`;
  rows(files.delegations, `VACUUM INTO '${copy}'`);
  renameSync(copy, files.delegations);
  const table = openTable(t, files);
  const reader = new Database(files.delegations, { readonly: true });
  t.teardown(() => reader.close());
  const first = reader.prepare('SELECT address FROM mailboxes').iterate();
  first.next(); // in the middle of it
  await grant(table, WRITER, 'alice@example.org', 'bob');
  first.return?.();
  t.same(rows(files.delegations, 'SELECT mailbox, delegate FROM delegation'), ['alice@example.org|bob']);
});

t.test('a table opened to be read is not written', async (t) => {
  const files = freshFiles(t);
  const table = openDelegationDb(files.delegations, { readonly: true });
  t.teardown(() => table.close());
  t.equal((await failure(() => addMailbox(table, WRITER, 'alice@example.org', {}))).code, 'config');
  t.same(await listMailboxes(table), [], 'but read');
});

t.test('a commit survives the machine: every connection of ours syncs it', async (t) => {
  const table = await freshTable(t);
  const { rows: found } = await import('kysely').then(({ sql }) =>
    sql<{ synchronous: number }>`PRAGMA synchronous`.execute(table.query),
  );
  t.equal(found[0]?.synchronous, 2, 'FULL');
});
