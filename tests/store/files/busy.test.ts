/**
 * While another program holds a database: what would be written is tried again from the event loop, everything else goes on, and what takes too
 * long fails as `retry`, not as a defect.
 */
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { Kysely, sql } from 'kysely';
import t, { type Test } from 'tap';
import { existingSubmissionStore, openSubmissionStore, type Placed } from '../../../bridge/configured/stores.ts';
import { forgetServedIntents, release } from '../../../bridge/safeguards/guard.ts';
import { tableAge } from '../../../bridge/safeguards/table-from-the-past.ts';
import { SUBMISSIONS } from '../../../bridge/store/databases.ts';
import { dataVersionOf, patientDialect, waitsForNobody, whenFree } from '../../../bridge/store/files/busy.ts';
import type { DataFiles } from '../../../bridge/store/files/data-files.ts';
import { migrate } from '../../../bridge/store/files/open.ts';
import { fact, setFact } from '../../../bridge/store/state/facts.ts';
import { setPhase } from '../../../bridge/store/state/ledger.ts';
import { openSubmissions } from '../../../bridge/store/submissions/submission-db.ts';
import { type DelegationDb, openDelegationDb } from '../../../bridge/store/table/delegation-db.ts';
import { markPending, pendingMailboxes, readMailbox, settle } from '../../../bridge/store/table/rows.ts';
import { applySettings } from '../../../bridge/store/table/rule-settings.ts';
import { drainEvents } from '../../../bridge/store/trail/take-over-events.ts';
import { proveAudit } from '../../../bridge/store/trail/trail-proof.ts';
import { failure } from '../failures.ts';
import { freshFiles, openState, openTable } from '../fresh.ts';
import { rows } from '../shell.ts';
import { WORLD } from '../world.ts';
import { holdWriteLock } from '../write-lock.ts';

const KEY = Buffer.alloc(32, 7);

/** Gives up soon: how long it tries is another test's. */
function impatient(t: Test, files: DataFiles): DelegationDb {
  const table = openDelegationDb(files.delegations, { patienceMs: 20 });
  t.teardown(() => table.close());
  return table;
}

t.test('everything the sidecar writes into the shared table', async (t) => {
  const files = freshFiles(t);
  rows(files.delegations, `${WORLD}; INSERT INTO intents VALUES (1, 1, 'now')`);
  const [table, state] = [impatient(t, files), openState(t, files)];
  await setFact(state, 'epoch', 'another');
  const wave = { mailboxId: 1, delegateId: 1, login: 'bob', intended: false };
  const works: readonly (readonly [string, () => Promise<unknown>])[] = [
    ['drain', () => drainEvents(table, state, KEY)],
    ['settle', () => settle(table, 1, 1)],
    ['sync', () => markPending(table, [1], 'admin')],
    ['sync --force', () => release(table, { disappearing: [wave], held: new Map(), standing: 1 }, 'admin')],
    ['intents', () => forgetServedIntents(table, state, 1)],
    [
      'settings',
      () =>
        applySettings(table, {
          policy: { maxDelegates: 3, eligibleDomains: 'all' },
          identity: { scheme: 'login' },
        }),
    ],
    ['restore', () => tableAge(table, state)],
  ];
  const lock = await holdWriteLock(files.delegations, {});
  for (const [what, work] of works) t.equal((await failure(work)).code, 'retry', what);
  lock.release();
  await lock.ended;
  for (const [what, work] of works) await t.resolves(work(), `${what}, once it is free`);
});

t.test('events that could not be taken out of the table are not taken over twice', async (t) => {
  const files = freshFiles(t);
  rows(files.delegations, "INSERT INTO mailbox (address) VALUES ('alice@example.org')");
  const [table, state] = [impatient(t, files), openState(t, files)];
  const lock = await holdWriteLock(files.delegations, {});
  for (const round of [1, 2]) t.equal((await failure(() => drainEvents(table, state, KEY))).code, 'retry', `${round}`);
  lock.release();
  await lock.ended;
  await drainEvents(table, state, KEY);
  t.same(rows(files.delegations, 'SELECT * FROM events'), []);
  t.same(rows(files.state, 'SELECT mailbox FROM audit'), ['alice@example.org']);
  t.match(await proveAudit(state, KEY), { intact: true });
});

