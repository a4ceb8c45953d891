/** The roles that init makes for other programs: one reads the views, one writes them too, one reads the sender rules; none reaches what is mandat's own. */
import t from 'tap';
import { type PostgresSettings, postgresSettings } from '../../../bridge/store/postgres/connection.ts';
import { grantRoles } from '../../../bridge/store/postgres/roles.ts';
import { migrateState } from '../../../bridge/store/postgres/state-db.ts';
import { migrateTable } from '../../../bridge/store/postgres/table-schema.ts';
import { startPostgresql } from '../../../config/lab/postgresql.ts';

const lab = await startPostgresql();
t.teardown(() => lab.stop());

/** A database that belongs to a role of its own, as docs/postgresql.md has it made. */
async function site(user: string, may = ''): Promise<PostgresSettings> {
  const database = await lab.createDatabase();
  await lab.sql(
    database,
    `CREATE ROLE ${user} LOGIN PASSWORD 'secret' ${may}; ALTER DATABASE ${database} OWNER TO ${user}`,
  );
  const url = `postgres://${user}@127.0.0.1:${lab.port}/${database}`;
  const settings = postgresSettings(
    { database: url, databasePasswordFile: '/nowhere' },
    { MANDAT_DATABASE_PASSWORD: 'secret' },
  );
  if (settings === undefined) throw new Error('no settings');
  await migrateTable(settings);
  await migrateState(settings);
  return settings;
}

const as = (settings: PostgresSettings, role: string, query: string) =>
  lab.sql(settings.database, `SET ROLE ${role}; ${query}`);

t.test('made where the role may make roles, and again as often as one likes', async (t) => {
  const settings = await site('mandat', 'CREATEROLE');
  t.same(await grantRoles(settings), {
    made: ['mandat_readers', 'mandat_writers', 'mandat_postfix', 'mandat_filter'],
    missing: [],
  });
  t.same(await grantRoles(settings), { made: [], missing: [] });
  const portal = `CREATE ROLE portal; CREATE ROLE report; CREATE ROLE nobody_at_all;
    GRANT mandat_writers TO portal; GRANT mandat_readers TO report`;
  await lab.sql(settings.database, portal);
  const write = `INSERT INTO mandat.mailbox (address) VALUES ('alice@example.org');
    INSERT INTO mandat.delegate (id) VALUES ('bob'); INSERT INTO mandat.delegation (mailbox, delegate) VALUES ('alice@example.org', 'bob')`;
  await as(settings, 'portal', write);
  t.equal(await as(settings, 'report', 'SELECT delegate FROM mandat.delegation'), 'bob');
  t.equal(await lab.sql(settings.database, 'SELECT count(*) FROM mandat.pending'), '1', 'the rules have worked');
  for (const [role, query, refused] of [
    ['report', 'DELETE FROM mandat.delegation', /permission denied for view delegation/],
    ['portal', 'SELECT * FROM mandat.delegations', /permission denied for table delegations/],
    ['portal', 'DELETE FROM mandat.pending', /permission denied for table pending/],
    ['portal', 'UPDATE mandat.counters SET version = 1', /permission denied for table counters/],
    ['portal', 'SELECT * FROM mandat_private.ledger', /permission denied for schema mandat_private/],
    ['portal', 'CREATE TABLE mandat.mine (id integer)', /permission denied for schema mandat/],
    ['nobody_at_all', 'SELECT * FROM mandat.delegation', /permission denied for schema mandat/],
  ] as const)
    await t.rejects(as(settings, role, query), refused, `${role}: ${query}`);
  await as(settings, 'portal', 'DELETE FROM mandat.delegation');
  t.equal(await lab.sql(settings.database, 'SELECT count(*) FROM mandat.delegations'), '0');
});

t.test('where it may not, what somebody else has to say', async (t) => {
  const settings = await site('plain');
  t.same(await grantRoles(settings), {
    made: [],
    missing: ['readers', 'writers', 'postfix', 'filter'].map((name) => `CREATE ROLE "plain_${name}" NOLOGIN`),
  });
  await lab.sql(
    settings.database,
    'CREATE ROLE plain_readers; CREATE ROLE plain_writers; CREATE ROLE plain_postfix; CREATE ROLE plain_filter',
  );
  t.same(await grantRoles(settings), { made: [], missing: [] });
  t.equal(await as(settings, 'plain_readers', 'SELECT count(*) FROM mandat.mailbox'), '0');
});

