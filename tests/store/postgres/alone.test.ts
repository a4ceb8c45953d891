/** One worker at a time on a database in PostgreSQL, and a copy of what is ours that a rehearsal may write to. */
import { hostname } from 'node:os';
import t, { type Test } from 'tap';
import { type PostgresSettings, postgresClient } from '../../../bridge/store/postgres/connection.ts';
import { copyPostgresState } from '../../../bridge/store/postgres/state-copy.ts';
import { migrateState, openPostgresState } from '../../../bridge/store/postgres/state-db.ts';
import { openPostgresTable } from '../../../bridge/store/postgres/table-db.ts';
import { standBy, takeWork, workersOf } from '../../../bridge/store/postgres/take-work.ts';
import { takeRow } from '../../../bridge/store/postgres/worker-row.ts';
import { working } from '../../../bridge/store/postgres/working.ts';
import { fact, setFact } from '../../../bridge/store/state/facts.ts';
import { markPending } from '../../../bridge/store/table/rows.ts';
import type { Working } from '../../../bridge/store/working.ts';
import { waitFor } from '../../../config/lab/wait.ts';
import { failure } from '../failures.ts';
import { freshDatabase, lab, madeDatabase, psql } from '../on-postgresql.ts';
import { startPostgresProxy } from '../postgres-proxy.ts';

const WANTED = { server: 'main', as: 'sidecar', leaseMs: 60_000, again: async () => {} } as const;
const SHORT = { ...WANTED, leaseMs: 600 };
const REFUSED = { code: 'refused', rule: 'MANDAT_RUNNING' };

async function behindProxy(t: Test, settings: PostgresSettings) {
  const proxy = await startPostgresProxy(lab.port);
  t.teardown(() => proxy.close());
  const { password } = lab.superuser;
  return { proxy, settings: { ...settings, host: '127.0.0.1', port: proxy.port, password: () => password } };
}

/** By a process that goes on running and can't make its lease longer: stopped, or cut off. */
const silence = (settings: PostgresSettings) =>
  psql(settings, "UPDATE mandat_private.workers SET until = now(), pid = 1, place = 'elsewhere'");
const fenceOf = (settings: PostgresSettings) => psql(settings, 'SELECT fence FROM mandat_private.workers');

t.test('the second one is told who works, and of another server it is free', async (t) => {
  const settings = await freshDatabase();
  await migrateState(settings);
  const first = await takeWork(settings, WANTED);
  await first.sure();
  t.match(await failure(() => takeWork(settings, { ...WANTED, as: 'sync' })), REFUSED);
  const other = await takeWork(settings, { ...WANTED, server: 'mx2' });
  await other.release();
  await first.release();
  const sync = await takeWork(settings, { ...WANTED, as: 'sync' });
  t.equal(sync.takenFrom, undefined, 'it was let go');
  t.match(await failure(() => takeWork(settings, WANTED)), { code: 'retry', rule: 'SYNC_AT_WORK' });
  await sync.release();
  t.equal(await psql(settings, "SELECT fence FROM mandat_private.workers WHERE server = 'main'"), '2');
});

t.test('whose connection is cut has it still, unless somebody else has come', async (t) => {
  const settings = await freshDatabase();
  await migrateState(settings);
  let again = 0;
  const one = await takeWork(settings, {
    ...SHORT,
    again: async () => {
      again++;
    },
  });
  const cut = () =>
    psql(
      settings,
      "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name LIKE 'mandat worker%'",
    );
  t.equal(await cut(), '1');
  await waitFor('what must come before the work was done', 10_000, () => again === 1);
  await waitFor('it has it again', 10_000, () =>
    one.sure().then(
      () => true,
      () => false,
    ),
  );
  t.equal(await fenceOf(settings), '1');
  await psql(settings, "UPDATE mandat_private.workers SET token = 'of another', fence = fence + 1");
  t.match(await one.lost, { rule: 'MANDAT_SUPERSEDED' });
  t.match(await failure(() => one.sure()), { rule: 'MANDAT_SUPERSEDED' });
  await one.release();
  await silence(settings);
  const other = await takeWork(settings, WANTED);
  t.equal(other.takenFrom, `${hostname()}, process 1`);
  await other.release();
});