/** The longest that the loop was held while something went on, in milliseconds. */
async function heldWhile<T>(work: () => Promise<T>): Promise<{ readonly result: T; readonly heldMs: number }> {
  let heldMs = 0;
  let last = performance.now();
  const tick = () => {
    heldMs = Math.max(heldMs, performance.now() - last);
    last = performance.now();
  };
  const timer = setInterval(tick, 1);
  try {
    const result = await work();
    tick();
    return { result, heldMs };
  } finally {
    clearInterval(timer);
  }
}

/** For how long the lock is held. The loop may be held for a small part of it, whatever else this computer does. */
const LOCK_SECONDS = 2;
const SMALL_PART = (LOCK_SECONDS * 1000) / 4;

/** So often it is measured: a machine that is busy holds the loop now and then, and one that waits for the lock is held each time. */
const TRIES = 3;

async function heldLittle(t: Test, measured: (t: Test) => Promise<number>): Promise<void> {
  for (let tries = 1; ; tries++) {
    let heldMs = Number.POSITIVE_INFINITY;
    await t.test(`measured, ${tries}`, async (t) => {
      heldMs = await measured(t);
    });
    if (heldMs >= SMALL_PART && tries < TRIES) continue;
    t.ok(heldMs < SMALL_PART, `the loop was held for ${heldMs} ms`);
    return;
  }
}

t.test('a write waits without the loop, and whoever reads or writes elsewhere goes on', (t) =>
  heldLittle(t, async (t) => {
    const files = freshFiles(t);
    rows(files.delegations, `${WORLD}; INSERT INTO delegation (mailbox, delegate) VALUES ('alice@example.org', 'bob')`);
    const [table, state] = [openTable(t, files), openState(t, files)];
    const lock = await holdWriteLock(files.delegations, { seconds: LOCK_SECONDS });
    let settled = false;
    const { heldMs } = await heldWhile(async () => {
      const waiting = settle(table, 1, 1_000_000).then(() => {
        settled = true;
      });
      const single = table.query.deleteFrom('intents').execute();
      await sleep(50); // it has been refused by now, and waits
      // What a revoke needs until the server has it: its row, and the ledger.
      t.match(await readMailbox(table, 1), { rows: { address: 'alice@example.org' } });
      t.equal((await pendingMailboxes(table)).length > 0, true);
      await setPhase(state, [1], 'revoking', '2026-11-26T08:00:00.000Z');
      t.notOk(settled, 'all of that while the lock is held');
      await Promise.all([waiting, single]);
    });
    t.ok(settled, 'and it is done when the lock is gone');
    await lock.ended;
    return heldMs;
  }),
);

t.test('state.db and submission.db likewise', (t) =>
  heldLittle(t, async (t) => {
    const files = freshFiles(t);
    const [state, store] = [openState(t, files), openSubmissions(files.submissions)];
    t.teardown(() => store.close());
    const locks = await Promise.all(
      [files.state, files.submissions].map((file) => holdWriteLock(file, { seconds: LOCK_SECONDS })),
    );
    const { heldMs } = await heldWhile(async () => {
      const waiting = Promise.all([
        setFact(state, 'sweep', 'single'),
        state.write((query) => setFact({ query }, 'rules', 'in a transaction')),
        store.note([{ kind: 'copy-sent', copy: { nonce: 'n', mailbox: 'alice@example.org', sentAt: 'now' } }]),
      ]);
      await sleep(50);
      t.equal(await fact(state, 'sweep'), undefined);
      t.same(await store.missing(), []);
      await waiting;
    });
    t.match(await Promise.all([fact(state, 'sweep'), fact(state, 'rules')]), ['single', 'in a transaction']);
    t.match(await store.missing(), [{ nonce: 'n' }]);
    await Promise.all(locks.map(({ ended }) => ended));
    return heldMs;
  }),
);

