import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import t from 'tap';
import { type Breakage, breakEach, examined, type Mend } from '../doctor/breakage.ts';
import { at, type Site, startSite } from './site.ts';

let site: Site;
t.before(async () => {
  site = await startSite({ users: ['alice', 'bob'] });
  await site.register('alice', 'bob');
});
t.teardown(() => site?.stop());

/** Another line of the master's, in a Dovecot started anew; Postfix's smtpd holds its connection to the old one. */
function alsoFor(service: string) {
  return async (on: Site): Promise<Mend> => {
    const file = path.join(on.lab.directory, 'dovecot/mandat/master.passwd');
    const before = readFileSync(file, 'utf8');
    appendFileSync(file, before.replace(/^imap\//m, `${service}/`));
    await restart(on);
    return async () => {
      writeFileSync(file, before);
      await restart(on);
    };
  };
}

async function restart({ lab }: Site): Promise<void> {
  await lab.stopPostfix();
  await lab.stopDovecot();
  await lab.startDovecot();
  await lab.startPostfix();
}

/** Speaks ManageSieve as far as the login (RFC 5804); the lab's Dovecot comes without. Says yes to the master, in one of the forms. */
async function sieveServer(opens: 'nothing' | 'authzid' | 'suffix', mechanisms = 'PLAIN LOGIN') {
  const attempts: string[] = [];
  const server = net.createServer((socket) => {
    socket.write(`"IMPLEMENTATION" "for the test"\r\n"SASL" "${mechanisms}"\r\nOK "ready"\r\n`);
    socket.on('error', () => {});
    socket.on('data', (bytes) => {
      const [, initial = ''] = /^AUTHENTICATE "PLAIN" "([^"]*)"\r\n$/.exec(bytes.toString()) ?? [];
      const [authzid = '', authcid = ''] = Buffer.from(initial, 'base64').toString().split('\0');
      attempts.push(`${authzid} ${authcid}`);
      const yes = opens === 'authzid' ? authzid !== '' : opens === 'suffix' && authcid.includes('*');
      socket.write(yes ? 'OK "Logged in."\r\n' : 'NO "Authentication failed."\r\n');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as net.AddressInfo;
  return { host: '127.0.0.1', port, attempts, close: () => server.close() };
}

t.test('the password at the submission service', async (t) => {
  const { submission, smtp, imap } = site.lab;
  const healthy = await examined(site, { submission });
  t.match(healthy.get('master at submission'), { status: 'ok', seen: /refuses the master's password/ });
  t.match((await examined(site)).get('master at submission'), { status: 'skipped', seen: /587.*465.*--submission/ });
  const outside = await examined(site, { submission: smtp });
  t.match(outside.get('master at submission'), { status: 'ok', seen: /lets nobody log in/ }, 'port 25');
  const wrong = await examined(site, { submission: imap });
  t.match(wrong.get('master at submission'), { status: 'skipped', seen: /doesn't greet as an SMTP server: \* OK/ });

  const breakages: readonly Breakage[] = [
    {
      what: 'it opens submission',
      break: alsoFor('smtp'),
      options: { submission },
      bad: { 'master at submission': 'fail' },
      says: /send as anybody.*master-user\.conf/,
    },
  ];
  await breakEach(t, site, breakages, { sidecar: 'warn' });
});

t.test('the password at ManageSieve', async (t) => {
  const cases = [
    ['nothing', 'PLAIN', { status: 'ok', seen: /refuses/ }],
    ['nothing', '', { status: 'ok', seen: /lets nobody log in/ }],
    ['authzid', 'PLAIN', { status: 'fail', seen: /redirect anybody's mail/, remedy: /master-user\.conf/ }],
    ['suffix', 'LOGIN PLAIN', { status: 'fail', remedy: /master-user\.conf/ }],
  ] as const;
  for (const [opens, mechanisms, expected] of cases) {
    const sieve = await sieveServer(opens, mechanisms);
    const lines = await examined(site, { sieve });
    t.match(lines.get('master at ManageSieve'), expected, `opens ${opens} with ${mechanisms}`);
    const { user } = site.lab.master;
    const forms = [` ${at('alice')}*${user}`, `${at('alice')} ${user}`];
    t.same(sieve.attempts.sort(), mechanisms === '' ? [] : forms, 'both forms were tried, once');
    sieve.close();
  }
  t.match((await examined(site)).get('master at ManageSieve'), { status: 'skipped', seen: /4190.*--sieve/ });
  const wrong = await examined(site, { sieve: site.lab.imap });
  t.match(wrong.get('master at ManageSieve'), { status: 'skipped', seen: /doesn't greet as a ManageSieve server/ });
  const silent = net.createServer(() => {});
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  const sieve = { host: '127.0.0.1', port: (silent.address() as net.AddressInfo).port };
  const config = readFileSync(site.configFile, 'utf8');
  writeFileSync(site.configFile, config.replace('[imap]', '[imap]\ntimeout_seconds = 1'));
  t.match((await examined(site, { sieve })).get('master at ManageSieve'), { status: 'skipped', seen: /1 s/ });
  writeFileSync(site.configFile, config);
  silent.close();
});
