/** The databases brought from files into PostgreSQL and back: every row, every number, the trail; nobody writes to what was left. */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import t, { type Test } from 'tap';
import { openState, openTable } from '../../bridge/configured/stores.ts';
import { type Asked, copyDatabase } from '../../bridge/moving/database-copy.ts';
import type { Failure } from '../../bridge/shared/failure.ts';
import { initialise } from '../../bridge/store/databases.ts';
import { type DataFiles, dataFiles } from '../../bridge/store/files/data-files.ts';
import { copyingDirectory } from '../../bridge/store/files/half-copied.ts';
import { takeLock } from '../../bridge/store/files/lock.ts';
import { standBy, takeWork, workersOf } from '../../bridge/store/postgres/take-work.ts';
import { openSubmissions } from '../../bridge/store/submissions/submission-db.ts';
import { addMailbox } from '../../bridge/store/table/mailboxes.ts';
import { headFileOf, readHead } from '../../bridge/store/trail/seal-head.ts';
import { keepHead, sealKey } from '../../bridge/store/trail/sealing.ts';
import { proveAudit } from '../../bridge/store/trail/trail-proof.ts';
import { waitFor } from '../../config/lab/wait.ts';
import type { Config } from '../../config/schema.ts';
import { freshDatabase, lab, madeDatabase, psql } from '../store/on-postgresql.ts';
import { startPostgresProxy } from '../store/postgres-proxy.ts';
import { scramble, seal, seeded } from './random-store.ts';

type Settings = Awaited<ReturnType<typeof freshDatabase>>;

const urlOf = ({ host, port, user, database }: Settings) => `postgres://${user}@:${port}/${database}?host=${host}`;
const WRITER = { actor: 'admin:root' };

async function site(t: Test, seed: number): Promise<{ files: DataFiles; config: Config; random: () => number }> {
  const files = dataFiles(t.testdir({}));
  initialise(files);
  openSubmissions(files.submissions).close();
  const random = seeded(seed);
  scramble(files, random);
  await seal(files, 300);
  return { files, config: configOf(files), random };
}

const configOf = (files: DataFiles, database?: string) =>
  ({
    dataDir: files.directory,
    database,
    databasePasswordFile: '/nowhere',
    server: { name: 'main' },
  }) as unknown as Config;

const copy = (asked: Partial<Asked> & Pick<Asked, 'config' | 'files' | 'to'>) =>
  copyDatabase({ writer: WRITER, begun: () => {}, agreed: async () => true, told: () => {}, ...asked });

/** With the released rules. */
async function inUse(config: Config): Promise<void> {
  const table = await openTable(config);
  try {
    t.same(await table.differences(), []);
    await table.query.selectFrom('counters').select('version').executeTakeFirstOrThrow();
  } finally {
    await table.close();
  }
}

/** All rows of a database in a file, in words. */
function dump(file: string): readonly string[] {
  const database = new Database(file, { readonly: true });
  try {
    const tables = database
      .prepare<[], string>(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('moved') ORDER BY name",
      )
      .pluck()
      .all();
    return tables.flatMap((table) => {
      const rows = database.prepare(`SELECT * FROM "${table}"`).raw().all();
      return rows.map((row) => `${table} ${JSON.stringify(row)}`).sort();
    });
  } finally {
    database.close();
  }
}

const dumps = (files: DataFiles) => [files.delegations, files.state, files.submissions].map(dump);

/** What noting the move itself has left in the table; and a 0, which to SQLite is the same as no row: no number was ever given. */
const without = (rows: readonly string[]) =>
  rows.filter((row) => !/database-moved|^sqlite_sequence \[(?:"events"|"\w+",0\])/.test(row));

