/** The systemd units: what keeps a mistake from being repeated for ever, and how little they may do. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { unit } from '../../bridge/setup/mandat-files.ts';
import { DOVEADM_API_KEY, IMAP_ADMIN_PASSWORD, OIDC_SECRET, SMTP_PASSWORD } from '../../config/secret.ts';

const DIRECTORY = path.resolve(import.meta.dirname, '../../config/systemd');
const units = readdirSync(DIRECTORY).filter((file) => file.endsWith('.service'));
/** What `systemd-analyze security` calls exposure, from 0 to 10. */
const MOST = 2.0;

const without = spawnSync('systemd-analyze', ['--version']).status !== 0;

t.ok(units.includes('mandat.service'));
for (const name of units) {
  t.test(name, async (t) => {
    const text = readFileSync(path.join(DIRECTORY, name), 'utf8');
    const again = /^Restart=/m.test(text) ? /^RestartPreventExitStatus=.*\b2\b/m : /^Type=oneshot$/m;
    t.match(text, again, 'a mistake in the configuration ends with 2, and is not tried again');
    t.match(text, /^User=mandat$/m);
    t.match(text, /^NoNewPrivileges=yes$/m);
    t.match(text, /^SystemCallErrorNumber=EPERM$/m, 'Node asks for what it does not need: it is refused, not killed');
    t.test(
      'systemd understands every line',
      { skip: without ? 'systemd-analyze is not on this machine' : false },
      async (t) => {
        const file = path.join(DIRECTORY, name);
        const { stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' });
        const wrong = stderr.split('\n').filter((line) => line.includes(name) && !line.includes('is not executable'));
        t.strictSame(wrong, [], 'what it runs need not be on this machine');
      },
    );
    t.test('exposure', { skip: without ? 'systemd-analyze is not on this machine' : false }, async (t) => {
      const file = path.join(DIRECTORY, name);
      const { stdout, stderr } = spawnSync('systemd-analyze', ['security', '--offline=true', file], {
        encoding: 'utf8',
      });
      const [, exposure] = /exposure level for \S+: (\d+\.\d+)/.exec(stdout) ?? [];
      t.ok(Number(exposure) < MOST, `${exposure ?? stderr}`);
    });
  });
}

/** Those that go on, and the secrets that each needs. */
const LASTING = [
  ['mandat.service', [IMAP_ADMIN_PASSWORD, DOVEADM_API_KEY, SMTP_PASSWORD, OIDC_SECRET]],
  ['mandat-filter.service', [IMAP_ADMIN_PASSWORD]],
  ['mandat-portal.service', [OIDC_SECRET]],
] as const;
for (const [name, secrets] of LASTING) {
  t.test(`${name} says how it is, and is given its secrets`, async (t) => {
    const text = readFileSync(path.join(DIRECTORY, name), 'utf8');
    t.match(text, /^Type=notify$/m);
    t.match(text, /^NotifyAccess=all$/m, 'systemd-notify is another process than the main one');
    t.match(text, /^WatchdogSec=\d+min$/m);
    t.match(text, /^RuntimeDirectory=mandat$/m, 'the directory of the sockets is there after a reboot');
    for (const { credential } of secrets) {
      t.match(text, new RegExp(`^LoadCredential=${credential}:/etc/mandat/${credential}$`, 'm'));
      const otherwise = new RegExp(`^SetCredential=${credential}:\\\\n$`, 'm');
      t.match(text, otherwise, 'where it is missing, the unit starts all the same');
    }
  });
}

t.test('as mandat setup writes it for another directory, its secrets are there', async (t) => {
  const { after } = unit('/srv/mandat/mandat.toml', 'mandat', ['/usr/bin/node', '/opt/mandat/dist/cli/main.js']);
  t.match(after, /^LoadCredential=imap\.secret:\/srv\/mandat\/imap\.secret$/m);
  t.notMatch(after, '/etc/mandat/');
});
