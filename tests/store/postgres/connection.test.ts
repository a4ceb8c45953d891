/** Connecting to PostgreSQL: by a socket, by TLS that is verified, and what is said where that fails. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { Kysely, sql } from 'kysely';
import t from 'tap';
import { Failure } from '../../../bridge/shared/failure.ts';
import { postgresDialect, postgresSettings } from '../../../bridge/store/postgres/connection.ts';
import { explainedPostgres, retried } from '../../../bridge/store/postgres/failures.ts';
import { startPostgresql } from '../../../config/lab/postgresql.ts';
import { waitFor } from '../../../config/lab/wait.ts';
import { writeCertificate } from '../../doctor/certificate.ts';
import { failure } from '../failures.ts';

const lab = await startPostgresql({ tls: true });
t.teardown(() => lab.stop());
const database = await lab.createDatabase();
const USER = { user: 'postgres', password: lab.superuser.password };

function connect(
  url: string,
  {
    caFile,
    password,
    ...options
  }: { caFile?: string | undefined; password?: string; most?: number; silenceMs?: number } = {},
) {
  const env = password === undefined ? {} : { MANDAT_DATABASE_PASSWORD: password };
  const named = { database: url, databasePasswordFile: '/nowhere/database.secret', databaseCaFile: caFile };
  const settings = postgresSettings(named, env);
  if (settings === undefined) throw new Error('no settings');
  // biome-ignore lint/suspicious/noExplicitAny: of no tables
  const query = new Kysely<any>({
    dialect: postgresDialect(settings, { schemas: ['public'], patienceMs: 200, ...options }),
  });
  t.teardown(() => query.destroy());
  const explaining = <T>(work: () => Promise<T>) =>
    work().catch((error: unknown) => {
      throw explainedPostgres(error, settings, 'the delegation table');
    });
  return { query, explaining };
}

const local = (mode: string) => `postgres://postgres@localhost:${lab.port}/${database}?sslmode=${mode}`;
const encrypted = sql<{ ssl: number }>`SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()`;

t.test('by the socket, where no password is asked for', async (t) => {
  const { query } = connect(`postgres://postgres@:${lab.port}/${database}?host=${lab.socketDirectory}`);
  const { rows } = await sql`SELECT 9007199254740991::bigint AS big, count(*) AS n, true AS yes FROM pg_am`.execute(
    query,
  );
  t.match(rows, [{ big: 9_007_199_254_740_991, n: Number, yes: 1 }], 'as numbers, as SQLite has them');
  await t.rejects(sql`SELECT 9007199254740993::bigint`.execute(query), /can't be held|beyond what can be held/);
  t.same((await sql`SELECT 1 AS one`.execute(query)).rows, [{ one: 1 }], 'and goes on');
});

t.test('with TLS, by the authority in the file', async (t) => {
  const { query } = connect(local('verify-full'), { caFile: lab.certificate, password: USER.password });
  t.same((await encrypted.execute(query)).rows, [{ ssl: 1 }]);
});

t.test('a certificate of nobody who is trusted', async (t) => {
  const { query, explaining } = connect(local('verify-full'), { password: USER.password });
  const said = await failure(() => explaining(() => encrypted.execute(query)));
  t.equal(said.code, 'config');
  t.match(said.message, /certificate is not to be trusted/);
});

t.test(
  'the certificate becomes another one, or expires, while connections stand: new ones are refused until it is put right',
  async (t) => {
    const { query, explaining } = connect(local('verify-full'), { caFile: lab.certificate, password: USER.password });
    const ask = () => explaining(() => encrypted.execute(query));
    await ask();
    const place = lab.certificate ?? '';
    const keyPlace = place.replace(/crt$/, 'key');
    const before = [readFileSync(place), readFileSync(keyPlace)] as const;
    const own = path.join(t.testdir({}), 'ca.pem');
    writeFileSync(own, before[0]); // of whoever asks
    const { query: other, explaining: explained } = connect(local('verify-full'), {
      caFile: own,
      password: USER.password,
    });
    const use = async (certificate: string | Buffer, key: string | Buffer) => {
      writeFileSync(place, certificate);
      writeFileSync(keyPlace, key);
      await lab.sql('postgres', 'SELECT pg_reload_conf()');
      await lab.sql('postgres', `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}'`);
    };
    const attempt = () =>
      explained(() => encrypted.execute(other)).then(
        () => undefined,
        (error: unknown) => error,
      );
    const refused = (why: RegExp) =>
      waitFor('it is refused', 60_000, async () => {
        const said = await attempt();
        return said instanceof Failure && why.test(said.message) ? said : undefined;
      });
    const authority = async (days: number) => {
      const directory = mkdtempSync(path.join(os.tmpdir(), 'mandat-certificate-'));
      t.teardown(() => rmSync(directory, { recursive: true }));
      const made = { certificate: path.join(directory, 'a.crt'), key: path.join(directory, 'a.key') };
      await writeCertificate({ ...made, days, names: 'DNS:localhost,IP:127.0.0.1' });
      return [readFileSync(made.certificate), readFileSync(made.key)] as const;
    };
    const another = await authority(2);
    await use(...another);
    t.match(await refused(/certificate is not to be trusted/), { code: 'config', hint: /authority that is trusted/ });
    writeFileSync(own, another[0]);
    await waitFor('a new authority is taken without a new start', 60_000, async () => (await attempt()) === undefined);
    const expired = await authority(-1);
    writeFileSync(own, expired[0]);
    await use(...expired);
    t.match(await refused(/certificate is not to be trusted: .*expired/), { code: 'config' });
    await use(...before);
    await waitFor('it goes on', 60_000, () =>
      ask().then(
        () => true,
        () => false,
      ),
    );
    t.same((await encrypted.execute(query)).rows, [{ ssl: 1 }]);
  },
);

t.test('all connections that PostgreSQL takes are taken (max_connections)', async (t) => {
  await lab.sql('postgres', "CREATE ROLE guest LOGIN PASSWORD 'pw-guest'");
  const open = Number(await lab.sql('postgres', 'SHOW max_connections'));
  const url = `postgres://postgres@:${lab.port}/${database}?host=${lab.socketDirectory}`;
  const { query: all } = connect(url, { most: open });
  let letGo = () => {};
  const holding = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  // As a superuser, also those that are kept for such; who comes too late is refused.
  const held = Array.from({ length: open }, () =>
    all
      .connection()
      .execute(async (query) => {
        await sql`SELECT 1`.execute(query);
        await holding;
      })
      .catch(() => {}),
  );
  const ask = async () => {
    const guest = { caFile: lab.certificate, password: 'pw-guest' };
    const { query, explaining } = connect(local('verify-full').replace('postgres@', 'guest@'), guest);
    try {
      await explaining(() => encrypted.execute(query));
      return undefined;
    } catch (error) {
      return error;
    } finally {
      await query.destroy(); // one that it has got is given back
    }
  };
  try {
    const said = await waitFor('none is left', 60_000, async () => {
      const error = await ask();
      return error instanceof Failure ? error : undefined;
    });
    t.match(said, {
      code: 'retry',
      message: /can't be reached: it has as many connections as it takes \(max_connections\)/,
    });
  } finally {
    letGo();
    await Promise.all(held);
    await all.destroy();
  }
  await waitFor('there are some again', 60_000, async () => (await ask()) === undefined);
});

t.test('all connections of our own are in use, for longer than one is waited for', async (t) => {
  const url = `postgres://postgres@:${lab.port}/${database}?host=${lab.socketDirectory}`;
  const { query, explaining } = connect(url, { most: 2, silenceMs: 700 });
  let letGo = () => {};
  const holding = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const held = Array.from({ length: 2 }, () =>
    query.connection().execute(async (one) => {
      await sql`SELECT 1`.execute(one);
      await holding;
    }),
  );
  const ask = () => explaining(() => sql<{ one: number }>`SELECT 1 AS one`.execute(query));
  t.match(await failure(ask), { code: 'retry', message: /can't be reached: it doesn't answer/ });
  letGo();
  await Promise.all(held);
  t.same((await ask()).rows, [{ one: 1 }], 'and goes on');
});

t.test('what is wrong with who asks, and where', async (t) => {
  const ca = { caFile: lab.certificate };
  for (const [url, given, code, message] of [
    [local('verify-full'), { ...ca, password: 'wrong' }, 'config', /does not let user postgres in/],
    [local('verify-full').replace(database, 'none'), { ...ca, password: USER.password }, 'config', /no database none/],
    [`postgres://postgres@127.0.0.1:1/${database}`, { password: 'x' }, 'retry', /can't be reached: ECONNREFUSED/],
    [`postgres:///${database}?host=/nowhere`, {}, 'retry', /can't be reached: ENOENT/],
  ] as const) {
    const { query, explaining } = connect(url, given);
    const said = await failure(() => explaining(() => encrypted.execute(query)));
    t.equal(said.code, code, url);
    t.match(said.message, message);
    t.notMatch(`${said.message} ${said.hint}`, USER.password);
  }
});

t.test('a password that is asked for and is nowhere', async (t) => {
  const { query } = connect(local('verify-full'), { caFile: lab.certificate });
  await t.rejects(encrypted.execute(query), { name: 'ConfigError', message: /database\.secret does not exist/ });
  const file = path.join(t.testdir({}), 'database.secret');
  writeFileSync(file, `${USER.password}\n`, { mode: 0o600 });
  const settings = postgresSettings(
    { database: local('verify-full'), databasePasswordFile: file, databaseCaFile: lab.certificate },
    {},
  );
  t.equal(settings?.password(), USER.password);
  t.notMatch(JSON.stringify(settings), USER.password);
});

t.test('a lock that somebody has, and two who wait for one another', async (t) => {
  await lab.sql(database, 'CREATE TABLE held (id int primary key, n int); INSERT INTO held VALUES (1, 0), (2, 0)');
  const url = `postgres://postgres@:${lab.port}/${database}?host=${lab.socketDirectory}`;
  const [one, other] = [connect(url), connect(url)];
  await one.query.transaction().execute(async (query) => {
    await sql`SELECT * FROM held WHERE id = 1 FOR UPDATE`.execute(query);
    const said = await failure(() =>
      other.explaining(() => sql`UPDATE held SET n = 1 WHERE id = 1`.execute(other.query)),
    );
    t.match(said, { code: 'retry', message: /locked by another program/ });
  });
  let tries = 0;
  const add = (query: typeof one.query, ids: readonly number[]) =>
    retried(() =>
      query.transaction().execute(async (transaction) => {
        tries++;
        await sql`SET LOCAL lock_timeout = 0`.execute(transaction);
        await sql`SET LOCAL deadlock_timeout = '20ms'`.execute(transaction);
        for (const id of ids) {
          await sql`UPDATE held SET n = n + 1 WHERE id = ${id}`.execute(transaction);
          await sql`SELECT pg_sleep(0.05)`.execute(transaction);
        }
      }),
    );
  await Promise.all([add(one.query, [1, 2]), add(other.query, [2, 1])]);
  t.same((await sql`SELECT n FROM held ORDER BY id`.execute(one.query)).rows, [{ n: 2 }, { n: 2 }]);
  t.ok(tries > 2, 'one of them had to begin anew');
});
