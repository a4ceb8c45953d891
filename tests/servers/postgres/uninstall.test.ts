/** mandat uninstall with table and sender rules in PostgreSQL, to its very end: nobody is locked out, nobody is let in, and nothing of mandat's is left there. */
import { execFile, execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { startPostgresql } from '../../../config/lab/postgresql.ts';
import { must } from '../../cli/desk.ts';
import { at, type Site, startSite } from '../site.ts';
import { keepsSitesIn } from '../site-store.ts';
import { senderAnswer } from '../submission.ts';
import { seen } from '../wire.ts';

const postgresql = await startPostgresql();
t.teardown(() => postgresql.stop());
const database = await postgresql.createDatabase();
const psql = (query: string) => postgresql.sql(database, query);
await psql(`CREATE ROLE mandat LOGIN CREATEROLE PASSWORD 'pw-mandat'; ALTER DATABASE ${database} OWNER TO mandat;
  CREATE ROLE mandat_postfix LOGIN PASSWORD 'pw-postfix'`);
keepsSitesIn(async ({ etc }) => {
  await writeFile(path.join(etc, 'database.secret'), 'pw-mandat\n', { mode: 0o600 });
  return {
    toml: `database = "postgres://mandat@127.0.0.1:${postgresql.port}/${database}"`,
    sql: async (query) => `${await psql(`SET search_path = mandat; ${query}`)}\n`,
  };
});

let site: Site;
t.before(async () => {
  site = await startSite({
    users: ['alice', 'bob'],
    reuse: false,
    chroot: false,
    senderMap: { hosts: `127.0.0.1:${postgresql.port}`, password: 'pw-postfix', database },
    extraToml: 'kind = "postfix-pgsql"\n',
  });
  await site.register('alice', 'bob');
  await site.run();
  await site.settled();
  await must(site.mandat('grant', at('alice'), at('bob')));
});
t.teardown(() => site?.stop());

const conf = (name: string) => path.join(site.lab.directory, 'postfix/conf', name);
const dovecot = () => path.join(site.lab.directory, 'dovecot/dovecot.conf');
const uninstall = () => site.mandat('uninstall', '--yes', '--postfix-config', conf(''), '--dovecot-config', dovecot());
const rules = () =>
  psql("SELECT string_agg(address || ' ' || login, ',' ORDER BY login) FROM mandat_sender.sender_login");
const sends = async (name: string, from: string) => (await senderAnswer(site, name, at(from))).code;
/** What the map says by itself; empty: that nobody may. */
const map = async (address: string) => {
  const asked = promisify(execFile)('postmap', ['-c', conf(''), '-q', address, `pgsql:${conf('mandat-pgsql.cf')}`]);
  return (
    await asked.catch(({ code, stdout, stderr }) => {
      if (code !== 1 || stderr !== '') throw new Error(`${code}: ${stderr}`);
      return { stdout };
    })
  ).stdout.trim();
};
const withoutOurs = (file: string, ...patterns: readonly RegExp[]) => {
  let text = readFileSync(file, 'utf8');
  for (const pattern of patterns) {
    if (!pattern.test(text)) throw new Error(`${file} has no ${pattern}`);
    text = text.replace(pattern, '');
  }
  writeFileSync(file, text);
};
const PRODUCT = /# ---- what the product asks for[\s\S]*/;

t.test('as long as Postfix asks, the owner’s own rule stays; a delegate’s is gone', async (t) => {
  t.equal(await sends('bob', 'alice'), 250);
  t.equal((await map(at('alice'))).split(',').length, 2);
  const said = await uninstall();
  t.match(said, {
    status: 1,
    stdout: /Postfix asks it still[\s\S]*in PostgreSQL \(postgres:.*to go last: the schemas/,
  });
  t.equal(await rules(), `${at('alice')} ${at('alice')}`);
  t.equal(await map(at('alice')), at('alice'));
  t.same([await sends('bob', 'alice'), await sends('alice', 'alice'), await sends('bob', 'bob')], [553, 250, 250]);
  t.same(await seen(site, 'alice', 'bob'), {});
});

t.test('once it asks no more: the view is empty, and the map says no to whoever asks it still', async (t) => {
  withoutOurs(conf('main.cf'), PRODUCT);
  withoutOurs(
    conf('master.cf'),
    /^ +-o smtpd_sender_restrictions=reject_authenticated_sender_login_mismatch$/m,
    /^ +-o proxymap_service_name=.*$/m,
    /^ +-o smtpd_sender_login_maps=$/m,
    /^proxymap +unix +n .*$/m,
  );
  execFileSync('postfix', ['-c', conf('.'), 'reload'], { stdio: 'pipe' });
  t.match(await uninstall(), { status: 1, stdout: /the sender map is empty \(1 rule gone\)/ });
  t.equal(await rules(), '');
  t.equal(await map(at('alice')), '');
  t.equal(await sends('alice', 'alice'), 250, 'without the map');
  await must(site.mandat('sync'));
  t.equal(await rules(), '', 'no pass fills it again');
});

t.test('done, and what is in the database is named; the table may stay for others, or all of it goes', async (t) => {
  await site.stopSidecars();
  withoutOurs(dovecot(), PRODUCT);
  execFileSync('doveadm', ['-c', dovecot(), 'reload'], { stdio: 'pipe' });
  const said = await uninstall();
  t.match(said, {
    status: 0,
    stdout:
      /the schemas mandat, mandat_private, mandat_sender and the roles .*mandat_postfix[\s\S]*mandat is off the servers/,
  });
  const { database: left } = JSON.parse(
    (await site.mandat('--json', 'uninstall', '--yes', '--postfix-config', conf(''), '--dovecot-config', dovecot()))
      .stdout,
  );
  t.match(left, { schemas: ['mandat', 'mandat_private', 'mandat_sender'], servers: [] });
  t.equal(await psql('SELECT count(*) FROM mandat.delegation'), '1', 'rows stay');

  // docs/postgresql.md, "Take it off": the table stays.
  await psql(
    'DROP SCHEMA mandat_sender, mandat_private CASCADE; DROP OWNED BY mandat_postfix, mandat_filter; DROP ROLE mandat_postfix, mandat_filter',
  );
  await psql(`CREATE ROLE portal; GRANT mandat_writers TO portal; SET ROLE portal;
    INSERT INTO mandat.mailbox (address) VALUES ('carol@lab.test');
    INSERT INTO mandat.delegation (mailbox, delegate) VALUES ('carol@lab.test', '${at('bob')}')`);
  t.equal(await psql('SELECT count(*) FROM mandat.delegation'), '2');
  await t.rejects(
    psql("SET ROLE portal; INSERT INTO mandat.delegation (mailbox, delegate) VALUES ('carol@lab.test', 'nobody')"),
    /MANDAT_/,
    'its rules hold',
  );

  // And then nothing of it does.
  await postgresql.sql('postgres', `DROP DATABASE ${database}`);
  const roles = left.roles.filter((role: string) => !['mandat_postfix', 'mandat_filter'].includes(role));
  await postgresql.sql('postgres', `DROP ROLE ${roles.join(', ')}, mandat, portal`);
  t.equal(await postgresql.sql('postgres', "SELECT count(*) FROM pg_roles WHERE rolname LIKE 'mandat%'"), '0');
});
