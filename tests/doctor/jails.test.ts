/** fail2ban's configuration, read as it reads it. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { covers, mailJails } from '../../bridge/doctor/jails.ts';

/** As Debian ships it, as far as it matters. */
const STOCK = `# comment
[INCLUDES]
before = paths-debian.conf
[DEFAULT]
# "ignoreself" specifies whether the local resp. own IP addresses should be ignored
#ignoreself = true
#ignoreip = 127.0.0.1/8 ::1
maxretry = 5
enabled = false
filter = %(__name__)s[mode=%(mode)s]
mode = normal
[sshd]
port    = ssh
[dovecot]
port    = pop3,pop3s,imap,imaps,submission,465,sieve
[postfix-sasl]
filter   = postfix[mode=auth]
`;

function configured(t: Test, files: Readonly<Record<string, string>>): string {
  const directory = t.testdir({});
  mkdirSync(path.join(directory, 'jail.d'));
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(directory, name), text);
  return directory;
}

const DOVECOT = { name: 'dovecot', ignored: [], ignoresSelf: true };

/** what is configured, files, jails */
const TABLE = [
  ['as it is shipped', { 'jail.conf': STOCK }, []],
  ['another jail', { 'jail.conf': STOCK, 'jail.d/defaults-debian.conf': '[sshd]\nenabled = true\n' }, []],
  ['on', { 'jail.conf': STOCK, 'jail.local': '[dovecot]\nenabled = true\n' }, [DOVECOT]],
  [
    'on, with a comment behind it',
    { 'jail.conf': STOCK, 'jail.local': '[dovecot]\nenabled = true ; since May\n' },
    [DOVECOT],
  ],
  [
    'jail.d over jail.local, whose words go for all',
    {
      'jail.conf': STOCK,
      'jail.local': '[DEFAULT]\nignoreip = 10.0.0.0/8\nenabled = true\n[sshd]\nenabled = false\n',
      'jail.d/x.local': '[postfix-sasl]\nenabled=no\n',
    },
    [{ ...DOVECOT, ignored: ['10.0.0.0/8'] }],
  ],
  [
    'over several lines, and by another name',
    {
      'jail.conf': STOCK,
      'jail.local':
        '[DEFAULT]\nmine = 192.0.2.10\nignoreip = 127.0.0.1/8,\n  ::1 %(mine)s\n[dovecot]\nenabled = 1\nignoreself = false\n',
    },
    [{ name: 'dovecot', ignored: ['127.0.0.1/8', '::1', '192.0.2.10'], ignoresSelf: false }],
  ],
  [
    "a jail of one's own by its filter",
    { 'jail.local': '[logins]\nenabled = yes\nfilter = dovecot[mode=aggressive]\n' },
    [{ ...DOVECOT, name: 'logins' }],
  ],
  ['none there', {}, undefined],
] as const;

for (const [what, files, jails] of TABLE) {
  t.test(what, (t) => {
    t.same(mailJails(configured(t, files)), jails);
    t.end();
  });
}

t.test('addresses and networks', (t) => {
  for (const [written, address, is] of [
    ['127.0.0.1/8 ::1', '127.0.0.2', true],
    ['127.0.0.1', '127.0.0.2', false],
    ['::1', '::1', true],
    ['[::1]/128', '::1', true],
    ['2001:db8::/32', '2001:db8::5', true],
    ['mail.example.org 10.0.0.0/8', '10.1.2.3', true],
    ['10.0.0.0/99', '10.0.0.0', false],
    ['', '10.0.0.1', false],
    ['0.0.0.0/0', 'nonsense', false],
  ] as const)
    t.equal(covers(written.split(' '), address), is, `${address} in ${written}`);
  t.end();
});