t.test(
  'submission.db is opened without the loop too: of an older version, whose rows another program is writing',
  (t) =>
    heldLittle(t, async (t) => {
      const files = freshFiles(t);
      rmSync(files.submissions, { force: true });
      migrate(files.submissions, { ...SUBMISSIONS, migrations: SUBMISSIONS.migrations.slice(0, 1) });
      const lock = await holdWriteLock(files.submissions, { seconds: LOCK_SECONDS });
      const config = { dataDir: files.directory, server: { name: 'main' } } as Placed;
      const { result: stores, heldMs } = await heldWhile(() =>
        Promise.all([existingSubmissionStore(config), openSubmissionStore(config)]),
      );
      for (const store of stores) {
        t.same(await store?.missing(), [], 'it is of this version now');
        store?.close();
      }
      await lock.ended;
      return heldMs;
    }),
);

t.test('a transaction sees one state of the table, and a failed one leaves the connection usable', async (t) => {
  const files = freshFiles(t);
  rows(files.delegations, WORLD);
  const table = openTable(t, files);
  const count = async (query: Parameters<Parameters<DelegationDb['read']>[0]>[0]) =>
    (await query.selectFrom('mailboxes').select('id').execute()).length;
  await table.read(async (query) => {
    rows(files.delegations, "INSERT INTO mailbox (address) VALUES ('first@example.org')");
    const before = await count(query);
    rows(files.delegations, "INSERT INTO mailbox (address) VALUES ('second@example.org')");
    t.equal(await count(query), before, 'also what came before its first question');
  });
  await t.rejects(
    table.write({ actor: 'admin' }, () => Promise.reject(new Error('changed their mind'))),
    /changed/,
  );
  await t.rejects(sql`SELECT * FROM nowhere`.execute(table.query), /no such table/);
  const [one, two] = await Promise.all([markPending(table, [1], 'a'), markPending(table, [1], 'b')]);
  t.equal(two - one, 1, 'two at once follow each other');
  let streamed = 0;
  for await (const _ of table.query.selectFrom('mailboxes').select('id').stream()) streamed++;
  t.ok(streamed > 2);
});

t.test(
  'a transaction that SQLite has given up itself, as on a full disk: the first error is heard of, and the connection goes on',
  async (t) => {
    const database = new Database(':memory:');
    const kysely = new Kysely<{ a: { b: string } }>({ dialect: patientDialect(database) });
    t.teardown(() => kysely.destroy());
    await sql`CREATE TABLE a (b TEXT)`.execute(kysely);
    const full = Object.assign(new Error('database or disk is full'), { code: 'SQLITE_FULL' });
    const work = kysely.transaction().execute(async (inside) => {
      await sql`INSERT INTO a VALUES ('x')`.execute(inside);
      await sql`ROLLBACK`.execute(inside);
      throw full;
    });
    await t.rejects(work, { code: 'SQLITE_FULL' });
    t.same(await kysely.selectFrom('a').selectAll().execute(), []);
  },
);

t.test('a file that somebody holds alone: its version is unknown, and another each time', async (t) => {
  const file = `${t.testdir({})}/plain.db`;
  const [ours, theirs] = [new Database(file), new Database(file)];
  t.teardown(() => [ours, theirs].map((one) => one.close()));
  theirs.exec('CREATE TABLE x (y)');
  waitsForNobody(ours);
  const version = dataVersionOf(ours);
  t.equal(version(), version());
  theirs.exec('BEGIN EXCLUSIVE');
  t.not(version(), version());
  const reading = whenFree(() => ours.prepare('SELECT count(*) FROM x').pluck().get());
  await t.rejects(
    whenFree(() => ours.prepare('SELECT * FROM x').all(), 10),
    { code: 'SQLITE_BUSY' },
  );
  theirs.exec('COMMIT');
  t.equal(await reading, 0);
  t.equal(version(), version());
});
