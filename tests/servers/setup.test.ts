/** `mandat setup` on a site as a distribution's packages leave it: what it sees, what it changes, and that it leaves nothing where it fails. */
import { cpSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { connectImap } from '../../config/lab/raw-imap.ts';
import { at, password } from './site.ts';
import { type Stock, startStock } from './stock.ts';
import { submissionAs } from './submission.ts';

async function imapAs(stock: Stock, name: string, ...lines: readonly string[]): Promise<string> {
  const imap = await connectImap(stock.lab.imap);
  try {
    await imap.login(at(name), password(name));
    const said: string[] = [];
    for (const line of lines) {
      const { status, text, lines: untagged } = await imap.command(line);
      said.push(...untagged, `${status} ${text}`);
    }
    return said.join('\n');
  } finally {
    await imap.close();
  }
}

t.test("Debian's own: no separator is set, and Maildir's is a dot", async (t) => {
  const stock = await startStock(['alice', 'bob'], undefined);
  t.teardown(() => stock.stop());
  await imapAs(stock, 'alice', 'CREATE Projets', 'CREATE Projets.2026', 'SUBSCRIBE Projets.2026');
  const before = stock.files();

  await t.test('what a change of separator means is said, and agreed to', async (t) => {
    const said = await stock.setUp({}, '--yes');
    t.match(said, {
      status: 2,
      stderr: /folders are named with "\."[\s\S]*change_separator = true[\s\S]*nothing was changed/,
    });
    t.match(said.stdout, /"Projets\.2026" here, and will be "Projets\/2026"[\s\S]*Sieve/);
    t.same(stock.files(), before);
  });

  await t.test('without a yes nothing happens, and everything was shown', async (t) => {
    const said = await stock.setUp({ change_separator: true });
    t.match(said, { status: 2, stderr: /nothing was changed/ });
    t.match(said.stdout, /\+\+\+ .*master\.cf/);
    t.match(said.stdout, /\+ {2}-o smtpd_sender_restrictions=reject_authenticated_sender_login_mismatch/);
    t.match(said.stdout, /\+\+\+ .*mandat\.toml/);
    t.match(said.stdout, /imap\.secret: a new file, a secret, mode 600/);
    t.same(stock.files(), before);
  });

  await t.test('with it: in the end a delegate reads and sends', async (t) => {
    const said = await stock.setUp({ change_separator: true }, '--yes');
    t.match(said, { status: 0, stderr: '' }, said.stdout);
    t.match(said.stdout, /alice@lab\.test shared the INBOX with bob@lab\.test, who opened it/);
    t.match(said.stdout, / 0 failed/);
    t.match(said.stdout, /ok +sending of events/i);
    t.match(said.stdout, /ok +events before a sidecar runs +nobody|skipped? +events before a sidecar runs/i);
    t.notMatch(
      said.stdout,
      new RegExp(readFileSync(path.join(path.dirname(stock.configFile), 'imap.secret'), 'utf8').trim()),
    );
    for (const [file, mode] of [
      [stock.configFile, 0o640],
      [path.join(path.dirname(stock.configFile), 'imap.secret'), 0o600],
      [path.join(path.dirname(stock.configFile), 'doveadm.secret'), 0o600],
      [path.join(path.dirname(stock.configFile), 'events.secret'), 0o600],
      [path.join(path.dirname(stock.dovecotConf), 'mandat/events-url.conf'), 0o600],
      [path.join(path.dirname(stock.dovecotConf), 'mandat/master.passwd'), 0o640],
      [path.join(path.dirname(stock.dovecotConf), 'mandat/api-key.conf'), 0o600],
    ] as const)
      t.equal(statSync(file).mode & 0o777, mode, file);
    t.equal(readFileSync(`${stock.dovecotConf}.before-mandat`, 'utf8'), before[stock.dovecotConf]);

    t.match(
      await imapAs(stock, 'alice', 'LIST "" *', 'LSUB "" *'),
      /LIST [^\n]*"\/" Projets\/2026[\s\S]*LSUB [^\n]*"\/" Projets\/2026/,
    );
    for (const name of ['alice', 'bob']) t.match(await stock.mandat('mailbox', 'add', at(name)), { status: 0 });
    t.match(await stock.mandat('delegate', 'add', at('bob')), { status: 0 });
    t.match(
      await stock.mandat('grant', at('alice'), at('bob')),
      { status: 0 },
      'nothing more is needed for a grant in force',
    );
    t.match(await stock.mandat('sync'), { status: 0 }); // no sidecar runs here
    t.match(await stock.mandat('verify'), { status: 0 });
    t.match(await imapAs(stock, 'bob', `SELECT "shared/${at('alice')}/Projets/2026"`), /OK .*(READ-WRITE|Select)/);
    const session = await submissionAs(stock, 'bob');
    const text = `From: ${at('alice')}\r\nSubject: x\r\n\r\nx\r\n`;
    t.match(await session.sendMail(at('alice'), at('bob'), text), { at: 'accepted' });
    t.match(await session.sendMail('carol@lab.test', at('bob'), text), { code: 553 });
    session.close();
    t.match(await stock.setUp({ change_separator: true }, '--yes'), { status: 2, stderr: /is there already/ }, 'once');
  });
});

t.test('a site with a slash, and sender restrictions and a table of its own', async (t) => {
  const stock = await startStock(['alice', 'bob'], '/', 'smtpd_sender_login_maps = regexp:$config_directory/own.re\n');
  t.teardown(() => stock.stop());
  writeFileSync(path.join(stock.postfix, 'own.re'), '/^(.+)@lab\\.test$/ $1@lab.test\n/^office@/ bob@lab.test\n');
  const master = path.join(stock.postfix, 'master.cf');
  writeFileSync(
    master,
    readFileSync(master, 'utf8').replace(
      'syslog_name=postfix-lab/submission',
      'syslog_name=postfix-lab/submission\n  -o smtpd_sender_restrictions=reject_unknown_sender_domain',
    ),
  );
  // As the Debian package puts it there: "mandat setup" writes it anew.
  mkdirSync(path.dirname(stock.configFile), { recursive: true });
  cpSync('config/debian/mandat.toml', stock.configFile);
  const said = await stock.setUp({ prefix: 'Boîtes déléguées', inherit: false, events: false }, '--yes');
  t.match(said, { status: 0 }, said.stdout + said.stderr);
  t.match(readFileSync(stock.configFile, 'utf8'), /^# Written by "mandat setup"/);
  t.notMatch(said.stdout, /separator\.conf|\+\+\+ \S*events|events\.secret: a new file/);
  t.match(
    readFileSync(master, 'utf8'),
    /-o smtpd_sender_restrictions=reject_authenticated_sender_login_mismatch,reject_unknown_sender_domain\n/,
  );
  t.match(
    readFileSync(path.join(stock.postfix, 'main.cf'), 'utf8'),
    /unionmap:\{\n {4}proxy:sqlite:.*mandat\.cf,\n {4}regexp:.*own\.re\}/,
  );
  t.match(await imapAs(stock, 'bob', 'NAMESPACE'), /"Bo&AO4-tes d&AOk-l&AOk-gu&AOk-es\/" "\/"/);
});

t.test('where a try fails everything is as it was before', async (t) => {
  // Read by every smtpd when it starts, and there is nothing to read.
  const stock = await startStock(['alice', 'bob'], '/', '');
  t.teardown(() => stock.stop());
  await imapAs(stock, 'alice', 'CREATE Projets');
  const main = path.join(stock.postfix, 'main.cf');
  writeFileSync(
    main,
    `${readFileSync(main, 'utf8')}smtpd_sender_dependent_nothing = 1\nsmtpd_client_restrictions = check_client_access hash:$config_directory/gone\n`,
  );
  const before = stock.files();
  const said = await stock.setUp({}, '--yes');
  t.match(said, { stderr: /everything is as it was before/ }, said.stdout);
  t.not(said.status, 0);
  t.same(stock.files(), before);
  t.match(
    await imapAs(stock, 'alice', 'LIST "" *', 'GETACL INBOX'),
    /Projets[\s\S]*BAD/,
    'Dovecot knows nothing of it any more',
  );
});

t.test('what stands in the way is said before anything is changed', async (t) => {
  const stock = await startStock(['alice', 'bob'], '/');
  t.teardown(() => stock.stop());
  const before = stock.files();
  for (const [answers, says] of [
    [{ user: 'nobody-knows' }, /no user nobody-knows[\s\S]*adduser/],
    [{ prefix: 'a/b' }, /prefix: /],
    [{ colour: 'red' }, /unknown: colour[\s\S]*answers are: scheme/],
    [{ data_dir: 'here' }, /data_dir: an absolute path/],
  ] as const)
    t.match(await stock.setUp(answers as Record<string, string>, '--yes'), { status: 2, stderr: says });
  t.match(await stock.mandat('setup', '--answers', '/nowhere'), { status: 2, stderr: /can't be read/ });
  t.match(await stock.mandat('setup'), { status: 2, stderr: /no terminal to ask at[\s\S]*--answers/ });
  t.same(stock.files(), before);
});
