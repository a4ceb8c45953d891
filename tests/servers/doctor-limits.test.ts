/** What would keep mandat out, or bound what all have to share: fail2ban's jails, and what Postfix bounds at the re-injection port. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { examine } from '../../bridge/doctor/examine.ts';
import { dovecotConf, postfixDirectory } from '../doctor/breakage.ts';
import { configOf } from './inside.ts';
import { type Site, startSite } from './site.ts';

async function finding(site: Site, check: string, fail2banConfig = '/nonexistent') {
  const lines = await examine(
    configOf(site),
    {},
    {
      dovecotConfig: dovecotConf(site),
      postfixConfig: postfixDirectory(site),
      fail2banConfig,
    },
  );
  return lines.find((line) => line.check === check);
}

t.test('fail2ban', async (t) => {
  for (const [address, jails, expected] of [
    [undefined, undefined, { status: 'ok', seen: /no fail2ban/ }],
    [undefined, '[dovecot]\nenabled = false\n', { status: 'ok', seen: /watches no mail logins/ }],
    [undefined, '[dovecot]\nenabled = true\n', { status: 'ok', seen: /leaves 127\.0\.0\.1 alone/ }],
    [
      undefined,
      '[dovecot]\nenabled = true\nignoreself = false\n',
      { status: 'warn', remedy: /ignoreip = .*127\.0\.0\.1/ },
    ],
    [
      '127.0.0.2',
      '[dovecot]\nenabled = true\n',
      { status: 'warn', seen: /\(dovecot\) would ban 127\.0\.0\.2/, remedy: /ignoreip/ },
    ],
    ['127.0.0.2', '[DEFAULT]\nignoreip = 127.0.0.1/8\n[dovecot]\nenabled = true\n', { status: 'ok' }],
  ] as const) {
    const site = await startSite({
      users: ['alice'],
      postfix: false,
      senderRules: false,
      extraImap: address === undefined ? '' : `local_address = "${address}"`,
    });
    try {
      await site.register('alice');
      const directory = path.join(site.lab.directory, 'fail2ban');
      if (jails !== undefined) {
        mkdirSync(directory, { recursive: true });
        writeFileSync(path.join(directory, 'jail.conf'), jails);
      }
      t.match(await finding(site, 'banned addresses', directory), expected, `${address} ${jails}`);
    } finally {
      await site.stop();
    }
  }
});

t.test('the re-injection port', async (t) => {
  const site = await startSite({ users: ['alice'], filter: true });
  t.teardown(() => site.stop());
  await site.run();
  t.match(await finding(site, 're-injection limits'), { status: 'ok' }, 'as the fragment has it');
  const file = path.join(postfixDirectory(site), 'master.cf');
  const before = readFileSync(file, 'utf8');
  const [name] = /^\S*:\d+(?=.*\n(?:\s+.*\n)*?\s+-o syslog_name=postfix\/reinject)/m.exec(before) ?? [];
  t.ok(name, 'the service is there');
  const limits = before.replace(/( +-o syslog_name=postfix\/reinject\n)/, '$1  -o smtpd_client_message_rate_limit=5\n');
  writeFileSync(file, limits);
  t.match(
    await finding(site, 're-injection limits'),
    { status: 'ok', seen: /leaves 127\.0\.0\.1 alone/ },
    'its own mynetworks are excepted',
  );
  writeFileSync(
    file,
    limits.replace(
      '  -o smtpd_client_message',
      '  -o smtpd_client_event_limit_exceptions=192.0.2.0/24\n  -o smtpd_client_message',
    ),
  );
  t.match(await finding(site, 're-injection limits'), {
    status: 'warn',
    seen: /smtpd_client_message_rate_limit = 5/,
    remedy: /-o smtpd_client_message_rate_limit=0/,
  });
});
