/** `mandat setup` on a stock Dovecot and Postfix with the table in the site's PostgreSQL: looked at first, and nothing is changed where that fails. */
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import t from 'tap';
import { startPostgresql } from '../../../config/lab/postgresql.ts';
import { connectImap } from '../../../config/lab/raw-imap.ts';
import { must } from '../../cli/desk.ts';
import { at, password } from '../site.ts';
import { startStock } from '../stock.ts';
import { submissionAs } from '../submission.ts';

const postgresql = await startPostgresql();
t.teardown(() => postgresql.stop());
const database = await postgresql.createDatabase();
const psql = (query: string) => postgresql.sql(database, query);
await psql("CREATE ROLE mandat LOGIN CREATEROLE PASSWORD 'pw-mandat'");
const directory = mkdtempSync(path.join(os.tmpdir(), 'mandat-secret-'));
t.teardown(() => rmSync(directory, { recursive: true, force: true }));
const secret = path.join(directory, 'database.secret');
writeFileSync(secret, 'pw-mandat\n', { mode: 0o600 });
chmodSync(secret, 0o600);
const stock = await startStock(['alice', 'bob'], '/');
t.teardown(() => stock.stop());

const url = (port: number) => `postgres://mandat@127.0.0.1:${port}/${database}`;
const answers = { database: url(postgresql.port), database_password_file: secret, events: false, server: 'mx1' };

t.test('what stands in the way is said, and nothing is changed', async (t) => {
  const before = stock.files();
  for (const [given, says] of [
    [{ ...answers, database: 'mysql://db/mandat' }, /database: an address such as postgres:/],
    [{ ...answers, database: url(1) }, /can't be reached/],
    [{ ...answers, database_password_file: '/nonexistent/secret' }, /\/nonexistent\/secret/],
    [answers, /user mandat may make nothing[\s\S]*createdb --owner mandat[\s\S]*nothing was changed/],
  ] as const) {
    const said = await stock.setUp(given, '--yes');
    t.not(said.status, 0);
    t.match(said.stderr, says);
    t.same(stock.files(), before);
  }
  t.equal(await psql("SELECT count(*) FROM pg_namespace WHERE nspname LIKE 'mandat%'"), '0');
});

t.test('set up: the table is there, and a delegate reads and sends', async (t) => {
  await psql(`ALTER DATABASE ${database} OWNER TO mandat`);
  const said = await stock.setUp(answers, '--yes');
  t.match(said, { status: 0, stderr: '' }, said.stdout);
  t.match(said.stdout, /PostgreSQL 1\d\.\d+: postgres:/);
  t.match(said.stdout, / 0 failed/);
  t.notMatch(said.stdout, /pw-mandat/);
  t.match(readFileSync(stock.configFile, 'utf8'), `database = "${answers.database}"`);
  for (const name of ['alice', 'bob']) await must(stock.mandat('mailbox', 'add', at(name)));
  await must(stock.mandat('delegate', 'add', at('bob')));
  await must(stock.mandat('grant', at('alice'), at('bob')));
  await must(stock.mandat('sync'));
  t.equal(await psql('SELECT delegate FROM mandat.delegation'), at('bob'));
  t.equal(await psql('SELECT DISTINCT server FROM mandat.mailbox'), 'mx1', 'its mailboxes carry its name');
  t.match(await stock.mandat('verify'), { status: 0 });
  const imap = await connectImap(stock.lab.imap);
  await imap.login(at('bob'), password('bob'));
  t.equal((await imap.command(`SELECT "shared/${at('alice')}"`)).status, 'OK');
  imap.close();
  const session = await submissionAs(stock, 'bob');
  const text = `From: ${at('alice')}\r\nSubject: x\r\n\r\nx\r\n`;
  t.match(await session.sendMail(at('alice'), at('bob'), text), { at: 'accepted' });
  session.close();
});
