import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { dovecotConf, postfixDirectory, rewritten } from '../doctor/breakage.ts';
import { type Sink, startSink } from '../notify/sink.ts';
import { grantRow } from './rows.ts';
import { at, type Site, startSite } from './site.ts';
import { serverFiles } from './wire.ts';

let site: Site;
let sink: Sink;
t.before(async () => {
  sink = await startSink();
  site = await startSite({ users: ['alice', 'bob'], extraToml: `[notices]\nport = ${sink.port}\ntls = "none"` });
  await site.register('alice', 'bob');
});
t.teardown(async () => {
  await site?.stop();
  await sink?.close();
});

/** As an administrator would call it for these servers, which aren't where a machine's own are. */
const doctor = (...more: readonly string[]) => {
  const { host, port } = site.lab.submission;
  const places = ['--dovecot-config', dovecotConf(site), '--postfix-config', postfixDirectory(site)];
  const outside = `${site.lab.smtp.host}:${site.lab.smtp.port}`;
  return site.mandat('doctor', '--submission', `${host}:${port}`, '--smtp', outside, ...places, ...more);
};

/** Every file of the site's but those of the servers at work: path, owner, mode and content. */
function files(): Record<string, string> {
  const { directory } = site.lab;
  const names = ['.', 'table', 'private', 'sender'].flatMap((below) =>
    readdirSync(path.join(directory, below)).map((name) => path.join(below, name)),
  );
  return Object.fromEntries(
    names
      .filter((name) => statSync(path.join(directory, name)).isFile())
      .map((name) => {
        const { mode, uid, gid } = statSync(path.join(directory, name));
        return [name, `${mode} ${uid} ${gid} ${readFileSync(path.join(directory, name)).toString('base64')}`];
      }),
  );
}

t.test('before anything ran: nothing fails, and nothing is written', async (t) => {
  await site.lab.stopPostfix(); // its proxymap keeps the map open
  const before = { files: files(), server: serverFiles(site) };
  const { status, stdout, stderr } = await doctor();
  t.equal(status, 0, stdout);
  t.equal(stderr, '');
  t.match(stdout, /^WARN {5}sidecar +none is running.*\n {9}-> systemctl enable/m);
  t.match(stdout, /\n\d+ checks: \d+ ok, 1 warning, 0 failed, \d+ skipped\n$/);
  t.notMatch(stdout, site.lab.master.password, 'no secret');
  t.notMatch(stdout, site.lab.doveadm.apiKey, 'nor this one');
  t.same({ files: files(), server: serverFiles(site) }, before);
  await site.lab.startPostfix();
});

t.test('a healthy site: all ok, but for what is not there', async (t) => {
  const sidecar = await site.run();
  await grantRow(site, 'alice', 'bob');
  await site.settled();
  const { status, stdout, stderr } = await doctor('--probe', at('alice'), '--probe-as', at('bob'));
  t.equal(status, 0, stdout);
  t.equal(stderr, '');
  const lines = stdout.trimEnd().split('\n');
  const summary = lines.pop();
  const skipped = lines.filter((line) => !line.startsWith('ok '));
  t.match(
    skipped,
    [
      /^skipped +PostgreSQL +the table is a file/,
      /^skipped +trace of access +\[trace\] is not enabled/,
      /^skipped +shares +Dovecot keeps who shares with whom by itself/,
      /^skipped +deleted mail +nothing brings it back .*keep-deleted\.conf/,
      /^skipped +session commands +sessions are not ended by commands/,
      /^skipped +events password +\[events\] is not configured/,
      /^skipped +arrival of events +\[events\] is not configured/,
      /^skipped +log of events +\[events\] is not configured/,
      /^skipped +sender file +no file is published/,
      /^skipped +socketmap +Postfix asks no socketmap/,
      /^skipped +sender view +no Postfix asks PostgreSQL/,
      /^skipped +sockets +nobody connects/,
      /^skipped +submission filter +not configured/,
      /^skipped +re-injection limits +no \[submission\] is configured/,
      /^skipped +route of copies +no copies are made/,
      /^skipped +taking of copies +no copies are made/,
      /^skipped +copies in Sent +no copies are made/,
      /^skipped +message submitted +that users can send is tried/,
      /^skipped +master at ManageSieve +nothing listens/,
      /^skipped +portal +no section \[portal\] is configured/,
      /^skipped +PostgreSQL roles: because "PostgreSQL" was skipped$/,
      /^skipped +taking of events, sending of events, events before a sidecar runs: because "events password" was skipped$/,
      /^skipped +filter in Postfix, re-injection port: because "submission filter" was skipped$/,
    ],
    'this lab has the SQLite map alone, no filter, no ManageSieve, and no Sieve',
  );
  t.equal(skipped.length, 23, skipped.join('\n'));
  const checks = lines.length + 3; // three in one line, two in another
  t.equal(summary, `${checks} checks: ${checks - 26} ok, 0 warnings, 0 failed, 26 skipped`);
  await sidecar.end();
});

t.test('--json: one document', async (t) => {
  const mend = await rewritten(site.configFile, (text) => text.replace(/^port = \d+/m, 'port = 1'));
  const { status, stdout } = await site.mandat('--json', 'doctor', '--postfix-config', postfixDirectory(site));
  t.equal(status, 1, 'a check fails');
  const lines = JSON.parse(stdout) as { check: string; status: string; seen: string; remedy: string | null }[];
  const server = lines.find(({ check }) => check === 'IMAP server');
  t.match(server, { status: 'fail', seen: /127\.0\.0\.1:1: ECONNREFUSED/, remedy: /imap\.port/ });
  t.match(
    lines.find(({ check }) => check === 'TLS'),
    { status: 'skipped', seen: 'because "IMAP server" failed', remedy: null },
  );
  for (const line of lines) {
    t.same(Object.keys(line), ['check', 'status', 'seen', 'remedy'], line.check);
    t.equal(line.remedy !== null, ['warn', 'fail'].includes(line.status), `${line.check}: a remedy where it is needed`);
  }
  await mend();
});

t.test('a configuration that can not be loaded is its report', async (t) => {
  const before = readFileSync(site.configFile, 'utf8');
  writeFileSync(site.configFile, before.replace('tls = "none"', 'tls = "sometimes"\nprt = 1'));
  const { status, stdout, stderr } = await doctor();
  t.equal(status, 2);
  t.equal(stdout, '');
  t.match(stderr, /imap\.tls.*"sometimes"/);
  t.match(stderr, /imap\.prt: unknown key/);
  const json = await site.mandat('--json', 'doctor');
  t.equal(json.status, 2);
  t.match(JSON.parse(json.stdout), { error: { mistakes: [{ path: 'imap.tls' }, { path: 'imap.prt' }] } });
  writeFileSync(site.configFile, before);
});

t.test('wrong usage', async (t) => {
  const wrong = [
    ['--submission', '127.0.0.1'],
    ['--sieve', ':4190'],
    ['--sieve', '[::1]:70000'],
    ['--probe', '-alice'],
    ['--probe', 'anyone'],
    ['alice@lab.test'],
  ];
  const all = await Promise.all(wrong.map(async (args) => [args, await site.mandat('doctor', ...args)] as const));
  for (const [args, { status, stdout, stderr }] of all) {
    t.match({ status, stdout }, { status: args.includes('--probe') ? 3 : 2, stdout: '' }, args.join(' '));
    t.not(stderr, '');
  }
});