t.test('what a worker writes is refused once another has come, wherever it is in its transaction', async (t) => {
  const settings = await madeDatabase();
  const one = await takeWork(settings, WANTED);
  const options = { worker: one.token };
  const state = await openPostgresState(settings, options);
  const table = await openPostgresTable(settings, options);
  t.teardown(async () => {
    await state.close();
    await table.close();
  });
  await setFact(state, 'epoch', '1');
  let taking: Promise<Working> | undefined;
  const begun = state.write(async (query) => {
    await setFact({ query }, 'epoch', '2');
    await silence(settings);
    taking = takeWork(settings, WANTED); // ends what is in hand: nobody waits for who was stopped in a transaction
    await taking;
    await setFact({ query }, 'epoch', '3');
  });
  t.match(await failure(() => begun), { code: 'retry' });
  const other = await taking;
  const refused = { code: 'retry', rule: 'MANDAT_SUPERSEDED' };
  t.match(await failure(() => state.write((query) => setFact({ query }, 'epoch', '4'))), refused);
  t.match(await failure(() => setFact(state, 'epoch', '4')), refused, 'a statement by itself too');
  t.match(await failure(() => markPending(table, [1], 'mandat')), refused);
  t.equal(await fact(state, 'epoch'), '1');
  const unfenced = await psql(
    settings,
    `SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_tables WHERE schemaname = 'mandat_private' AND NOT EXISTS (
      SELECT FROM pg_trigger WHERE tgname = 'a_still_working' AND tgrelid = ('mandat_private.' || tablename)::regclass)`,
  );
  t.equal(unfenced, 'schema_version standing_by submission_epoch workers', 'all that a worker writes is fenced');
  await one.release();
  await other?.release();
});

t.test('who stands by has it in a moment when it is let go, and is seen until then', async (t) => {
  const settings = await freshDatabase();
  await migrateState(settings);
  const one = await takeWork(settings, WANTED);
  const leaving = new AbortController();
  const told: string[] = [];
  const until = { signal: leaving.signal, told: ({ host }: { host: string }) => told.push(host), failed: () => {} };
  const waiting = standBy(settings, WANTED, until);
  await waitFor('it is seen', 10_000, async () => (await workersOf(settings, 'main')).standBy.length === 1);
  t.match(await workersOf(settings, 'main'), {
    works: { fence: 1, pid: process.pid },
    standBy: [{ pid: process.pid }],
  });
  t.same(told, [hostname()]);
  await one.release();
  const two = await waiting;
  t.match(await workersOf(settings, 'main'), { works: { fence: 2 }, standBy: [] });
  const third = standBy(settings, WANTED, until);
  leaving.abort();
  t.equal(await third, undefined);
  await two?.release();
});

t.test('who was stopped asks before they go on, and who can not ask stops before another may begin', async (t) => {
  const settings = await freshDatabase();
  await migrateState(settings);
  let jumped = 0;
  const elapsed = () => performance.now() + jumped;
  const client = await postgresClient(settings, { schemas: ['mandat_private'] });
  await client.connect();
  const at = elapsed();
  const taken = await takeRow(client, { ...WANTED, before: undefined });
  if (taken === undefined) throw new Error('it is not free');
  const one = working(settings, taken, client, at, { ...WANTED, elapsed });
  let doubts = 0;
  one.onDoubt(() => doubts++);
  await one.sure();
  jumped += WANTED.leaseMs;
  t.notOk(one.certain);
  await one.sure();
  t.ok(one.certain, 'nobody has come meanwhile');
  await silence(settings);
  const other = await takeWork(settings, WANTED);
  await one.sure(); // it was confirmed a moment ago
  jumped += WANTED.leaseMs;
  t.match(await failure(() => one.sure()), { rule: 'MANDAT_SUPERSEDED' });
  t.equal(doubts, 1);
  await other.release();
});