t.test('the filter’s role: what decides who may send, its notes and its own facts, and nothing else', async (t) => {
  const settings = await site('small', 'CREATEROLE');
  await grantRoles(settings);
  const query = (text: string) => as(settings, 'small_filter', text);
  for (const text of [
    'SELECT count(*) FROM mandat.delegations',
    'SELECT count(*) FROM mandat.domain_eligibility',
    'SELECT phase, login FROM mandat_private.ledger',
    'SELECT id, seal FROM mandat_private.audit',
    "INSERT INTO mandat_private.facts VALUES ('filter@main/mail2', '{}') ON CONFLICT (name) DO UPDATE SET value = excluded.value",
    "UPDATE mandat_private.facts SET value = 'x' WHERE name = 'filter@main/mail2'",
    "INSERT INTO mandat_private.submission_events (at, actor, action) VALUES ('2026-11-29T00:00:00.000Z', 'x', 'send')",
    "INSERT INTO mandat_private.copies (nonce, mailbox, sent_at, state) VALUES ('n', 'm', '2026', 'waiting')",
    "UPDATE mandat_private.copies SET state = 'stored' WHERE nonce = 'n'",
  ])
    await t.resolves(query(text), text);
  await lab.sql(settings.database, "INSERT INTO mandat_private.facts VALUES ('adoptions', 'names'), ('paused', '')");
  t.equal(await query("SELECT name FROM mandat_private.facts WHERE name IN ('adoptions', 'paused')"), 'paused');
  for (const [text, refused] of [
    ["INSERT INTO mandat_private.facts VALUES ('withdrawn', '{}')", /row-level security/],
    [
      "INSERT INTO mandat_private.facts VALUES ('paused', '') ON CONFLICT (name) DO UPDATE SET value = '{}'",
      /row-level/,
    ],
    ["INSERT INTO mandat_private.facts VALUES ('filter', '{}')", /row-level security/],
    ['DELETE FROM mandat_private.facts', /permission denied/],
    ['SELECT * FROM mandat_private.ledger', /permission denied/],
    ["UPDATE mandat_private.ledger SET phase = 'x'", /permission denied/],
    ['SELECT detail FROM mandat_private.audit', /permission denied/],
    ["INSERT INTO mandat_private.audit (at, actor, action) VALUES ('a', 'b', 'c')", /permission denied/],
    ['SELECT * FROM mandat_private.submission_events', /permission denied/],
    ['DELETE FROM mandat_private.copies', /permission denied/],
    ['SELECT * FROM mandat_private.outbox', /permission denied/],
    ['SELECT * FROM mandat_sender.sender_login', /permission denied/],
    ["INSERT INTO mandat.delegation (mailbox, delegate) VALUES ('a', 'b')", /permission denied/],
    ['UPDATE mandat.counters SET version = 1', /permission denied/],
    ['SELECT * FROM mandat.events', /permission denied/],
    ['CREATE TABLE mandat.mine (id integer)', /permission denied/],
    ['CREATE TABLE mandat_private.mine (id integer)', /permission denied/],
  ] as const)
    await t.rejects(query(text), refused, text);
  const others = "UPDATE mandat_private.facts SET value = 'z' WHERE name = 'paused' RETURNING 1";
  t.equal(await query(others), '', 'the site’s facts are as if they weren’t there to be changed');
  // Every relation, by PostgreSQL's own word: no account, no contact, nothing that is sent to people.
  const reached = await lab.sql(
    settings.database,
    `SELECT string_agg(c.relname, ' ' ORDER BY c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = 'mandat_private' AND c.relkind IN ('r', 'v') AND has_any_column_privilege('small_filter', c.oid, 'SELECT, INSERT, UPDATE')`,
  );
  t.equal(
    reached,
    'audit audit_checkpoints copies facts ledger outcomes schema_version submission_epoch submission_events',
  );
});
