/** While another program holds the table's write lock, whatever the sidecar would write itself fails as `retry`, not as a defect. */
import { sql } from 'kysely';
import t from 'tap';
import { forgetServedIntents, release } from '../../bridge/guard.ts';
import { tableAge } from '../../bridge/restore.ts';
import { drainEvents } from '../../bridge/store/audit.ts';
import { proveAudit } from '../../bridge/store/audit-check.ts';
import { setFact } from '../../bridge/store/facts.ts';
import { markPending, settle } from '../../bridge/store/rows.ts';
import { applySettings } from '../../bridge/store/settings.ts';
import { failure } from './failures.ts';
import { freshFiles, openState, openTable } from './fresh.ts';
import { rows } from './shell.ts';
import { WORLD } from './world.ts';
import { holdWriteLock } from './write-lock.ts';

const KEY = Buffer.alloc(32, 7);

t.test('everything the sidecar writes into the shared table', async (t) => {
  const files = freshFiles(t);
  rows(files.delegations, `${WORLD}; INSERT INTO intents VALUES (1, 1, 'now')`);
  const [table, state] = [openTable(t, files), openState(t, files)];
  await setFact(state, 'epoch', 'another');
  await sql`PRAGMA busy_timeout = 20`.execute(table.query); // how long it waits is another test's
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
  const [table, state] = [openTable(t, files), openState(t, files)];
  await sql`PRAGMA busy_timeout = 20`.execute(table.query);
  const lock = await holdWriteLock(files.delegations, {});
  for (const round of [1, 2]) t.equal((await failure(() => drainEvents(table, state, KEY))).code, 'retry', `${round}`);
  lock.release();
  await lock.ended;
  await drainEvents(table, state, KEY);
  t.same(rows(files.delegations, 'SELECT * FROM events'), []);
  t.same(rows(files.state, 'SELECT mailbox FROM audit'), ['alice@example.org']);
  t.match(await proveAudit(state, KEY), { intact: true });
});
