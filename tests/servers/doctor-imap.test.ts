import { readFileSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import t from 'tap';
import { dovecotVersion } from '../../config/lab/dovecot-version.ts';
import { type Breakage, breakEach, dovecotConf, examined, type Mend, rewritten } from '../doctor/breakage.ts';
import { sync } from './inside.ts';
import { grantRow } from './rows.ts';
import { at, type Site, startSite } from './site.ts';

/** What stands in Dovecot's configuration, and what the doctor says of it, by version. */
const DOVECOT = {
  '2.3': {
    noImapAcl: ['protocol imap {', '  mail_plugins = acl', '}'],
    aclUser: ['plugin {', '  acl_user = %{auth_user}', '}'],
    saysAclUser: /not proven.*plugin { acl_user = %u } as in config\/dovecot\/2\.3\/mandat\.conf/,
    dotted: 'shared.%%u.',
    noMap: /^ *acl_shared_dict = .*$/m,
    saysMap: /acl_shared_dict is not set.*2\.3\/mandat\.conf/,
    cached: ['plugin {', '  acl = vfile', '}'],
    saysCached: /for up to 30 s.*cache_secs=0/,
    shorter: ['plugin {', '  acl = vfile::cache_secs=5', '}'],
    ownSeen: ['namespace shared {', '  location = maildir:%%h/Maildir:INDEXPVT=~/Maildir/shared/%%u', '}'],
    saysOwnSeen: /INDEXPVT/,
    metadata: ['mail_attribute_dict = file:%h/dovecot-attributes'],
    notInherited: ['plugin {', '  acl_defaults_from_inbox = no', '}'],
  },
  '2.4': {
    noImapAcl: ['protocol imap {', '  mail_plugins {', '    imap_acl = no', '  }', '}'],
    aclUser: ['acl_user = %{auth_user}'],
    saysAclUser: /not proven.*acl_user = %{user} as in config\/dovecot\/2\.4\/mandat\.conf/,
    dotted: 'shared.$user.',
    noMap: /^acl_sharing_map \{(.|\n)*?^\}$/m,
    saysMap: /acl_sharing_map is not set.*2\.4\/mandat\.conf/,
    cached: ['acl_cache_ttl = 30s'],
    saysCached: /for up to 30 s.*acl_cache_ttl = 0/,
    shorter: ['acl_cache_ttl = 5 secs'],
    ownSeen: ['namespace shared {', '  mail_index_private_path = ~/Maildir/shared/%{owner_user}', '}'],
    saysOwnSeen: /mail_index_private_path/,
    metadata: ['mail_attribute {', '  dict file {', '    path = %{home}/dovecot-attributes', '  }', '}'],
    notInherited: ['acl_defaults_from_inbox = no'],
  },
}[dovecotVersion()];

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

/** Without these lines of a fragment. */
function inFragment(name: string, lines: RegExp) {
  return (on: Site) => changedDovecot(on, (text) => text.replace(lines, ''), `mandat/${name}`);
}

async function changedDovecot(on: Site, change: (text: string) => string, file = 'dovecot.conf'): Promise<Mend> {
  const mend = await rewritten(path.join(path.dirname(dovecotConf(on)), file), change);
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
    break: inDovecot(...DOVECOT.noImapAcl),
    bad: { ACL: 'fail' },
    says: /no ACL.*imap_acl.*mandat\.conf/,
  },
  {
    what: "rights are judged as the master user's",
    break: inDovecot(...DOVECOT.aclUser),
    bad: { identity: 'fail' },
    says: DOVECOT.saysAclUser,
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
      `  prefix = ${DOVECOT.dotted}`,
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
    break: inFragment('mandat.conf', DOVECOT.noMap),
    bad: { 'shared namespace': 'fail' },
    says: DOVECOT.saysMap,
  },
  {
    what: 'everything that makes trouble later',
    break: inDovecot(
      ...DOVECOT.cached,
      ...DOVECOT.ownSeen,
      'imap_hibernate_timeout = 30s',
      ...DOVECOT.metadata,
      'protocol imap {',
      '  imap_metadata = yes',
      '}',
    ),
    bad: { 'ACL cache': 'warn', '\\Seen': 'warn', metadata: 'warn', hibernation: 'warn' },
    says: DOVECOT.saysCached,
  },
  {
    what: 'a shorter ACL cache',
    break: inDovecot(...DOVECOT.shorter),
    bad: { 'ACL cache': 'warn' },
    says: /for up to 5 s/,
  },
  {
    what: "INBOX's entry is inherited by nothing",
    break: inDovecot(...DOVECOT.notInherited),
    bad: { inheritance: 'warn' },
    says: /INBOX alone.*inherit\.conf/,
  },
];

t.test('each broken in turn', (t) => breakEach(t, site, BREAKAGES, { sidecar: 'warn', 'sender rules': 'warn' }));

t.test('which Dovecot it is', async (t) => {
  const version = dovecotVersion();
  const folder = `config/dovecot/${version}/`;
  const found = (await examined(site)).get('Dovecot');
  t.match(found, { status: 'ok', seen: new RegExp(`Dovecot ${version}\\.\\S+ \\(doveconf -c .*${folder}$`) });
  const away = (await examined(site, { dovecotConfig: '/nowhere/dovecot.conf' })).get('Dovecot');
  t.match(away, { status: 'ok', seen: new RegExp(`Dovecot ${version} \\(.*LIST-MYRIGHTS.*${folder}$`) });
  const names = {
    '2.3': ['imap_id_send = name * version *'],
    '2.4': ['imap_id_send {', '  name = %{dovecot:name}', '  version = 2.4.1', '}'],
  };
  const mend = await inDovecot(...names[version])(site);
  const said = (await examined(site, { dovecotConfig: '/nowhere/dovecot.conf' })).get('Dovecot');
  t.match(said, { status: 'ok', seen: new RegExp(`Dovecot ${version}\\.\\S+ \\(as it says itself`) });
  await mend();
});

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

  const mend = await inDovecot(...DOVECOT.ownSeen)(site);
  const found = await examined(site, away);
  t.match(found.get('\\Seen'), { status: 'warn', remedy: DOVECOT.saysOwnSeen });
  t.match(found.get('Dovecot'), { status: 'ok', seen: /LIST-MYRIGHTS/ });
  t.match(found.get('cut'), { status: 'skipped' });
  await mend();
});
