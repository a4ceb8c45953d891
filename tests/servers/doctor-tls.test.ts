import path from 'node:path';
import t from 'tap';
import { dovecotConf, examined, type Mend, rewritten } from '../doctor/breakage.ts';
import { writeCertificate } from '../doctor/certificate.ts';
import { type Site, startSite } from './site.ts';

let site: Site;
t.before(async () => {
  site = await startSite({ users: ['alice'], postfix: false, senderRules: false, tls: true });
  await site.register('alice');
});
t.teardown(() => site?.stop());

const GOOD = 'DNS:localhost,IP:127.0.0.1';

async function certificate(days: number, names: string): Promise<void> {
  const { directory } = site.lab;
  await writeCertificate({
    certificate: path.join(directory, 'lab.crt'),
    key: path.join(directory, 'lab.key'),
    days,
    names,
  });
  await restart();
}

async function restart(): Promise<void> {
  await site.lab.stopDovecot();
  await site.lab.startDovecot();
}

function imap(...lines: readonly string[]): Promise<Mend> {
  return rewritten(site.configFile, (text) => text.replace('tls = "none"', lines.join('\n')));
}

const STARTTLS = ['tls = "starttls"', 'ca_file = "lab.crt"'];
const IMPLICIT = ['tls = "implicit"', 'ca_file = "lab.crt"'];

t.test('certificates', async (t) => {
  const cases: readonly [
    what: string,
    days: number,
    names: string,
    status: string,
    says: RegExp,
    ...lines: string[],
  ][] = [
    ['a good one', 365, GOOD, 'ok', /accepted, until 2/, ...STARTTLS],
    ['one that ends in ten days', 10.5, GOOD, 'warn', /ends in 10 days.*renew/, ...STARTTLS],
    ['one that has ended', -1, GOOD, 'fail', /it expired on.*renew it/, ...STARTTLS],
    ['one for another name', 365, 'DNS:mail.elsewhere.test', 'fail', /mail\.elsewhere\.test.*server_name/, ...STARTTLS],
    [
      'the other name is that of the server',
      365,
      'DNS:mail.elsewhere.test',
      'ok',
      /accepted/,
      ...STARTTLS,
      'server_name = "mail.elsewhere.test"',
    ],
    ['one that nobody has signed', 365, GOOD, 'fail', /not signed by an authority.*ca_file/, 'tls = "starttls"'],
  ];
  for (const [what, days, names, status, says, ...lines] of cases) {
    await certificate(days, names);
    const mend = await imap(...lines);
    const found = await examined(site);
    const { seen = '', remedy = '', ...tls } = found.get('TLS') ?? {};
    t.match({ ...tls, text: `${seen} -> ${remedy}` }, { status, text: says }, what);
    const login = status === 'fail' ? 'skipped' : 'ok';
    t.match(found.get('admin login'), { status: login }, `${what}: the login then is ${login}`);
    await mend();
  }
});

t.test('TLS from the first byte', async (t) => {
  await certificate(365, GOOD);
  const mend = await rewritten(site.configFile, (text) =>
    text.replace(/^port = .*\ntls = .*$/m, `port = ${site.lab.imaps.port}\n${IMPLICIT.join('\n')}`),
  );
  const found = await examined(site);
  t.match(found.get('TLS'), { status: 'ok', seen: /implicit/ });
  t.match(found.get('identity'), { status: 'ok' });
  await mend();
  const wrong = await imap(...IMPLICIT);
  t.match((await examined(site)).get('TLS'), { status: 'fail', seen: /TLS failed/ }, 'at the port for STARTTLS');
  await wrong();
});

t.test('a server without TLS', async (t) => {
  const mends = [
    await rewritten(dovecotConf(site), (text) => text.replace('ssl = yes', 'ssl = no')),
    await imap(...STARTTLS),
  ];
  await restart();
  t.match((await examined(site)).get('TLS'), { status: 'fail', seen: /offers no STARTTLS/, remedy: /ssl = yes/ });
  for (const mend of mends) await mend();
});