t.test('there and back: every row is as it was, and what was left is closed', async (t) => {
  const seed = Number(process.env.SEED ?? Date.now() % 1e6);
  t.comment(`SEED=${seed}`);
  const { files, config } = await site(t, seed);
  const before = dumps(files);
  const settings = await freshDatabase();
  const url = urlOf(settings);
  const done = await copy({ config, files, to: url });
  t.equal(done?.moved?.tables['state.audit']?.rows, 300);
  t.equal(done?.moved?.proven, 300);

  await t.rejects(openTable(config), { code: 'config', rule: 'MANDAT_MOVED' });
  await t.rejects(openState(config), { name: 'Failure', rule: 'MANDAT_MOVED' });
  t.throws(() => openSubmissions(files.submissions), /has moved to/);
  t.throws(() => initialise(files), /has moved to/);
  const shell = new Database(files.delegations);
  t.throws(() => shell.exec("INSERT INTO mailbox (address) VALUES ('new@x.test')"), /MANDAT_MOVED: .*postgres:/);
  t.throws(() => shell.exec('DELETE FROM settings'), /MANDAT_MOVED/); // it always has rows
  shell.close();

  const there = configOf(files, url);
  await inUse(there);
  const state = await openState(there);
  t.match(await proveAudit(state, sealKey(files.sealKey)), { intact: true, entries: 300 });
  await state.close();
  const sequences = await psql(settings, `SELECT last_value FROM mandat.delegations_id_seq`);
  const kept = before[0]?.find((row) => row.startsWith('sqlite_sequence ["delegations"'));
  if (kept !== undefined)
    t.equal(kept, `sqlite_sequence ["delegations",${sequences}]`, 'numbers go on above the highest ever given');

  t.match(await copy({ config: there, files, to: 'files' }), { aside: /before-copy-/ });
  t.same(dumps(files).map(without), before.map(without));
  await t.rejects(openTable(there), { name: 'Failure', rule: 'MANDAT_MOVED' });
  await t.rejects(
    psql(settings, "INSERT INTO mandat.mailbox (address) VALUES ('new@x.test')"),
    /MANDAT_MOVED: .*files in/,
  );
  await t.rejects(psql(settings, 'DELETE FROM mandat_private.ledger; TRUNCATE mandat_private.ledger'), /MANDAT_MOVED/);
  await inUse(config);

  t.match(
    await copy({ config, files, to: url }),
    { aside: /mandat_before_/ },
    'and there once more, where it had moved away from',
  );
  await inUse(there);
});

t.test('to files only where one mail server is left, and one sidecar', async (t) => {
  const { files, config } = await site(t, 13);
  const settings = await freshDatabase();
  const url = urlOf(settings);
  await copy({ config, files, to: url });
  const there = configOf(files, url);
  const back = (asked: Partial<Asked> = {}) => copy({ config: there, files, to: 'files', ...asked });
  const refused = (message: RegExp) => ({ code: 'refused', rule: 'MANDAT_SERVER_IN_USE', message });
  await psql(settings, "INSERT INTO mandat.mailbox (address, server) VALUES ('new@x.test', 'mx2')");
  await t.rejects(back(), refused(/more than main: mx2 \(1 mailbox\)/));
  await psql(settings, "DELETE FROM mandat.mailbox WHERE server = 'mx2'");
  const wanted = { server: 'mx2', as: 'sidecar', leaseMs: 60_000, again: async () => {} } as const;
  const come = async () => takeWork(settings, wanted);
  const other = await come();
  await t.rejects(back(), refused(/process \d+ on .* works \(mx2\)/));
  await other.release();
  const leaving = new AbortController();
  const main = await takeWork(settings, { ...wanted, server: 'main' });
  const until = { signal: leaving.signal, told: () => {}, failed: () => {} };
  const waiting = standBy(settings, { ...wanted, server: 'main' }, until);
  await waitFor('it stands by', 10_000, async () => (await workersOf(settings, 'main')).standBy.length === 1);
  const lock = takeLock(files.lock);
  t.teardown(() => lock.release());
  await t.rejects(back(), refused(/process \d+ on .* stands by \(main\)/));
  leaving.abort();
  await waiting;
  let late: Awaited<ReturnType<typeof come>> | undefined;
  const agreed = async () => {
    late = await come();
    return true;
  };
  await t.rejects(back({ agreed }), refused(/works \(mx2\)/), 'one that has come in the midst of it');
  await inUse(there);
  await late?.release();
  t.match(await back(), { aside: /before-copy-/ }, 'the sidecar of this data_dir is not in the way');
  await inUse(config);
  await main.release();
});

