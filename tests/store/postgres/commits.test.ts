/** Hearing of commits to the table in PostgreSQL: at once, by the poll where a notification is lost, and again after the connection was cut. */
import { Kysely, sql } from 'kysely';
import t from 'tap';
import { listenForCommits } from '../../../bridge/store/postgres/commits.ts';
import { postgresDialect, postgresSettings } from '../../../bridge/store/postgres/connection.ts';
import { migrateTable } from '../../../bridge/store/postgres/table-schema.ts';
import { startPostgresql } from '../../../config/lab/postgresql.ts';
import { waitFor } from '../../../config/lab/wait.ts';

const lab = await startPostgresql();
t.teardown(() => lab.stop());
const database = await lab.createDatabase();
const url = `postgres://postgres@:${lab.port}/${database}?host=${lab.socketDirectory}`;
const settings = postgresSettings({ database: url, databasePasswordFile: '/nowhere' }, {});
if (settings === undefined) throw new Error('no settings');
await migrateTable(settings);

const LIMIT_MS = 60_000;
const NEVER_MS = 3_600_000;
const commit = (name: string) =>
  lab.sql(database, `INSERT INTO mandat.mailbox (address) VALUES ('${name}@example.org')`);

function listening(pollMs: number) {
  const heard = { wakes: 0, lost: [] as string[], toMend: [] as string[], back: 0 };
  const listener = listenForCommits(settings as NonNullable<typeof settings>, pollMs, {
    wake: () => heard.wakes++,
    lost: ({ code, message }) => heard.lost.push(`${code}: ${message}`),
    toMend: ({ code, message }) => heard.toMend.push(`${code}: ${message}`),
    back: () => heard.back++,
  });
  t.teardown(() => listener.close());
  const began = waitFor('it listens', LIMIT_MS, () => heard.wakes > 0);
  const more = async (what: string) => {
    const before = heard.wakes;
    return { heard: () => waitFor(what, LIMIT_MS, () => heard.wakes > before) };
  };
  return { heard, began, more, close: listener.close };
}

t.test("another's commit is heard of at once, our own is no news", async (t) => {
  const { heard, began, more, close } = listening(NEVER_MS);
  await began;
  const waiting = await more('the commit is heard of');
  await commit('one');
  await waiting.heard();
  // biome-ignore lint/suspicious/noExplicitAny: of no tables
  const own = new Kysely<any>({ dialect: postgresDialect(settings, { schemas: ['mandat'] }) });
  const before = heard.wakes;
  await sql`INSERT INTO mailbox (address) VALUES ('own@example.org')`.execute(own);
  await own.destroy();
  const next = await more('the next of others');
  await commit('two');
  await next.heard();
  t.equal(heard.wakes, before + 1, 'one for two commits');
  close();
});

t.test('where notifications are lost, the poll finds it', async (t) => {
  const { began, more, close } = listening(20);
  await began;
  const waiting = await more('the poll has found it');
  // No rule says it: as a notification that is lost.
  await lab.sql(database, 'SET session_replication_role = replica; UPDATE mandat.counters SET version = version + 1');
  await waiting.heard();
  t.pass('found');
  close();
});

t.test('a cut connection is made anew, and what was committed meanwhile is found', async (t) => {
  const { heard, began, close } = listening(NEVER_MS);
  await began;
  await lab.halt();
  await waitFor('the loss is told', LIMIT_MS, () => heard.lost.length > 0);
  t.match(heard.lost, [/^retry: the delegation table \(postgres:.*\) can't be reached|was lost/]);
  const before = heard.wakes;
  await lab.start();
  await commit('meanwhile');
  await waitFor('it listens again', LIMIT_MS, () => heard.back === 1 && heard.wakes > before);
  const after = heard.wakes;
  await commit('later');
  await waitFor('and hears', LIMIT_MS, () => heard.wakes > after);
  t.equal(heard.lost.length, 1, 'told once, however often it was tried');
  close();
});

t.test('what keeps it away has become something that somebody has to mend: that is told, once', async (t) => {
  const { heard, began, close } = listening(NEVER_MS);
  await began;
  const change = (what: string) => lab.sql('postgres', `ALTER DATABASE ${what}`);
  await change(`${database} ALLOW_CONNECTIONS false`);
  await lab.sql('postgres', `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '${database}'`);
  await waitFor('the loss is told', LIMIT_MS, () => heard.lost.length > 0);
  await waitFor('nobody has it open', LIMIT_MS, () =>
    change(`${database} RENAME TO elsewhere`).then(
      () => true,
      () => false,
    ),
  );
  await waitFor('it is told', LIMIT_MS, () => heard.toMend.length > 0);
  await change(`elsewhere RENAME TO ${database}`);
  await change(`${database} ALLOW_CONNECTIONS true`);
  await waitFor('it is there again', LIMIT_MS, () => heard.back > 0);
  t.match(heard.lost, [/^retry: /]);
  t.match(heard.toMend, [/^config: there is no database/]);
  t.same([heard.lost.length, heard.toMend.length, heard.back], [1, 1, 1], 'each once, however often it was tried');
  close();
});
