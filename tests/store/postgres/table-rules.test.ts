/** The rules of the delegation table in PostgreSQL, whoever writes: the same refusals as delegation.db, and what only concurrent writers can break. */
import pg from 'pg';
import t from 'tap';
import { postgresSettings } from '../../../bridge/store/postgres/connection.ts';
import { migrateTable } from '../../../bridge/store/postgres/table-schema.ts';
import { startPostgresql } from '../../../config/lab/postgresql.ts';

const lab = await startPostgresql();
t.teardown(() => lab.stop());
const database = await lab.createDatabase();
const url = `postgres://postgres@:${lab.port}/${database}?host=${lab.socketDirectory}`;
const settings = postgresSettings({ database: url, databasePasswordFile: '/nowhere' }, {});
if (settings === undefined) throw new Error('no settings');
const made = [await migrateTable(settings), await migrateTable(settings)];

async function client(): Promise<pg.Client> {
  const one = new pg.Client({
    host: lab.socketDirectory,
    port: lab.port,
    user: 'postgres',
    database,
    options: '-c search_path=mandat',
  });
  await one.connect();
  t.teardown(() => one.end());
  return one;
}

const shell = await client();
const value = async (query: string) => Object.values((await shell.query(query)).rows[0] ?? {})[0];
const ruleOf = (work: Promise<unknown>) =>
  work.then(
    () => undefined,
    (error: Error) => /^(MANDAT_[A-Z_]+): /.exec(error.message)?.[1] ?? error.message,
  );

await shell.query(`INSERT INTO mailbox (address, login, owner) VALUES ('alice@example.org', 'alice', 'rpps-alice');
  INSERT INTO mailbox (address, eligible) VALUES ('erin@example.org', 0);
  INSERT INTO mailbox (address, kind) VALUES ('org@example.org', 'ORG');
  INSERT INTO mailbox (address) VALUES ('other@example.org');
  INSERT INTO alias (address, mailbox) VALUES ('al@example.org', 'alice@example.org');
  INSERT INTO delegate (id, login) VALUES ('bob', 'bob@example.net'), ('rpps-alice', 'alice@work');
  INSERT INTO delegate (id) SELECT 'd' || i FROM generate_series(1, 24) i;
  INSERT INTO delegation (mailbox, delegate) VALUES ('alice@example.org', 'bob')`);

t.test('made once: done again, nothing is made anew', async (t) => {
  t.strictSame(made, [
    { from: 0, to: 3 },
    { from: 3, to: 3 },
  ]);
});

const grant = (delegate: string, more = '', values = '') =>
  `INSERT INTO delegation (mailbox, delegate${more}) VALUES ('alice@example.org', '${delegate}'${values})`;

for (const [statement, rule] of [
  ["INSERT INTO mailbox (address) VALUES ('Alice@example.org')", 'MANDAT_ADDRESS'],
  ["INSERT INTO mailbox (address) VALUES ('a..b@example.org')", 'MANDAT_ADDRESS'],
  ["INSERT INTO mailbox (address) VALUES (E'a@example.org\\n')", 'MANDAT_ADDRESS'],
  ["INSERT INTO mailbox (address, login) VALUES ('x@example.org', 'anyone')", 'MANDAT_LOGIN'],
  ["INSERT INTO mailbox (address, login) VALUES ('x@example.org', 'é')", 'MANDAT_LOGIN'],
  ["INSERT INTO mailbox (address, kind) VALUES ('x@example.org', 'XXX')", 'MANDAT_KIND'],
  ["INSERT INTO mailbox (address) VALUES ('al@example.org')", 'MANDAT_DUPLICATE'],
  ["INSERT INTO mailbox (address) VALUES ('alice@example.org')", 'MANDAT_DUPLICATE'],
  ["INSERT INTO alias (address, mailbox) VALUES ('x@example.org', 'nobody@example.org')", 'MANDAT_UNKNOWN_MAILBOX'],
  ["UPDATE alias SET address = 'z@example.org'", 'MANDAT_IMMUTABLE'],
  ["UPDATE mailboxes SET owner = 'bob' WHERE address = 'alice@example.org'", 'MANDAT_SELF'],
  ["INSERT INTO delegate (id, state) VALUES ('x', 'gone')", 'MANDAT_STATE'],
  ["INSERT INTO delegate (id, credential_valid_until) VALUES ('x', '2026-02-29T00:00:00.000Z')", 'MANDAT_TIME'],
  ["INSERT INTO delegate (id, credential_valid_until) VALUES ('x', '2028-02-29T00:00:00.000Z')", undefined],
  ["INSERT INTO delegate (id, credential_valid_until) VALUES ('x', '2026-01-01T24:00:00.000Z')", 'MANDAT_TIME'],
  ["INSERT INTO delegate (id, login) VALUES ('x', 'al@example.org')", 'MANDAT_DUPLICATE'],
  ["UPDATE delegates SET login = 'alice' WHERE identifier = 'bob'", 'MANDAT_SELF'],
  [grant('bob'), 'MANDAT_DUPLICATE'],
  [grant('nobody'), 'MANDAT_UNKNOWN_DELEGATE'],
  [grant('rpps-alice'), 'MANDAT_SELF'],
  [grant('d1', ', starts_at, ends_at', ", '2026-02-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z'"), 'MANDAT_ORDER'],
  [grant('d1', ', suspended', ', 2'), 'MANDAT_STATE'],
  [grant('d1', ', send_mode', ", 'x'"), 'MANDAT_SEND_MODE'],
  ["INSERT INTO delegation (mailbox, delegate) VALUES ('erin@example.org', 'd1')", 'MANDAT_NOT_ELIGIBLE'],
  ["INSERT INTO delegation (mailbox, delegate) VALUES ('org@example.org', 'd1')", 'MANDAT_NOT_PERSONAL'],
  ["UPDATE delegation SET delegate = 'd1'", 'MANDAT_IMMUTABLE'],
  [
    "UPDATE delegates SET state = 'ended' WHERE identifier = 'd2'; UPDATE delegates SET state = 'active' WHERE identifier = 'd2'",
    'MANDAT_ENDED',
  ],
  [`UPDATE delegates SET state = 'ended' WHERE identifier = 'd2'; ${grant('d2')}`, 'MANDAT_ENDED'],
  [`INSERT INTO domain (domain, eligible) VALUES ('example.org', 0); ${grant('d1')}`, 'MANDAT_NOT_ELIGIBLE'],
  ["UPDATE settings SET value = '99' WHERE name = 'max_delegates'", 'MANDAT_OURS'],
  ['UPDATE counters SET version = 7', 'MANDAT_OURS'],
  ['DELETE FROM events', 'MANDAT_OURS'],
  ['TRUNCATE delegations', 'MANDAT_OURS'],
  ["INSERT INTO events (at, actor, action, detail) VALUES (now_text(), 'x', 'y', '{')", 'MANDAT_EVENT'],
] as const) {
  t.test(statement, async (t) => {
    await shell.query('BEGIN');
    t.equal(await ruleOf(shell.query(statement)), rule);
    await shell.query('ROLLBACK');
  });
}

