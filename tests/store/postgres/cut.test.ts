/** A connection that is cut at any moment of a write: what is committed counts as done, once; what isn't is done anew, or said not to be. */
import t from 'tap';
import { type PostgresSettings, postgresSettings } from '../../../bridge/store/postgres/connection.ts';
import { openPostgresState } from '../../../bridge/store/postgres/state-db.ts';
import { openPostgresTable } from '../../../bridge/store/postgres/table-db.ts';
import { fact, setFact } from '../../../bridge/store/state/facts.ts';
import { waitFor } from '../../../config/lab/wait.ts';
import { openFaultyWire } from '../../proof/faults/faulty-wire.ts';
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

t.test(
  'silence at each request of a write and of a read: it is given up, and what became of it is known',
  async (t) => {
    const SILENCE_MS = 3000;
    /** As many as a write has, and more. In a database of its own each, beside one another. */
    const found = await Promise.all(
      Array.from({ length: 12 }, async (_, index) => {
        const n = index + 1;
        const settings = await madeDatabase();
        const wire = await startPostgresProxy(lab.port);
        t.teardown(() => wire.close());
        const table = await openPostgresTable({ ...through(settings), port: wire.port, silenceMs: SILENCE_MS });
        t.teardown(() => table.close());
        let stalled = false;
        const stallAt = () => {
          let seen = 0;
          stalled = false;
          wire.decide = () => {
            if (++seen !== n) return 'pass';
            stalled = true;
            return 'stall';
          };
        };
        stallAt();
        const said = await table
          .write({ actor: 'test' }, (query) => query.insertInto('mailboxes').values(mailbox('a')).execute())
          .then(
            () => 'done',
            (error: unknown) => error,
          );
        const reached = stalled;
        wire.decide = () => 'pass';
        const rows = await psql(settings, MAILBOXES);
        t.equal(rows, said === 'done' ? '1' : '0', `silent at request ${n}: ${String(said)}`);
        if (said !== 'done')
          t.match(said, { code: 'retry', message: /nothing of this is done|doesn't answer|was lost/ });
        const open = `SELECT count(*) FROM pg_stat_activity WHERE datname = '${settings.database}' AND backend_xid IS NOT NULL`;
        await waitFor('nobody has a write open', 20_000, async () => (await psql(settings, open)) === '0');
        stallAt();
        const read: readonly unknown[] = await table.read((query) =>
          query.selectFrom('mailboxes').select('id').execute(),
        );
        t.equal(`${read.length}`, rows, `and a read, silent at request ${n}`);
        return { reached, done: said === 'done' };
      }),
    );
    const reached = found.filter((one) => one.reached);
    t.ok(reached.length > 5 && reached.length < 12, `a write has ${reached.length} requests`);
    t.ok(
      reached.every(({ done }) => done),
      'each was done, on another connection',
    );
  },
);

t.test('one octet at a time', async (t) => {
  const settings = await madeDatabase();
  const slow = await openFaultyWire({ host: '127.0.0.1', port: lab.port });
  t.teardown(() => slow.close());
  slow.set({ kind: 'trickle' });
  const table = await openPostgresTable({ ...through(settings), port: slow.port });
  t.teardown(() => table.close());
  await table.write({ actor: 'test' }, (query) =>
    query
      .insertInto('mailboxes')
      .values({ ...mailbox('a'), owner: 'é€' })
      .execute(),
  );
  t.same(await table.query.selectFrom('mailboxes').select('owner').execute(), [{ owner: 'é€' }]);
  t.ok(slow.happened);
});

/** Fails by itself so often, as PostgreSQL does by this code: a number of a sequence is not given back with the transaction. */
const FAILING = (
  code: string,
  times: number,
) => `CREATE SEQUENCE tries; CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  IF nextval('public.tries') <= ${times} THEN RAISE EXCEPTION 'as it happens' USING ERRCODE = '${code}'; END IF; RETURN NULL; END $$;
  CREATE TRIGGER fail AFTER INSERT ON mandat_private.facts FOR EACH ROW EXECUTE FUNCTION fail()`;

t.test(
  'what PostgreSQL gives up for others is done anew, six times in all; what it refuses is said in plain words, and nothing is half written',
  async (t) => {
    for (const [code, times, says] of [
      ['40001', 5, undefined],
      ['40P01', 5, undefined],
      ['40001', 6, ['retry', /was being written by others at the same time, again and again/]],
      ['40P01', 6, ['retry', /was being written by others at the same time, again and again/]],
      ['55P03', 1, ['retry', /is locked by another program/]],
      ['25006', 1, ['retry', /only answers questions now: it is a replica, or was opened to be read/]],
      ['53100', 1, ['retry', /the disk is full/]],
      ['53200', 1, ['retry', /can't go on: as it happens/]],
      ['53300', 1, ['retry', /can't be reached: it has as many connections as it takes/]],
      ['57014', 1, ['retry', /has given up what was asked/]],
      ['58030', 1, ['retry', /can't go on: as it happens/]],
      ['XX001', 1, ['retry', /can't go on: as it happens/]],
      ['42501', 1, ['config', /user postgres may not do this in mandat's own state/]],
    ] as const) {
      const settings = await madeDatabase();
      const state = await openPostgresState(settings);
      await psql(settings, FAILING(code, times));
      const write = () =>
        state.write(async (query) => {
          await query.updateTable('facts').set({ value: 'half' }).where('name', '=', 'told-from').execute();
          await setFact({ query }, 'paused', 'yes');
        });
      if (says === undefined) {
        await write();
        t.equal(await fact(state, 'paused'), 'yes', `${code}, ${times} times`);
      } else {
        const said = await failure(write);
        t.match(said, { code: says[0], message: says[1] }, code);
        t.notMatch(`${said.message} ${said.hint}`, /defect of mandat|\n +at /);
        t.notMatch(
          await psql(settings, 'SELECT value FROM mandat_private.facts'),
          /half|yes/,
          'nothing is half written',
        );
        await write();
        t.equal(await fact(state, 'paused'), 'yes', 'and the next is done, on the same connection or another');
      }
      await state.close();
    }
  },
);

t.test(
  'the password expires, the database takes no connections, or is gone, while it is open: each is said, and it goes on when it is mended',
  async (t) => {
    const settings = await madeDatabase();
    const { database } = settings;
    const role = `expiring_${database}`;
    await lab.sql('postgres', `CREATE ROLE ${role} LOGIN SUPERUSER PASSWORD 'pw-expiring'`);
    const url = `postgres://${role}@127.0.0.1:${lab.port}/${database}`;
    const own = postgresSettings(
      { database: url, databasePasswordFile: '/nowhere' },
      { MANDAT_DATABASE_PASSWORD: 'pw-expiring' },
    );
    if (own === undefined) throw new Error('no settings');
    const table = await openPostgresTable(own);
    t.teardown(() => table.close());
    const add = (name: string) =>
      table.write({ actor: 'test' }, (query) => query.insertInto('mailboxes').values(mailbox(name)).execute());
    const ended = `SELECT bool_and(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity WHERE datname = '${database}'`;
    for (const [begin, end, code, says] of [
      [
        `ALTER ROLE ${role} VALID UNTIL '2000-01-01'`,
        `ALTER ROLE ${role} VALID UNTIL 'infinity'`,
        'config',
        /does not let user .* in: password authentication failed/,
      ],
      [
        `ALTER ROLE ${role} PASSWORD 'other'`,
        `ALTER ROLE ${role} PASSWORD 'pw-expiring'`,
        'config',
        /does not let user .* in/,
      ],
      [
        `ALTER ROLE ${role} NOLOGIN`,
        `ALTER ROLE ${role} LOGIN`,
        'config',
        /does not let user .* in: role .* is not permitted to log in/,
      ],
      [
        `ALTER DATABASE ${database} ALLOW_CONNECTIONS false`,
        `ALTER DATABASE ${database} ALLOW_CONNECTIONS true`,
        'retry',
        /can't be reached: .*not currently accepting connections/,
      ],
    ] as const) {
      await lab.sql('postgres', begin);
      await lab.sql('postgres', ended);
      let said = await failure(() => add('never'));
      // What the pool has not heard of yet is lost first.
      await waitFor(begin, 10_000, async () => {
        if (!/ was lost/.test(said.message)) return true;
        said = await failure(() => add('never'));
        return false;
      });
      t.match(said, { code, message: says }, begin);
      t.notMatch(`${said.message} ${said.hint}`, /pw-expiring/);
      await lab.sql('postgres', end);
    }
    await add('after');
    t.equal(await psql(settings, 'SELECT login FROM mandat.mailboxes'), 'after');
  },
);

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
