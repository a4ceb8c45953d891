import { readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import t from 'tap';
import { type Breakage, breakEach, dovecotConf, examined, type Mend, rewritten } from '../doctor/breakage.ts';
import { sync } from './inside.ts';
import { grantRow } from './rows.ts';
import { at, type Site, startSite } from './site.ts';

let site: Site;
t.before(async () => {
  site = await startSite({ users: ['alice', 'bob'], postfix: false, senderRules: false });
  await site.register('alice', 'bob');
});
t.teardown(() => site?.stop());

async function restart({ lab }: Site): Promise<void> {
  await lab.stopDovecot();
  await lab.startDovecot();
}

/** Dovecot started anew with these lines at the end of its configuration. */
function inDovecot(...lines: readonly string[]) {
  return (on: Site) => changedDovecot(on, (text) => `${text}\n${lines.join('\n')}\n`);
}

async function changedDovecot(on: Site, change: (text: string) => string): Promise<Mend> {
  const mend = await rewritten(dovecotConf(on), change);
  await restart(on);
  return async () => {
    await mend();
    await restart(on);
  };
}

const inConfig = (from: RegExp | string, to: string) => (on: Site) =>
  rewritten(on.configFile, (text) => text.replace(from, to));

function secret(wanted: string) {
  return (on: Site): Mend => {
    const file = path.join(on.lab.directory, 'imap.secret');
    const before = readFileSync(file);
    writeFileSync(file, wanted);
    return () => writeFileSync(file, before);
  };
}

const BREAKAGES: readonly Breakage[] = [
  {
    what: 'Dovecot is stopped',
    break: async (on) => {
      await on.lab.stopDovecot();
      return () => on.lab.startDovecot();
    },
    bad: { 'IMAP server': 'fail', who: 'fail' },
    says: /ECONNREFUSED.*server runs/,
  },
  {
    what: 'another service answers at that port',
    break: async (on) => {
      const other = net.createServer((socket) => socket.end('220 mx.lab.test ESMTP\r\n'));
      await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
      const { port } = other.address() as net.AddressInfo;
      const mend = await inConfig(/^port = \d+/m, `port = ${port}`)(on);
      return async () => {
        other.close();
        await mend();
      };
    },
    bad: { 'IMAP server': 'fail' },
    says: /220 mx\.lab\.test.*imap\.port/,
  },
  {
    what: 'a service that says nothing',
    break: async (on) => {
      const other = net.createServer(() => {});
      await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
      const { port } = other.address() as net.AddressInfo;
      const mend = await inConfig(/^port = \d+/m, `port = ${port}\ntimeout_seconds = 1`)(on);
      return async () => {
        other.close();
        await mend();
      };
    },
    bad: { 'IMAP server': 'fail' },
    says: /nothing was said for 1 s/,
  },
  {
    what: "another password than the master's",
    break: secret('wrong\n'),
    bad: { 'admin login': 'fail' },
    says: /refused to log .* in as alice@lab\.test.*master-user\.conf/,
  },
  {
    what: 'another master user than the server knows',
    break: inConfig(/^admin_user = .*$/m, 'admin_user = "mandate"'),
    bad: { 'admin login': 'fail' },
    says: /refused to log mandate in.*imap\.admin_user/,
  },
  {
    what: 'the other form of impersonation, with a separator that the server does not know',
    break: inConfig(/^impersonate = .*$/m, 'impersonate = "suffix"\nmaster_separator = "%"'),
    bad: { 'admin login': 'fail' },
    says: /imap\.impersonate = "authzid": that way it works/,
  },
  {
    what: 'no imap_acl',
    break: inDovecot('protocol imap {', '  mail_plugins = acl', '}'),
    bad: { ACL: 'fail' },
    says: /no ACL.*imap_acl.*mandat\.conf/,
  },
  {
    what: "rights are judged as the master user's",
    break: inDovecot('plugin {', '  acl_user = %{auth_user}', '}'),
    bad: { identity: 'fail' },
    says: /not proven.*acl_user = %u/,
  },
  {
    what: 'no shared namespace',
    break: inDovecot('namespace shared {', '  disabled = yes', '}'),
    bad: { 'shared namespace': 'fail' },
    says: /no namespace.*mandat\.conf/,
  },
  {
    what: 'the separator is one that logins hold',
    break: inDovecot(
      'namespace inbox {',
      '  separator = .',
      '}',
      'namespace shared {',
      '  separator = .',
      '  prefix = shared.%%u.',
      '}',
    ),
    bad: { separator: 'fail' },
    says: /separated by "\.", which logins hold too \(alice@lab\.test\).*separator = \//,
  },
  {
    what: 'namespaces that do not agree on a separator, so that nobody can log in any more',
    break: inDovecot('namespace inbox {', '  separator = .', '}'),
    bad: { separator: 'fail' },
    says: /namespaces have "\." and "\/" as their separators.*internal error/,
  },
  {
    what: 'no list of who shares with whom',
    break: inDovecot('plugin {', '  acl_shared_dict =', '}'),
    bad: { 'shared namespace': 'fail' },
    says: /acl_shared_dict is not set.*mandat\.conf/,
  },
  {
    what: 'everything that makes trouble later',
    break: inDovecot(
      'plugin {',
      '  acl = vfile',
      '}',
      'namespace shared {',
      '  location = maildir:%%h/Maildir:INDEXPVT=~/Maildir/shared/%%u',
      '}',
      'imap_hibernate_timeout = 30s',
      'mail_attribute_dict = file:%h/dovecot-attributes',
      'protocol imap {',
      '  imap_metadata = yes',
      '}',
    ),
    bad: { 'ACL cache': 'warn', '\\Seen': 'warn', metadata: 'warn', hibernation: 'warn' },
    says: /for up to 30 s.*cache_secs=0/,
  },
  {
    what: 'a shorter ACL cache',
    break: inDovecot('plugin {', '  acl = vfile::cache_secs=5', '}'),
    bad: { 'ACL cache': 'warn' },
    says: /for up to 5 s/,
  },
  {
    what: "INBOX's entry is inherited by nothing",
    break: inDovecot('plugin {', '  acl_defaults_from_inbox = no', '}'),
    bad: { inheritance: 'warn' },
    says: /INBOX alone.*inherit\.conf/,
  },
];

t.test('each broken in turn', (t) => breakEach(t, site, BREAKAGES, { sidecar: 'warn', 'sender rules': 'warn' }));

t.test('nobody is registered who has an account', async (t) => {
  await site.sql("DELETE FROM mailbox; INSERT INTO mailbox (address) VALUES ('ghost@lab.test')");
  const lines = await examined(site);
  t.match(lines.get('admin login'), { status: 'ok', seen: /is accepted/ });
  t.match(lines.get('identity'), { status: 'skipped' });
  t.match(lines.get('ACL'), { status: 'skipped', seen: /--probe/ });
  const probed = await examined(site, { probe: at('alice') });
  t.match(probed.get('identity'), { status: 'ok', seen: /alice/ });
  const ghost = await examined(site, { probe: at('ghost') });
  t.match(ghost.get('admin login'), { status: 'fail', seen: /no account ghost/, remedy: /create the account/ });

  await site.sql('DELETE FROM mailbox');
  t.match((await examined(site)).get('admin login'), { status: 'ok', seen: /is accepted/ });
  const mend = secret('wrong\n')(site);
  t.match(
    (await examined(site)).get('admin login'),
    { status: 'fail' },
    'a wrong password is seen without a mailbox too',
  );
  mend();
});

t.test('away from Dovecot: what the sidecar has learnt, and what a delegation in force shows', async (t) => {
  await site.register('alice', 'bob');
  await grantRow(site, 'alice', 'bob');
  const alice = await site.login('alice');
  await alice.append('INBOX', 'Subject: seen\r\n\r\n.\r\n', '\\Seen');
  alice.close();
  await sync(site);
  const away = { dovecotConfig: '/nowhere/dovecot.conf' };
  const lines = await examined(site, away);
  t.match(lines.get('inheritance'), { status: 'ok', seen: /as the sidecar last saw/ });
  t.match(lines.get('\\Seen'), { status: 'ok', seen: /beside what bob@lab\.test sees/ });
  for (const check of ['ACL cache', 'hibernation']) t.match(lines.get(check), { status: 'skipped' }, check);

  const own = 'namespace shared {\n  location = maildir:%%h/Maildir:INDEXPVT=~/Maildir/shared/%%u\n}';
  const mend = await inDovecot(own)(site);
  t.match((await examined(site, away)).get('\\Seen'), { status: 'warn', remedy: /INDEXPVT/ });
  await mend();
});
