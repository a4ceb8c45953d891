/** A connection that is cut at any moment of a write: what is committed counts as done, once; what isn't is done anew, or said not to be. */
import t from 'tap';
import { type PostgresSettings, postgresSettings } from '../../../bridge/store/postgres/connection.ts';
import { openPostgresState } from '../../../bridge/store/postgres/state-db.ts';
import { openPostgresTable } from '../../../bridge/store/postgres/table-db.ts';
import { fact, setFact } from '../../../bridge/store/state/facts.ts';
import { waitFor } from '../../../config/lab/wait.ts';
import { failure } from '../failures.ts';
import { lab, madeDatabase, psql } from '../on-postgresql.ts';
import { type Fate, startPostgresProxy } from '../postgres-proxy.ts';

const proxy = await startPostgresProxy(lab.port);
t.teardown(() => proxy.close());
t.afterEach(() => {
  proxy.decide = () => 'pass';
  proxy.target = lab.port;
  proxy.open = true;
});

function through({ database }: PostgresSettings): PostgresSettings {
  const url = `postgres://postgres@127.0.0.1:${proxy.port}/${database}`;
  const env = { MANDAT_DATABASE_PASSWORD: lab.superuser.password };
  const settings = postgresSettings({ database: url, databasePasswordFile: '/nowhere' }, env);
  if (settings === undefined) throw new Error('no settings');
  return settings;
}

/** The n-th request of each kind from now on, once. */
function at(n: number, fate: Fate, kind = /./s): void {
  let seen = 0;
  proxy.decide = (sql) => (kind.test(sql) && ++seen === n ? fate : 'pass');
}

const mailbox = (name: string) => ({
  address: `${name}@x.test`,
  login: name,
  kind: 'PER' as const,
  eligible: 1,
  server: 'main',
});

const MAILBOXES = 'SELECT count(*) FROM mandat.mailboxes';

t.test('at every request of a write, and before and after the server has heard of it', async (t) => {
  const settings = await madeDatabase();
  const table = await openPostgresTable(through(settings));
  t.teardown(() => table.close());
  let written = 0;
  const write = (name: string) =>
    table.write({ actor: 'test' }, async (query) => {
      await query.insertInto('mailboxes').values(mailbox(name)).execute();
      return name;
    });
  for (const fate of ['cut-before', 'cut-after'] as const) {
    for (let n = 1; ; n++) {
      let cut = false;
      at(n, fate);
      const { decide } = proxy;
      proxy.decide = (...asked) => {
        const one = decide(...asked);
        cut ||= one !== 'pass';
        return one;
      };
      const name = `m${fate === 'cut-before' ? 'b' : 'a'}${n}`;
      t.equal(await write(name), name);
      written++;
      t.equal(await psql(settings, MAILBOXES), `${written}`, `once, cut at request ${n}`);
      if (!cut) break;
      t.ok(n < 30);
    }
  }
  t.ok(written > 14, `${written} writes`);
  t.equal(
    await psql(settings, `SELECT count(*) FROM mandat.events WHERE action LIKE '%mailbox%'`),
    `${written}`,
    'noted once each',
  );
});

t.test('the answer of the commit is lost, and nobody can be asked', async (t) => {
  const settings = await madeDatabase();
  const table = await openPostgresTable({ ...through(settings), silenceMs: 500 });
  t.teardown(() => table.close());
  proxy.decide = (sql) => {
    if (!/^commit/i.test(sql)) return 'pass';
    proxy.open = false;
    return 'cut-after';
  };
  const said = await failure(() =>
    table.write({ actor: 'test' }, (query) => query.insertInto('mailboxes').values(mailbox('a')).execute()),
  );
  t.match(said, { code: 'retry', message: /at the moment of the commit: whether it is done is not known/ });
  t.equal(await psql(settings, MAILBOXES), '1', 'it was');
  proxy.open = true;
  proxy.decide = () => 'pass';
  t.equal((await table.query.selectFrom('mailboxes').select('id').execute()).length, 1, 'and it goes on by itself');
});

t.test('it is lost before the commit, and nobody can be asked', async (t) => {
  const settings = await madeDatabase();
  const state = await openPostgresState({ ...through(settings), silenceMs: 500 });
  t.teardown(() => state.close());
  const said = await failure(() =>
    state.write(async (query) => {
      await setFact({ query }, 'paused', 'yes');
      proxy.open = false;
      proxy.cut();
      await setFact({ query }, 'rules', 'yes');
    }),
  );
  t.match(said, { code: 'retry', message: /was lost: nothing of this is done|can't be reached/ });
  proxy.open = true;
  t.equal(await fact(state, 'paused'), undefined);
});

t.test('the other side is silent in the middle of it', async (t) => {
  const settings = await madeDatabase();
  const state = await openPostgresState({ ...through(settings), silenceMs: 2000 });
  t.teardown(() => state.close());
  at(1, 'stall', /insert into "facts"/);
  await state.write((query) => setFact({ query }, 'paused', 'yes'));
  t.equal(await fact(state, 'paused'), 'yes', 'on another connection');
  at(1, 'stall', /^commit/i);
  await state.write((query) => setFact({ query }, 'paused', 'no'));
  t.equal(await fact(state, 'paused'), 'no');
  const open = `SELECT count(*) FROM pg_stat_activity WHERE datname = '${settings.database}' AND state LIKE 'idle in transaction%'`;
  await waitFor('no transaction of before is open', 10_000, async () => (await psql(settings, open)) === '0');
  await Promise.all(Array.from({ length: 8 }, (_, n) => state.write((query) => setFact({ query }, 'rules', `${n}`))));
});

t.test('a real deadlock: whoever PostgreSQL gives up is us, and it is done anew', async (t) => {
  const settings = await madeDatabase();
  const table = await openPostgresTable(through(settings));
  t.teardown(() => table.close());
  await table.write({ actor: 'test' }, (query) => query.insertInto('mailboxes').values(mailbox('a')).execute());
  let tries = 0;
  let theirs: Promise<unknown> = Promise.resolve();
  await table.write({ actor: 'test' }, async (query) => {
    if (++tries === 1) {
      // Takes a row first, then the turn: what no rule of the table does.
      theirs = psql(
        settings,
        "BEGIN; SET LOCAL deadlock_timeout = '20s'; SELECT id FROM mandat.mailboxes FOR UPDATE; SELECT * FROM mandat.counters FOR UPDATE; COMMIT",
      );
      const waits = `SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted AND a.datname = '${settings.database}'`;
      await waitFor('they wait for us', 10_000, async () => (await psql(settings, waits)) !== '0');
    }
    await query.updateTable('mailboxes').set({ owner: 'x' }).where('login', '=', 'a').execute();
  });
  await theirs;
  t.equal(tries, 2);
  t.equal(await psql(settings, 'SELECT owner FROM mandat.mailboxes'), 'x');
});

t.test('the server ends our session, and is started anew', async (t) => {
  const settings = await madeDatabase();
  const state = await openPostgresState(through(settings));
  t.teardown(() => state.close());
  let ended = 0;
  await state.write(async (query) => {
    await setFact({ query }, 'paused', `${ended}`);
    if (ended++ > 0) return;
    const others = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${settings.database}' AND pid <> pg_backend_pid()`;
    await psql(settings, others);
    await setFact({ query }, 'rules', 'x');
  });
  t.equal(await fact(state, 'paused'), '1', 'done anew');
});
