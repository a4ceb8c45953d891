import t from 'tap';
import { parseServices, parseSettings } from '../../bridge/doctor/postconf.ts';
import { guarding, mapsIn, refusedEarly, refusesOutside, tablesIn } from '../../bridge/doctor/sender-maps.ts';

t.test('tables and maps of smtpd_sender_login_maps', async (t) => {
  const cases: readonly [value: string, maps: readonly string[], tables: readonly string[]][] = [
    ['', [], []],
    [
      'proxy:sqlite:/etc/postfix/mandat.cf',
      ['proxy:sqlite:/etc/postfix/mandat.cf'],
      ['proxy sqlite /etc/postfix/mandat.cf'],
    ],
    ['regexp:/a.re, hash:/b', ['regexp:/a.re', 'hash:/b'], ['regexp /a.re', 'hash /b']],
    ['regexp:/a.re hash:/b', ['regexp:/a.re', 'hash:/b'], ['regexp /a.re', 'hash /b']],
    [
      'unionmap:{ proxy:sqlite:/m.cf, regexp:/i.re}',
      ['unionmap:{ proxy:sqlite:/m.cf, regexp:/i.re}'],
      ['proxy sqlite /m.cf', 'regexp /i.re'],
    ],
    [
      'ldap:/l.cf, unionmap:{proxy:sqlite:/m.cf,regexp:/i.re}',
      ['ldap:/l.cf', 'unionmap:{proxy:sqlite:/m.cf,regexp:/i.re}'],
      ['ldap /l.cf', 'proxy sqlite /m.cf', 'regexp /i.re'],
    ],
  ];
  for (const [value, maps, tables] of cases) {
    t.same(mapsIn(value), maps, value);
    const found = tablesIn(value).map(({ proxied, type, name }) => `${proxied ? 'proxy ' : ''}${type} ${name}`);
    t.same(found, tables, value);
  }
  const inline = 'inline:{ {a.invalid = b:unix:/c}, {d = e:}}';
  t.same(mapsIn(`${inline} hash:/f`), [inline, 'hash:/f'], 'a table in the line itself, as transport_maps has');
});

t.test('whether somebody who has logged in is asked whose address they use', async (t) => {
  const cases: readonly [lists: readonly string[], expected: string, why: string][] = [
    [[''], 'unguarded', 'nothing stands there'],
    [['reject_authenticated_sender_login_mismatch'], 'guarded', 'as the fragment has it'],
    [['reject_sender_login_mismatch'], 'guarded', 'the wider one'],
    [['reject_unauthenticated_sender_login_mismatch'], 'unguarded', 'concerns the others'],
    [['reject_unknown_sender_domain, reject_sender_login_mismatch, permit'], 'guarded', 'first what refuses'],
    [
      ['permit_mynetworks reject_sender_login_mismatch'],
      'bypassed permit_mynetworks',
      'their own network is let through',
    ],
    [['permit_sasl_authenticated,reject_sender_login_mismatch'], 'bypassed permit_sasl_authenticated', 'everybody is'],
    [['permit_sasl_authenticated', 'reject_sender_login_mismatch'], 'guarded', 'a permit ends its own list only'],
    [['permit, reject_sender_login_mismatch', 'reject_sender_login_mismatch'], 'guarded', 'the second list asks'],
  ];
  for (const [lists, expected, why] of cases) {
    const found = guarding(lists);
    t.equal(found.kind === 'bypassed' ? `bypassed ${found.by}` : found.kind, expected, why);
  }
});

t.test('who is refused before they could log in, where refusals come at once', async (t) => {
  for (const [list, expected, why] of [
    ['', 'nobody', 'nothing stands there'],
    [
      'permit_mynetworks, check_client_access cidr:/a',
      'nobody',
      'it spares nobody for their login, so that it is no other at once',
    ],
    ['reject', 'nobody', 'nor does this'],
    ['permit_sasl_authenticated', 'nobody', 'refuses nobody'],
    ['permit_sasl_authenticated, permit', 'nobody', 'nor does this'],
    ['permit_sasl_authenticated, permit, reject', 'nobody', 'what stands behind a permit is never reached'],
    ['reject_unknown_client_hostname, permit_sasl_authenticated', 'nobody', 'what stands before it spared nobody'],
    ['permit_sasl_authenticated,reject', 'everybody reject', "in Debian's blocks, of old"],
    ['permit_mynetworks permit_sasl_authenticated  defer', 'everybody defer', 'for now, and again'],
    ['permit_tls_clientcerts, reject', 'everybody reject', 'a certificate comes later, too'],
    ['permit_sasl_authenticated, reject_rbl_client zen.example', 'some reject_rbl_client', 'who sends from home'],
    ['permit_sasl_authenticated, check_helo_access pcre:/a', 'some check_helo_access', 'whoever it names'],
    ['permit_sasl_authenticated, reject_rbl_client a, reject', 'everybody reject', 'all of them in the end'],
  ] as const) {
    const found = refusedEarly(list);
    t.equal(found.kind === 'nobody' ? found.kind : `${found.kind} ${found.by}`, expected, `${list}: ${why}`);
  }
});

t.test('what refuses mail from outside', async (t) => {
  t.equal(refusesOutside(['permit_mynetworks', 'reject_authenticated_sender_login_mismatch']), undefined);
  t.equal(refusesOutside(['', 'permit_mynetworks, reject_sender_login_mismatch']), 'reject_sender_login_mismatch');
  const unauthenticated = 'reject_unauthenticated_sender_login_mismatch';
  t.equal(refusesOutside([unauthenticated]), unauthenticated);
});

t.test('services of master.cf', async (t) => {
  const lines = [
    'smtp       inet  n       -       y       -       1       postscreen',
    'smtpd      pass  -       -       y       -       -       smtpd',
    'submission inet  n       -       -       -       -       smtpd -o syslog_name=postfix/submission',
    '127.0.0.1:465 inet  n    -       n       -       -       smtpd -o smtpd_tls_wrappermode=yes',
    '[::1]:25   inet  n       -       n       -       -       smtpd',
    'pickup     unix  n       -       y       60      1       pickup',
    'smtp       unix  -       -       y       -       -       smtp',
  ].join('\n');
  const services = (level: string) => parseServices(lines, new Map([['compatibility_level', level]]));
  t.same(services('3.6'), [
    { key: 'smtpd/pass', name: 'smtpd', atPort25: true, chroot: true },
    { key: 'submission/inet', name: 'submission', atPort25: false, chroot: false },
    { key: '127.0.0.1:465/inet', name: '127.0.0.1:465', atPort25: false, chroot: false },
    { key: '[::1]:25/inet', name: '[::1]:25', atPort25: true, chroot: false },
  ]);
  t.equal(services('0')[1]?.chroot, true, 'as it was before compatibility_level 1');
});

t.test('settings of postconf and of table files', async (t) => {
  const settings = parseSettings('a = 1\nb =\nc = x = y\n# d = 2\n127.0.0.1:465/inet/smtpd_tls_wrappermode = yes\n');
  t.same(Object.fromEntries(settings), {
    a: '1',
    b: '',
    c: 'x = y',
    '127.0.0.1:465/inet/smtpd_tls_wrappermode': 'yes',
  });
});
