/** The sender rules in PostgreSQL, asked by a real Postfix over TLS with a role that reaches nothing else. */
import { execFile } from 'node:child_process';
import { chmodSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { startPostgresql } from '../../../config/lab/postgresql.ts';
import { postgresqlProgram } from '../../../config/lab/postgresql-template.ts';
import { waitFor } from '../../../config/lab/wait.ts';
import { must } from '../../cli/desk.ts';
import { badOf, examined, postfixDirectory } from '../../doctor/breakage.ts';
import { scrape } from '../../health/scrape.ts';
import { at, type Running, type Site, startSite } from '../site.ts';
import { keepsSitesIn } from '../site-store.ts';
import { askSender, senderAnswer, submissionAs } from '../submission.ts';

const postgresql = await startPostgresql({ tls: true });
t.teardown(() => postgresql.stop());
const database = await postgresql.createDatabase();
const psql = (query: string) => postgresql.sql(database, query);
await psql(`CREATE ROLE mandat LOGIN CREATEROLE PASSWORD 'pw-mandat'; ALTER DATABASE ${database} OWNER TO mandat;
  CREATE ROLE mandat_postfix LOGIN PASSWORD 'pw-postfix'`);
keepsSitesIn(async ({ etc }) => {
  await writeFile(path.join(etc, 'database.secret'), 'pw-mandat\n', { mode: 0o600 });
  return {
    toml: `database = "postgres://mandat@127.0.0.1:${postgresql.port}/${database}?sslmode=verify-full"
database_ca_file = "${postgresql.certificate}"`,
    sql: async (query) => `${await psql(`SET search_path = mandat; ${query}`)}\n`,
  };
});

let site: Site;
let sidecar: Running;

t.before(async () => {
  const uri = `postgresql://mandat_postfix:pw-postfix@localhost:${postgresql.port}/${database}?sslmode=verify-full&sslrootcert=${postgresql.certificate}&connect_timeout=5`;
  site = await startSite({
    users: ['alice', 'bob'],
    senderMap: { hosts: uri, password: 'pw-postfix', database },
    extraToml: `kind = ["postfix-sqlite", "postfix-pgsql"]
[health]
[schedule]
retry_min_seconds = 1
retry_max_seconds = 1`,
  });
  await site.register('alice', 'bob');
  sidecar = await site.run();
  await site.settled();
});
t.teardown(() => site?.stop());

const inView = async () =>
  (await psql(`SELECT login FROM mandat_sender.sender_login WHERE address = '${at('alice')}' ORDER BY login`)).split(
    '\n',
  );

t.test('a grant and a revoke are there when the command returns', async (t) => {
  t.same(await inView(), [at('alice')], 'the owner');
  t.equal((await senderAnswer(site, 'bob', at('alice'))).code, 553);
  await must(site.mandat('grant', at('alice'), at('bob')));
  t.same(await inView(), [at('alice'), at('bob')]);
  const session = await submissionAs(site, 'bob');
  t.equal((await askSender(session, at('alice'))).code, 250);
  t.equal((await askSender(session, at('bob'))).code, 250, 'everybody keeps their own address');
  t.equal((await askSender(session, at("o'alice"))).code, 553, 'a quote is a letter among others');
  await must(site.mandat('revoke', at('alice'), at('bob'), '--yes'));
  t.equal((await askSender(session, at('alice'))).code, 553, 'in a session that was open');
  session.close();
  t.same(await inView(), [at('alice')]);
});

t.test('what Postfix asks with reaches that view and nothing else', async (t) => {
  const asPostfix = async (query: string) => {
    const env = { ...process.env, PGPASSWORD: 'pw-postfix' };
    const where = ['-h', '127.0.0.1', '-p', `${postgresql.port}`, '-U', 'mandat_postfix', '-d', database];
    const run = promisify(execFile)(postgresqlProgram('psql'), [...where, '-XqAt', '-c', query], { env });
    return (await run).stdout.trim();
  };
  t.equal(await asPostfix('SELECT count(*) FROM mandat_sender.sender_login'), '1');
  const reached = `SELECT c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname LIKE 'mandat%'
    AND c.relkind IN ('r', 'v', 'S') AND has_schema_privilege('mandat_postfix', n.oid, 'USAGE')
    AND has_table_privilege('mandat_postfix', c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')`;
  t.equal(await psql(reached), 'mandat_sender.sender_login');
  for (const one of ['mandat_sender.rules', 'mandat.delegation', 'mandat.mailboxes', 'mandat_private.ledger'])
    await t.rejects(asPostfix(`SELECT 1 FROM ${one} LIMIT 1`), /permission denied/, one);
  await t.rejects(asPostfix("INSERT INTO mandat_sender.sender_login VALUES ('a', 'b')"), /permission denied/);
  await t.rejects(asPostfix('CREATE TABLE mandat_sender.mine (id integer)'), /permission denied/);
});

t.test('where it can’t be written nothing is in force, and a revoke has not ended', async (t) => {
  await psql(`CREATE FUNCTION mandat_sender.full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION USING ERRCODE = '53100', MESSAGE = 'no space'; END $$;
    CREATE TRIGGER is_full BEFORE INSERT OR DELETE ON mandat_sender.rules EXECUTE FUNCTION mandat_sender.full()`);
  const granted = await site.mandat('grant', at('alice'), at('bob'), '--wait', '3');
  t.not(granted.status, 0);
  t.match(
    granted.stderr,
    /the view mandat_sender\.sender_login in PostgreSQL does not have the sender rules yet: the disk is full/,
  );
  t.same(await inView(), [at('alice')]);
  await psql('DROP TRIGGER is_full ON mandat_sender.rules');
  await site.settled();
  t.same(await inView(), [at('alice'), at('bob')]);
});

t.test('the doctor', async (t) => {
  const lines = await examined(site);
  t.same(badOf(lines), {});
  t.match(lines.get('sender view'), { status: 'ok', seen: /rules 2, of this server 2/ });
  t.match(lines.get('Postfix lookups'), { status: 'ok' });
  t.match(lines.get('PostgreSQL'), {
    status: 'ok',
    seen: /PostgreSQL 1\d\.\d+, by TLSv1\.3, its certificate verified/,
  });
  t.match(lines.get('PostgreSQL roles'), { status: 'ok' });
  const file = path.join(postfixDirectory(site), 'mandat-pgsql.cf');
  chmodSync(file, 0o644);
  await psql(
    "INSERT INTO mandat_sender.rules SELECT 'alice@lab.test', 'eve@lab.test', mailbox_id, server FROM mandat_sender.rules LIMIT 1",
  );
  await psql(
    'CREATE ROLE stranger; GRANT USAGE ON SCHEMA mandat_private TO stranger; GRANT SELECT ON mandat_private.facts TO stranger',
  );
  const bad = await examined(site);
  t.match(bad.get('Postfix maps'), { status: 'fail', seen: /password.*everybody/ });
  t.match(bad.get('sender view'), { status: 'fail', seen: /is not what is published/ });
  t.match(bad.get('PostgreSQL roles'), { status: 'fail', seen: /stranger reaches mandat_private\.facts/ });
  await psql('REVOKE ALL ON mandat_private.facts FROM stranger; REVOKE ALL ON SCHEMA mandat_private FROM stranger');
  chmodSync(file, 0o640);
  await psql(
    "DELETE FROM mandat_sender.rules WHERE login = 'eve@lab.test'; REVOKE SELECT ON mandat_sender.sender_login FROM mandat_postfix",
  );
  t.match((await examined(site)).get('sender view'), { status: 'fail', seen: /mandat_postfix may not read/ });
  await psql('GRANT SELECT ON mandat_sender.sender_login TO mandat_postfix');
});

t.test('PostgreSQL away: Postfix defers, and says neither yes nor no', async (t) => {
  await postgresql.halt();
  for (const from of ['alice', 'bob']) {
    t.match(await senderAnswer(site, 'bob', at(from)), { code: 451, text: /^4\.3\.0 <.*>: Temporary lookup failure$/ });
  }
  const database = async () => {
    const { values } = await scrape(path.join(site.lab.directory, 'run/health.sock'));
    return [values.get('mandat_database_up'), values.get('mandat_database_losses_total')];
  };
  t.same(await database(), [0, 1], 'and the metrics say so');
  await postgresql.start();
  await waitFor('the connection to be back', 15_000, async () => (await database()).join() === '1,1');
  await site.lab.stopPostfix(); // it asks again by itself a minute after it found nobody
  await site.lab.startPostfix();
  t.equal((await senderAnswer(site, 'bob', at('alice'))).code, 250);
  await waitFor(
    'the sidecar to be back',
    15_000,
    async () => (await site.mandat('revoke', at('alice'), at('bob'), '--yes')).status === 0,
  );
  t.equal((await senderAnswer(site, 'bob', at('alice'))).code, 553);
});

t.test('configured no more: nothing stands there that nobody keeps up to date', async (t) => {
  const { readFileSync, writeFileSync } = await import('node:fs');
  const text = readFileSync(site.configFile, 'utf8');
  await sidecar.end();
  writeFileSync(site.configFile, text.replace('["postfix-sqlite", "postfix-pgsql"]', '"postfix-sqlite"'));
  sidecar = await site.run();
  t.equal(await psql('SELECT count(*) FROM mandat_sender.rules'), '0');
  await sidecar.end();
  writeFileSync(site.configFile, text);
  sidecar = await site.run();
  t.same(await inView(), [at('alice')], 'and all of it again when it is');
});