t.test(
  'what is written is pending, and in the trail with its writer, in one version for the whole transaction',
  async (t) => {
    const before = Number(await value('SELECT version FROM counters'));
    await shell.query(`BEGIN; INSERT INTO writer (id, actor, reason) VALUES (1, 'admin:root', 'because');
    UPDATE delegation SET note = 'n' WHERE delegate = 'bob'; DELETE FROM delegations; COMMIT`);
    t.equal(Number(await value('SELECT version FROM counters')), before + 1);
    t.equal(Number(await value('SELECT max(version) FROM pending')), before + 1);
    t.equal(Number(await value('SELECT count(*) FROM intents')), 1, 'asked for by name');
    t.equal(await value('SELECT count(*)::text FROM writer'), '0', 'and the name is gone with the transaction');
    const { rows } = await shell.query(
      'SELECT actor, reason, action, mailbox, delegate, on_behalf FROM events ORDER BY id DESC LIMIT 1',
    );
    t.same(rows, [
      {
        actor: 'admin:root',
        reason: 'because',
        action: 'revoke',
        mailbox: 'alice@example.org',
        delegate: 'bob',
        on_behalf: 'owner:rpps-alice',
      },
    ]);
  },
);

t.test('twenty-four who grant at the same moment: ten are let in', async (t) => {
  const writers = await Promise.all(Array.from({ length: 6 }, client));
  const said = (
    await Promise.all(
      writers.map(async (writer, at) => {
        const rules: (string | undefined)[] = [];
        for (const n of [1, 2, 3, 4]) rules.push(await ruleOf(writer.query(grant(`d${at * 4 + n}`))));
        return rules;
      }),
    )
  ).flat();
  t.equal(said.filter((rule) => rule === undefined).length, 10);
  t.equal(said.filter((rule) => rule === 'MANDAT_LIMIT').length, 14);
  t.equal(Number(await value('SELECT count(*) FROM delegations')), 10);
});

t.test('two who change one row through the view: neither takes back what the other has said', async (t) => {
  const [one, other] = [await client(), await client()];
  const delegate = await value('SELECT delegate FROM delegation ORDER BY delegate LIMIT 1');
  await one.query('BEGIN');
  await one.query(`UPDATE delegation SET suspended = 1 WHERE delegate = '${delegate}'`);
  const second = other.query(`UPDATE delegation SET note = 'later' WHERE delegate = '${delegate}'`);
  await waiting(1);
  await one.query('COMMIT');
  await second;
  t.same((await shell.query(`SELECT suspended, note FROM delegation WHERE delegate = '${delegate}'`)).rows, [
    { suspended: 1, note: 'later' },
  ]);
});

t.test('a version is seen no earlier than every lower one', async (t) => {
  const [one, other] = [await client(), await client()];
  await one.query("BEGIN; UPDATE mailbox SET eligible = 0 WHERE address = 'other@example.org'");
  const second = other.query("UPDATE mailbox SET eligible = 1 WHERE address = 'erin@example.org'");
  await waiting(1);
  const before = await value('SELECT version FROM counters');
  t.equal(
    await value(`SELECT count(*)::text FROM pending WHERE version > ${before}`),
    '0',
    'the second waits for the first',
  );
  await one.query('COMMIT');
  await second;
  t.equal(Number(await value('SELECT version FROM counters')), Number(before) + 2);
});

t.test('rules are not judged by an old snapshot', async (t) => {
  const old = await client();
  await old.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM delegations');
  await shell.query("UPDATE mailbox SET eligible = 1 WHERE address = 'other@example.org'");
  t.match(await ruleOf(old.query("DELETE FROM delegation WHERE mailbox = 'alice@example.org'")), /could not serialize/);
  await old.query('ROLLBACK');
});

/** Until so many wait for a lock. */
async function waiting(many: number): Promise<void> {
  for (let left = 500; left > 0; left--) {
    if (Number(await value("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")) >= many) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error('nobody waits');
}
