/** Dovecot 2.4's configuration, read: as `doveconf -a` of 2.4.1 prints it. */
import t from 'tap';
import { forProtocol, parseDoveconf } from '../../bridge/doctor/doveconf-text.ts';
import { syntaxOf } from '../../bridge/doctor/dovecot-versions.ts';

const { beforeOwner, ...dovecot } = syntaxOf('2.4.1-4');
const read = (text: string) => forProtocol(parseDoveconf(text), 'imap');

const OURS = `# 2.4.1-4 (7d8c0e5759): /etc/dovecot/dovecot.conf
# Pigeonhole version 2.4.1-4 (0a86619f)
acl_cache_ttl = 0
acl_defaults_from_inbox = yes
mail_driver = maildir
mail_plugins {
  acl = yes
}
imapsieve_expunge_discarded = yes
mailbox_list_layout = fs
sieve_plugins {
  sieve_imapsieve = yes
}
unix_listener_mode = 0600
namespace inbox {
  inbox = yes
  mailbox "Sent Messages" {
    special_use = "\\\\Sent"
  }
}
service imap-login {
  inet_listener imap {
    port = 10143
  }
  inet_listener imaps {
    port = 0
  }
}
protocol imap {
  mail_plugins {
    imap_acl = yes
    imap_sieve = yes
  }
  sieve_script mandat {
    cause = copy
    driver = file
    path = /etc/dovecot/mandat/keep-deleted.sieve
    type = before
  }
}
acl_sharing_map {
  dict file {
    path = /var/lib/dovecot/mandat/shared-mailboxes.db
  }
}
namespace shared {
  mail_driver = maildir
  mail_path = %{owner_home}/Maildir
  prefix = Boîtes déléguées/$user/
  separator = /
  type = shared
}
service imap {
  unix_listener "srv.imap/%{pid}" {
    mode = 0
  }
}
protocol lmtp {
  acl_cache_ttl = 5 mins
}
`;
const ours = read(OURS);
const without = (...lines: readonly string[]) =>
  read(
    lines.reduce((text, line) => {
      if (!text.includes(line)) throw new Error(`no ${line}`);
      return text.replace(line, '');
    }, OURS),
  );

t.test('what sharing needs', async (t) => {
  t.same(dovecot.aclCache(ours), { seconds: 0, words: 'acl_cache_ttl = 0' });
  t.equal(dovecot.hasSharingMap(ours), true);
  t.equal(dovecot.hasSharingMap(read('acl_sharing_map {\n}\n')), false);
  t.equal(dovecot.hasSharingMap(read('acl_sharing_map_name =\n')), false);
  t.equal(dovecot.inheritsFromInbox(ours), true);
  t.equal(dovecot.inheritsFromInbox(without('acl_defaults_from_inbox = yes')), false);
  t.same([...dovecot.imapPorts(ours)], [10143, 0]);
  const stock = 'service imap-login {\n  inet_listener imap {\n  }\n  inet_listener imaps {\n  }\n}\n';
  t.same([...dovecot.imapPorts(read(stock))], [143, 993], 'doveconf leaves out the usual ones');
});

t.test('for how long rights are kept', async (t) => {
  for (const [ttl, seconds] of [
    ['30 secs', 30],
    ['30s', 30],
    ['2 mins', 120],
    ['1 hours', 3600],
    ['500 msecs', 0.5],
    ['45', 45],
    ['0', 0],
  ] as const)
    t.equal(dovecot.aclCache(read(`acl_cache_ttl = ${ttl}\n`)).seconds, seconds, ttl);
  t.equal(dovecot.aclCache(read('')).seconds, 30, 'by default');
  t.equal(dovecot.aclCache(read('acl_cache_ttl = 9s\nprotocol imap {\n  acl_cache_ttl = 0\n}\n')).seconds, 0);
});

t.test('a namespace', async (t) => {
  const [inbox, shared] = ours.sections.filter(({ name }) => name.startsWith('namespace'));
  if (inbox === undefined || shared === undefined) throw new Error('no namespaces');
  t.equal(inbox.sections[0]?.name, 'mailbox Sent Messages');
  t.equal(dovecot.hasPrivateIndex(shared), false);
  const own = read('namespace shared {\n  mail_index_private_path = ~/%{owner_user}\n}\n').sections[0];
  t.equal(own && dovecot.hasPrivateIndex(own), true);
  t.equal(beforeOwner('Boîtes déléguées/$user/'), 'Boîtes déléguées/');
  t.equal(beforeOwner('shared/$domain/$username/'), 'shared/');
  t.equal(beforeOwner('shared/%{user}/'), 'shared/');
  t.equal(dovecot.ownSeparator(ours, inbox), undefined, 'a Maildir whose layout is not told');
  t.equal(
    dovecot.ownSeparator(read('mail_driver = sdbox\nmailbox_list_layout = fs\n'), { ...inbox, settings: new Map() }),
    '/',
  );
  t.equal(dovecot.ownSeparator(read('mailbox_list_layout = maildir++\n'), { ...inbox, settings: new Map() }), '.');
});

t.test('a kick', async (t) => {
  const imap = (lines: string) => read(`service imap {\n${lines}\n}\n`);
  const CLOSED = '  unix_listener "srv.imap/%{pid}" {\n    mode = 0\n  }';
  const several = '  client_limit = 5\n  restart_request_count = 10\n';
  for (const [what, all] of [
    ['as it comes', imap('')],
    ['open to root', imap(CLOSED.replace('mode = 0', 'mode = 0600'))],
    ['another listener', imap(CLOSED.replace('srv.imap', 'srv.pop3'))],
    ['of another service', read(`service imap-login {\n${CLOSED}\n}\nservice imap {\n}\n`)],
    ['several clients, and processes that end with the first', imap('  client_limit = 5')],
    ['processes that serve one after another', imap('  restart_request_count = unlimited')],
    ['several clients at once, and nobody may ask', imap(several + CLOSED)],
  ] as const)
    t.match(dovecot.kickInVain(all), /srv\.imap/, what);
  for (const [what, all] of [
    ['ours', ours],
    ['written otherwise', imap(CLOSED.replace('mode = 0', 'mode = 0000'))],
    ['with a limit that is never reached', imap(`  client_limit = 5\n${CLOSED}`)],
    ['several clients at once', imap(several)],
  ] as const)
    t.equal(dovecot.kickInVain(all), undefined, what);
});

t.test('what brings deleted mail back', async (t) => {
  const { script, from, lacking } = dovecot.keepDeleted(ours) ?? {};
  t.same([script, from, lacking], ['/etc/dovecot/mandat/keep-deleted.sieve', undefined, []]);
  t.equal(dovecot.keepDeleted(read('mail_driver = maildir\n')), undefined);
  for (const [line, said] of [
    ['    imap_sieve = yes\n', /no imap_sieve in mail_plugins/],
    ['  sieve_imapsieve = yes\n', /sieve_plugins lacks sieve_imapsieve/],
    ['imapsieve_expunge_discarded = yes\n', /expunge_discarded/],
    ['    cause = copy\n', /it runs at delivery/],
    ['    type = before\n', /type/],
  ] as const)
    t.match(dovecot.keepDeleted(without(line))?.lacking, [said], String(said));
  const inside = OURS.replace('  sieve_script mandat', '  imapsieve_from shared/* {\n  sieve_script mandat').replace(
    '    type = before\n  }',
    '    type = before\n  }\n  }',
  );
  t.match(dovecot.keepDeleted(read(inside))?.lacking, [/imapsieve_from shared\/\* takes no patterns/]);
});
