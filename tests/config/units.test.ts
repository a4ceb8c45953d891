/** The systemd units: what keeps a mistake from being repeated for ever, and how little they may do. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { DOVEADM_API_KEY, IMAP_ADMIN_PASSWORD, SMTP_PASSWORD } from '../../config/secret.ts';

const DIRECTORY = path.resolve(import.meta.dirname, '../../config/systemd');
const units = readdirSync(DIRECTORY).filter((name) => name.endsWith('.service'));
/** What `systemd-analyze security` calls exposure, from 0 to 10. */
const MOST = 2.0;

const without = spawnSync('systemd-analyze', ['--version']).status !== 0;

t.ok(units.includes('mandat.service'));
for (const unit of units) {
  t.test(unit, async (t) => {
    const text = readFileSync(path.join(DIRECTORY, unit), 'utf8');
    t.match(
      text,
      /^RestartPreventExitStatus=.*\b2\b/m,
      'a mistake in the configuration ends with 2, and is not tried again',
    );
    t.match(text, /^User=mandat$/m);
    t.match(text, /^NoNewPrivileges=yes$/m);
    t.match(text, /^Type=notify$/m);
    t.match(text, /^NotifyAccess=all$/m, 'systemd-notify is another process than the main one');
    t.match(text, /^WatchdogSec=\d+min$/m);
    t.match(text, /^RuntimeDirectory=mandat$/m, 'the directory of the sockets is there after a reboot');
    const wanted = [IMAP_ADMIN_PASSWORD, ...(unit === 'mandat.service' ? [DOVEADM_API_KEY, SMTP_PASSWORD] : [])];
    for (const { credential } of wanted) {
      t.match(text, new RegExp(`^LoadCredential=${credential}:/etc/mandat/${credential}$`, 'm'));
      t.match(
        text,
        new RegExp(`^SetCredential=${credential}:\\\\n$`, 'm'),
        'where it is missing, the unit starts all the same',
      );
    }
    t.match(text, /^SystemCallErrorNumber=EPERM$/m, 'Node asks for what it does not need: it is refused, not killed');
    t.test('exposure', { skip: without ? 'systemd-analyze is not on this machine' : false }, async (t) => {
      const file = path.join(DIRECTORY, unit);
      const { stdout, stderr } = spawnSync('systemd-analyze', ['security', '--offline=true', file], {
        encoding: 'utf8',
      });
      const [, exposure] = /exposure level for \S+: (\d+\.\d+)/.exec(stdout) ?? [];
      t.ok(Number(exposure) < MOST, `${exposure ?? stderr}`);
    });
  });
}
