/** One worker at a time on a database in PostgreSQL, and a copy of what is ours that a rehearsal may write to. */
import t from 'tap';
import { soleWorker } from '../../../bridge/store/postgres/sole-worker.ts';
import { copyPostgresState } from '../../../bridge/store/postgres/state-copy.ts';
import { migrateState, openPostgresState } from '../../../bridge/store/postgres/state-db.ts';
import { fact, setFact } from '../../../bridge/store/state/facts.ts';
import { waitFor } from '../../../config/lab/wait.ts';
import { failure } from '../failures.ts';
import { freshDatabase, psql } from '../on-postgresql.ts';

t.test('the second one is told who works', async (t) => {
  const settings = await freshDatabase();
  await migrateState(settings);
  const first = await soleWorker(settings, 'sidecar');
  await first.hold();
  t.match(await failure(() => soleWorker(settings, 'sync')), { code: 'refused', rule: 'MANDAT_RUNNING' });
  await first.release();
  const sync = await soleWorker(settings, 'sync');
  t.match(await failure(() => soleWorker(settings, 'sidecar')), { code: 'retry', rule: 'SYNC_AT_WORK' });
  await sync.release();
});

t.test('whose connection is cut takes it again, unless somebody else has come', async (t) => {
  const settings = await freshDatabase();
  await migrateState(settings);
  const one = await soleWorker(settings, 'sidecar');
  const held = `FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = '${settings.database}')`;
  const cut = () => psql(settings, `SELECT count(pg_terminate_backend(pid)) ${held}`);
  t.equal(await cut(), '1');
  await waitFor('it has it again', 10_000, async () => {
    await one.hold();
    return (await psql(settings, `SELECT count(*) ${held}`)) === '1';
  });
  t.equal(await cut(), '1');
  const other = await soleWorker(settings, 'sidecar');
  let said: Awaited<ReturnType<typeof failure>> | undefined;
  await waitFor('the loss is noticed', 10_000, async () => {
    said = await failure(() => one.hold()).catch(() => undefined);
    return said !== undefined;
  });
  t.match(said, { code: 'refused', rule: 'MANDAT_RUNNING' });
  await other.release();
  await one.hold();
  await one.release();
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
    'copies schema_version shared_files shared_portions submission_epoch submission_events',
    'only what no pass touches is not copied',
  );
});
