/** `mandat setup` on a stock Dovecot and Postfix with the table in the site's PostgreSQL: looked at first, and nothing is changed where that fails. */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import t from 'tap';
import { startPostgresql } from '../../../config/lab/postgresql.ts';
import { connectImap } from '../../../config/lab/raw-imap.ts';
import { must } from '../../cli/desk.ts';
import { lasting } from '../../cli/lasting.ts';
import { mandatAt } from '../../cli/warm.ts';
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

t.test('another machine has set it up: the same key is wanted, and it is said who is at work there', async (t) => {
  const shared = await postgresql.createDatabase();
  await postgresql.sql(shared, `ALTER DATABASE ${shared} OWNER TO mandat`);
  const given = { ...answers, database: url(postgresql.port).replace(/[^/]+$/, shared) };
  const configFile = path.join(directory, 'mandat.toml');
  const toml = `data_dir = "data"\n${['database', 'database_password_file'].map((key) => `${key} = "${given[key as 'database']}"\n`).join('')}`;
  writeFileSync(
    configFile,
    `${toml}[server]\nname = "mx1"\n[identity]\nscheme = "login"\n[imap]\nport = 1\ntls = "none"\n`,
  );
  writeFileSync(path.join(directory, 'imap.secret'), 'x\n', { mode: 0o600 });
  await must(mandatAt(configFile, ['init']));
  const key = path.join(directory, 'data/private/seal.key');
  const here = path.join(stock.dataDirectory, 'private/seal.key');
  const refused = async (why: RegExp, more: Readonly<Record<string, string | string[]>> = {}) => {
    const before = stock.files();
    const { status, stdout, stderr } = await stock.setUp({ ...given, ...more } as typeof given, '--yes');
    t.equal(status, 2, stderr);
    t.match(stderr, why);
    t.notMatch(`${stdout}${stderr}`, /\n +at |pw-mandat/);
    t.same(stock.files(), before, 'nothing is changed');
  };
  await refused(
    /another machine has set up postgres:.* and the key of its audit trail is not here[\s\S]*copy seal\.key/,
  );
  t.notOk(existsSync(stock.dataDirectory));
  mkdirSync(path.dirname(here), { recursive: true, mode: 0o700 });
  writeFileSync(here, '01'.repeat(32), { mode: 0o600 });
  await refused(/seal\.key is not the key that its audit trail is sealed with[\s\S]*copy seal\.key/);
  copyFileSync(key, here);
  await refused(/names of all servers that share folders, this one among them/, { cluster: ['mx2', 'mx3'] });
  await refused(/names of all servers|server/, { server: 'not a name' });

  const said = async (more: Readonly<Record<string, string | string[]>>) => {
    const before = stock.files();
    const { status, stdout } = await stock.setUp({ ...given, ...more } as typeof given);
    t.not(status, 0, 'nobody has agreed');
    t.same(stock.files(), before);
    return stdout;
  };
  const first = await lasting(t, configFile, 'run');
  await first.said('watching');
  t.match(
    await said({}),
    /on the mail servers mx1; \S+ works on mx1 already: this machine will stand by and take over when that one is gone/,
  );
  const second = await said({ server: 'mx2', cluster: ['mx1', 'mx2'] });
  t.match(second, /on the mail servers mx1; this one will be called mx2/);
  t.match(
    second,
    /name = "mx2"\n\+cluster = \["?mx1"?, "mx2"\]|name = "mx2"[\s\S]{0,20}cluster = \[ ?"mx1", "mx2" ?\]/,
  );
  t.equal(await first.end('SIGTERM'), 0);
  rmSync(stock.dataDirectory, { recursive: true });
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
