/** Certificates that must not be trusted: nothing is sent to such a server, and the status says what to do. */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import t from 'tap';
import { writeCertificate } from '../doctor/certificate.ts';
import { grantRow, revokeRow } from './rows.ts';
import { at, type Site, startSite } from './site.ts';
import { granted, seen } from './wire.ts';

const GOOD = 'DNS:localhost,IP:127.0.0.1';

let site: Site;
t.before(async () => {
  site = await startSite({ users: ['alice', 'bob'], postfix: false, tls: true });
  await site.register('alice', 'bob');
});
t.teardown(() => site?.stop());

const inLab = (name: string) => path.join(site.lab.directory, name);

/** Dovecot has another certificate from now on; clients keep trusting what stood there. */
async function serve(days: number, names: string): Promise<void> {
  await writeCertificate({ certificate: inLab('lab.crt'), key: inLab('lab.key'), days, names });
  await site.lab.stopDovecot();
  await site.lab.startDovecot();
}

async function configure(...lines: readonly string[]): Promise<void> {
  const text = await readFile(site.configFile, 'utf8');
  const imap = [`port = ${lines.includes('tls = "implicit"') ? site.lab.imaps.port : site.lab.imap.port}`, ...lines];
  await writeFile(site.configFile, text.replace(/port = [\s\S]*?(?=\nadmin_user)/, imap.join('\n')));
}

t.test('not trusted, expired, for another name: nothing is done, and why', async (t) => {
  await grantRow(site, 'alice', 'bob');
  const stranger = { certificate: inLab('other.crt'), key: inLab('other.key'), days: 365, names: GOOD };
  await writeCertificate(stranger);
  const cases: readonly (readonly [
    days: number,
    names: string,
    lines: readonly string[],
    says: RegExp,
    why: string,
  ])[] = [
    [365, GOOD, [], /certificate.*(self.signed|unable to verify)/i, 'signed by nobody we know'],
    [
      365,
      GOOD,
      ['ca_file = "other.crt"'],
      /certificate.*(self.signed|signature|verify)/i,
      'the authority is another one',
    ],
    [-1, GOOD, ['ca_file = "lab.crt"'], /certificate.*expired/i, 'expired'],
    [365, 'DNS:mail.elsewhere.test', ['ca_file = "lab.crt"'], /certificate.*(altnames|match)/i, 'for another name'],
    [
      365,
      GOOD,
      ['ca_file = "lab.crt"', 'server_name = "imap.example.org"'],
      /certificate.*(altnames|match)/i,
      'not the name that was asked for',
    ],
  ];
  for (const [days, names, lines, says, why] of cases) {
    await serve(days, names);
    const log = () => readFileSync(path.join(site.lab.directory, 'dovecot/dovecot.log'), 'utf8');
    const before = log().length;
    for (const tls of ['starttls', 'implicit']) {
      await configure(`tls = "${tls}"`, ...lines);
      const { status, stdout, stderr } = await site.mandat('sync');
      t.match({ status, said: stdout + stderr }, { status: 1, said: says }, `${why}, ${tls}`);
      t.match(stdout + stderr, /set imap\.ca_file.* or imap\.server_name/);
    }
    t.notMatch(log().slice(before), /(?:Login|Logged in): user=/, 'nobody logged in');
    const [failure] = JSON.parse((await site.mandat('--json', 'status')).stdout).failures;
    t.match(failure, { mailbox: at('alice'), code: 'config', message: says, hint: /ca_file/ }, why);
  }
  const explained = await site.mandat('explain', at('alice'), at('bob'));
  t.match(explained, { status: 2, stdout: /in force/, stderr: /certificate/ });
  t.same(await seen(site, 'alice', 'bob'), {});
});

t.test('mended: the status is clean, the grant in force', async (t) => {
  await serve(365, 'DNS:mail.elsewhere.test');
  for (const tls of ['starttls', 'implicit']) {
    await configure(`tls = "${tls}"`, 'ca_file = "lab.crt"', 'server_name = "mail.elsewhere.test"');
    t.match(await site.mandat('sync'), { status: 0 });
    t.same(await seen(site, 'alice', 'bob'), granted());
    // Exit status 1, since no sidecar runs here; but nothing is told of any failure.
    t.match(JSON.parse((await site.mandat('--json', 'status')).stdout), {
      sidecar: null,
      waiting: 0,
      failing: 0,
      lateCount: 0,
    });
  }
  await revokeRow(site, 'alice', 'bob');
  t.match(await site.mandat('sync'), { status: 0 });
});

t.test('a server without TLS, where TLS was asked for, hears no password', async (t) => {
  const conf = path.join(site.lab.directory, 'dovecot/dovecot.conf');
  await writeFile(conf, (await readFile(conf, 'utf8')).replace(/^ssl = yes$/m, 'ssl = no'));
  await site.lab.stopDovecot();
  await site.lab.startDovecot();
  await promisify(execFile)('doveconf', ['-c', conf, 'ssl']);
  await configure('tls = "starttls"', 'ca_file = "lab.crt"');
  await grantRow(site, 'alice', 'bob');
  const { status, stdout, stderr } = await site.mandat('sync');
  t.match({ status, said: stdout + stderr }, { status: 1, said: /offers no TLS as configured.*\n?.*imap\.tls/ });
  t.same(await seen(site, 'alice', 'bob'), {});
});