t.test('a database that is slow to answer is asked again, as long as nobody else may have begun', async (t) => {
  const direct = await freshDatabase();
  await migrateState(direct);
  const { settings, proxy } = await behindProxy(t, direct);
  let now = 0;
  const client = await postgresClient(settings, { schemas: ['mandat_private'], silenceMs: 200 });
  client.on('error', () => {});
  await client.connect();
  const taken = await takeRow(client, { ...SHORT, before: undefined });
  if (taken === undefined) throw new Error('it is not free');
  const one = working(settings, taken, client, now, { ...SHORT, elapsed: () => now });
  const doubtful = (share: number) => {
    now += SHORT.leaseMs * share;
    proxy.silent = true;
  };
  doubtful(0.3);
  const sure = one.sure();
  const before = proxy.came;
  await waitFor('it has been asked on two more connections', 20_000, () => proxy.came > before + 1);
  proxy.silent = false;
  await sure;
  doubtful(0.7);
  t.match(await failure(() => one.sure()), { code: 'retry', message: /doesn't answer|was lost/ });
  proxy.silent = false;
  await one.release();
});

t.test('a database that is slow to answer at the start is asked again; one that is away is told of', async (t) => {
  const direct = await freshDatabase();
  await migrateState(direct);
  const { settings, proxy } = await behindProxy(t, direct);
  const heard = async (work: Promise<Working | undefined>) => {
    const before = proxy.came;
    await waitFor('it has been asked again', 10_000, () => proxy.came > before + 1);
    proxy.silent = false;
    return work;
  };
  proxy.silent = true;
  const one = await heard(takeWork(settings, SHORT));
  await one?.release();
  proxy.silent = true;
  const told: unknown[] = [];
  const until = { signal: new AbortController().signal, told: () => {}, failed: (one: unknown) => told.push(one) };
  const two = await heard(standBy(settings, SHORT, until));
  t.same(told, []);
  await two?.release();
  proxy.open = false;
  const third = standBy(settings, SHORT, until);
  await waitFor('it is told', 10_000, () => told.length === 1);
  proxy.open = true;
  await (await third)?.release();
});

t.test('what is written to the copy stays in it', async (t) => {
  const settings = await freshDatabase();
  await migrateState(settings);
  const state = await openPostgresState(settings);
  t.teardown(() => state.close());
  const pair = {
    mailbox_id: 1,
    delegate_id: 2,
    address: 'a@x',
    server: 'main',
    owner_login: 'a',
    login: 'b',
    phase: 'verified',
    since: '',
  } as const;
  const row = { ...pair, inbox_before: null, folders_before: null };
  await state.query.insertInto('ledger').values(row).execute();
  await setFact(state, 'paused', 'yes');
  const copy = await copyPostgresState(settings, 'main');
  t.teardown(() => copy.close());
  t.equal(await fact(copy, 'paused'), 'yes');
  await setFact(copy, 'paused', 'no');
  await copy.write((query) =>
    query
      .insertInto('ledger')
      .values({ ...row, login: 'c' })
      .execute(),
  );
  const logins = async (of: typeof state) =>
    (await of.query.selectFrom('ledger').select('login').orderBy('id').execute()).map(({ login }) => login);
  t.same([await logins(copy), await logins(state)], [['b', 'c'], ['b']]);
  t.equal(await fact(state, 'paused'), 'yes');
  const lacking = await psql(
    settings,
    `SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_tables WHERE schemaname = 'mandat_private'
      AND tablename NOT IN (SELECT tablename FROM pg_tables WHERE schemaname LIKE 'pg_temp_%')`,
  );
  t.equal(
    lacking,
    'copies schema_version shared_files shared_portions standing_by submission_epoch submission_events workers',
    'only what no pass touches is not copied',
  );
});
