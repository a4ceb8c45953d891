/** The delegation table in PostgreSQL, where only it can go so: what is not there, who is in the way, a connection that is cut. */
import { sql } from 'kysely';
import t, { type Test } from 'tap';
import { openPostgresTable } from '../../../bridge/store/postgres/table-db.ts';
import { migrateTable } from '../../../bridge/store/postgres/table-schema.ts';
import { changeMany } from '../../../bridge/store/table/bulk-changes.ts';
import { addDelegate } from '../../../bridge/store/table/delegates.ts';
import { listDelegations } from '../../../bridge/store/table/delegation-list.ts';
import { grant } from '../../../bridge/store/table/delegations.ts';
import { addMailbox } from '../../../bridge/store/table/mailboxes.ts';
import { failure } from '../failures.ts';
import { freshDatabase, madeDatabase, psql } from '../on-postgresql.ts';

const ADMIN = { actor: 'admin' };
const ALICE = 'alice@x.test';

async function site(t: Test, patienceMs?: number) {
  const settings = await madeDatabase();
  const table = await openPostgresTable(settings, patienceMs === undefined ? {} : { patienceMs });
  t.teardown(() => table.close());
  await addMailbox(table, ADMIN, ALICE, {});
  for (const name of ['bob', 'carol']) await addDelegate(table, ADMIN, name, {});
  return { settings, table };
}

t.test('what is not there, or of another version, is said and left alone', async (t) => {
  const settings = await freshDatabase();
  const missing = { code: 'config', message: /\(postgres:.*schema mandat\) is not there/, hint: /mandat init/ };
  t.match(await failure(() => openPostgresTable(settings)), missing);
  await migrateTable(settings);
  await psql(settings, 'UPDATE mandat.schema_version SET version = 1');
  t.match(await failure(() => openPostgresTable(settings)), { message: /has version 1, this program needs 3/ });
  await psql(settings, 'UPDATE mandat.schema_version SET version = 1000');
  t.match(await failure(() => openPostgresTable(settings)), { message: /version 1000, newer than this program knows/ });
});

t.test('work that others were in the way of is begun anew, with nothing from before', async (t) => {
  const { table } = await site(t);
  let times = 0;
  await table.write(ADMIN, async (query) => {
    times++;
    await sql`DELETE FROM pending`.execute(query);
    t.equal((await query.selectFrom('delegations').select('id').execute()).length, 0);
    await sql`INSERT INTO delegation (mailbox, delegate) VALUES (${ALICE}, 'bob')`.execute(query);
    if (times < 3) await sql`DO $$ BEGIN RAISE SQLSTATE '40001'; END $$`.execute(query);
  });
  t.equal(times, 3);
  t.equal((await listDelegations(table)).length, 1);
  const events = await table.query.selectFrom('events').select('id').where('action', '=', 'grant').execute();
  t.equal(events.length, 1, 'noted once');
  // A list of what was saved tells of the last attempt alone.
  let first = true;
  const failing: typeof table = {
    ...table,
    write: (writer, work) =>
      table.write(writer, async (query) => {
        const done = await work(query);
        if (first) {
          first = false;
          await sql`DO $$ BEGIN RAISE SQLSTATE '40P01'; END $$`.execute(query);
        }
        return done;
      }),
  };
  const rows = ['bob', 'carol'].map((delegate, n) => ({ line: n + 1, mailbox: ALICE, delegate }));
  const report = await changeMany(failing, ADMIN, 'grant', rows, false);
  t.same([report.saved.length, report.refused.length], [1, 1]);
});

t.test('always in the way: said after some attempts', async (t) => {
  const { table } = await site(t);
  const blocked = () => table.write(ADMIN, (query) => sql`DO $$ BEGIN RAISE SQLSTATE '40001'; END $$`.execute(query));
  t.match(await failure(blocked), { code: 'retry', message: /written by others at the same time/ });
});

t.test('somebody else writes for long: who reads goes on, who writes waits, and says so', async (t) => {
  const { settings, table } = await site(t, 300);
  const slow = await openPostgresTable(settings);
  t.teardown(() => slow.close());
  await slow.write(ADMIN, async () => {
    t.match(await failure(() => grant(table, ADMIN, ALICE, 'bob')), {
      code: 'retry',
      message: /locked by another program/,
    });
    t.same(await listDelegations(table), []);
  });
  await grant(table, ADMIN, ALICE, 'bob');
});

t.test('a connection that is cut in mid-transaction has written nothing, and the next has another', async (t) => {
  const { settings, table } = await site(t);
  const cut = () =>
    psql(
      settings,
      'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
    );
  const work = () =>
    table.write(ADMIN, async (query) => {
      await sql`INSERT INTO delegation (mailbox, delegate) VALUES (${ALICE}, 'bob')`.execute(query);
      await cut();
      return query.selectFrom('delegations').select('id').execute();
    });
  t.match(await failure(work), { code: 'retry' });
  t.same(await listDelegations(table), []);
  await grant(table, ADMIN, ALICE, 'bob');
  t.equal((await listDelegations(table)).length, 1);
});