t.test('what is committed meanwhile comes along', async (t) => {
  const { files, config, random } = await site(t, 7);
  await seal(files, 1);
  let asked = 0;
  const url = urlOf(await freshDatabase());
  let written: readonly (readonly string[])[] = [];
  await copy({
    config,
    files,
    to: url,
    agreed: async () => {
      asked++;
      for (let again = 0; again < 5; again++) scramble(files, random, 500);
      await seal(files, 40);
      const state = await openState(config);
      await keepHead(files.sealKey, sealKey(files.sealKey), state);
      await state.close();
      written = dumps(files);
      return true;
    },
  });
  t.equal(asked, 1);
  t.match(readHead(headFileOf(files.sealKey), sealKey(files.sealKey)), { kind: 'kept', head: { id: 341 } });
  await copy({ config: configOf(files, url), files, to: 'files' });
  t.same(dumps(files).map(without), written.map(without));
});

t.test('one that is not agreed to leaves everything in use; the next goes on', async (t) => {
  const { files, config } = await site(t, 11);
  const settings = await freshDatabase();
  const url = urlOf(settings);
  t.equal(await copy({ config, files, to: url, agreed: async () => false }), undefined);
  await inUse(config);
  await t.rejects(openTable(configOf(files, url)), { code: 'config', rule: 'MANDAT_HALF_COPIED' });
  let again: boolean | undefined;
  await copy({ config, files, to: url, begun: (_from, _to, goesOn) => (again = goesOn) });
  t.equal(again, true);
  await inUse(configOf(files, url));

  t.equal(await copy({ config: configOf(files, url), files, to: 'files', agreed: async () => false }), undefined);
  await inUse(configOf(files, url));
  t.ok(existsSync(copyingDirectory(files)));
  await copy({ config: configOf(files, url), files, to: 'files' });
  t.notOk(existsSync(copyingDirectory(files)));
});

t.test('refused, and nothing is closed', async (t) => {
  const { files, config } = await site(t, 3);
  const used = await freshDatabase();
  await psql(used, 'CREATE SCHEMA mandat; CREATE TABLE mandat.theirs (id int)');
  await t.rejects(copy({ config, files, to: urlOf(used) }), { code: 'refused', rule: 'MANDAT_IN_PLACE' });
  const made = await madeDatabase();
  const table = await openTable(configOf(files, urlOf(made)));
  await addMailbox(table, WRITER, 'alice@x.test', {});
  await table.close();
  await t.rejects(copy({ config, files, to: urlOf(made) }), { name: 'Failure', rule: 'MANDAT_IN_PLACE' });
  await t.rejects(copy({ config, files, to: 'files' }), { name: 'Failure', rule: 'MANDAT_SAME_STORE' });
  await t.rejects(copy({ config: configOf(files, urlOf(made)), files, to: urlOf(used) }), {
    name: 'Failure',
    rule: 'MANDAT_SAME_STORE',
  });
  await t.rejects(copy({ config: configOf(files, urlOf(made)), files, to: 'files' }), {
    name: 'Failure',
    rule: 'MANDAT_IN_PLACE',
  });

  const broken = new Database(files.state);
  broken.exec("DROP TRIGGER audit_updating; UPDATE audit SET actor = 'somebody' WHERE id = 20");
  broken.close();
  await t.rejects(copy({ config, files, to: urlOf(await freshDatabase()) }), {
    name: 'Failure',
    rule: 'MANDAT_TRAIL_UNPROVEN',
  });
  const altered = new Database(files.delegations);
  altered.exec('DROP TRIGGER delegations_insert');
  altered.close();
  await t.rejects(copy({ config, files, to: urlOf(await freshDatabase()) }), {
    name: 'Failure',
    rule: 'MANDAT_SCHEMA',
  });
});

t.test('an empty store that init has made there gives up its place', async (t) => {
  const { files, config } = await site(t, 5);
  rmSync(files.submissions);
  const settings = await madeDatabase();
  t.ok(await copy({ config, files, to: urlOf(settings) }), 'also where nothing was ever submitted');
  await inUse(configOf(files, urlOf(settings)));
});

t.test('cut off while rows are brought over: the files stay in use, and the same goes on', async (t) => {
  const { files } = await site(t, 13);
  const written = dumps(files);
  const proxy = await startPostgresProxy(lab.port);
  t.teardown(() => proxy.close());
  const passwordFile = path.join(files.directory, 'database.secret');
  writeFileSync(passwordFile, lab.superuser.password, { mode: 0o600 });
  const database = await lab.createDatabase();
  const config = { ...configOf(files), databasePasswordFile: passwordFile };
  const to = `postgres://postgres@127.0.0.1:${proxy.port}/${database}`;
  const fates = ['cut-before', 'cut-after'] as const;
  let cuts = 0;
  for (let n = 2, agreed = false; !agreed; n += 11) {
    let seen = 0;
    const [fate = 'cut-before'] = [fates[cuts % 2]];
    proxy.decide = () => (++seen === n ? fate : 'pass');
    const said = await copy({
      config,
      files,
      to,
      agreed: async () => {
        agreed = true; // all is there: what comes after has a test of its own
        return false;
      },
    }).then(
      () => undefined,
      (error: unknown) => error,
    );
    proxy.decide = () => 'pass';
    if (said === undefined) break;
    cuts++;
    t.match(said, { name: 'Failure', code: 'retry' }, `${fate} ${n}`);
    await inUse(config);
    await t.rejects(openTable({ ...config, database: to }), { name: 'Failure', code: 'config' }, 'not yet');
  }
  t.ok(cuts > 2, `${cuts} times`);
  t.same(dumps(files), written, 'nothing is written into what is copied');
  await copy({ config, files, to });
  await inUse({ ...config, database: to });
});

t.test('cut off at each of its last steps: never are two in use, and the same again goes on', async (t) => {
  const { files } = await site(t, 7);
  const written = dumps(files);
  const proxy = await startPostgresProxy(lab.port);
  t.teardown(() => proxy.close());
  const passwordFile = path.join(files.directory, 'database.secret');
  writeFileSync(passwordFile, lab.superuser.password, { mode: 0o600 });
  const url = `postgres://postgres@127.0.0.1:${proxy.port}/${await lab.createDatabase()}`;
  const at = (database?: string) => ({ ...configOf(files, database), databasePasswordFile: passwordFile });
  const isUsed = (config: Config) =>
    inUse(config).then(
      () => true,
      () => false,
    );
  const steps: readonly RegExp[] = [
    /^SET synchronous_commit/, // all rows are there
    /^COMMENT ON SCHEMA \w+ IS 'of/, // the files are about to be closed
    /^BEGIN$/, // they are closed
    /ENABLE TRIGGER/,
    /RENAME TO mandat$/,
    /RENAME TO mandat_private$/,
    /^COMMIT$/, // it is whole
  ];
  for (const step of steps) {
    for (const fate of ['cut-before', 'cut-after'] as const) {
      let cut = false;
      let last = false;
      proxy.decide = (sql) => {
        last ||= /^SET synchronous_commit/.test(sql);
        if (cut || !last || !step.test(sql)) return 'pass';
        cut = true;
        return fate;
      };
      const ended = await copy({ config: at(), files, to: url }).then(
        () => 'done',
        ({ code, message }: Failure) => {
          t.equal(code, 'retry', message);
          return message;
        },
      );
      proxy.decide = () => 'pass';
      const used = [await isUsed(at()), await isUsed(at(url))];
      t.comment(`${step} ${fate}: ${cut}, ${ended}; in use: files ${used[0]}, PostgreSQL ${used[1]}`);
      t.ok(cut, `${step}`);
      t.notSame(used, [true, true], `${step} ${fate}: two in use`);
    }
  }
  t.notOk(await isUsed(at()));
  const there = { code: 'refused', rule: 'MANDAT_MOVED', message: /has moved there already/ };
  await t.rejects(copy({ config: at(), files, to: url }), there, 'where the answer to the last of them was lost');
  await inUse(at(url));
  await copy({ config: at(url), files, to: 'files' });
  await t.rejects(copy({ config: at(url), files, to: 'files' }), there);
  t.same(dumps(files).map(without), written.map(without), 'every row is as it was');
});
