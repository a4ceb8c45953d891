import t from 'tap';
import { parseDoveconf, pluginSetting, sectionsNamed, versionIn } from '../../bridge/doctor/doveconf-text.ts';
import { syntaxOf } from '../../bridge/doctor/dovecot-versions.ts';

const TEXT = `# 2.3.19.1 (9b53102964): /etc/dovecot/dovecot.conf
# NOTE: Send doveconf -n output instead when asking for help.
auth_mechanisms = plain login
doveadm_api_key = # hidden, use -P to show it
imap_hibernate_timeout = 30 secs
mail_plugins = " acl imap_acl"
mail_location =
namespace inbox {
  inbox = yes
  location =
  mailbox Drafts {
    special_use = \\Drafts
  }
  type = private
}
namespace shared {
  location = maildir:%%h/Maildir:INDEXPVT=~/{x}/%%u
  type = shared
}
passdb {
  args = username_format=%s/%u /etc/dovecot/mandat/master.passwd
}
plugin {
  acl = vfile:/etc/dovecot/global-acls:cache_secs=7
  acl_shared_dict = file:/var/lib/dovecot/shared.db
}
service imap-login {
  inet_listener imap {
    port = 143
  }
  inet_listener imaps {
    port = 993
    ssl = yes
  }
}
service pop3-login {
  inet_listener pop3 {
    port = 110
  }
}
protocol imap {
  plugin {
    acl = vfile
  }
}
`;

const all = parseDoveconf(TEXT);

t.test('settings, quoted, empty and with signs in them', async (t) => {
  t.equal(all.settings.get('imap_hibernate_timeout'), '30 secs');
  t.equal(all.settings.get('mail_plugins'), ' acl imap_acl');
  t.equal(all.settings.get('mail_location'), '');
  t.equal(all.settings.get('location'), undefined, 'what stands in a section is not of the whole');
});

t.test('sections', async (t) => {
  const [inbox, shared] = sectionsNamed(all, 'namespace');
  t.equal(inbox?.settings.get('type'), 'private', 'after a section inside');
  t.equal(inbox?.sections[0]?.settings.get('special_use'), '\\Drafts');
  t.equal(shared?.settings.get('location'), 'maildir:%%h/Maildir:INDEXPVT=~/{x}/%%u');
  t.same([...syntaxOf('2.3').imapPorts(all)], [143, 993], "not another protocol's");
});

t.test("a plugin's settings: those of the whole, into which doveconf -f has put the protocol's", async (t) => {
  t.equal(pluginSetting(all, 'acl'), 'vfile:/etc/dovecot/global-acls:cache_secs=7');
  t.equal(pluginSetting(all, 'quota'), undefined);
  t.equal(pluginSetting(parseDoveconf(''), 'acl'), undefined);
});

t.test('whose it is', async (t) => {
  t.equal(versionIn(TEXT), '2.3.19.1');
  t.equal(versionIn('# 2.4.1-4 (7d8c0e5759): /etc/dovecot/dovecot.conf\n'), '2.4.1-4');
  t.equal(versionIn(''), '');
  for (const [said, read] of [
    ['2.3.19.1', '2.3'],
    ['2.3.4', '2.3'],
    ['2.2.36', '2.3'],
    ['2.4.1-4', '2.4'],
    ['2.5.0', '2.4'],
    ['3.0', '2.4'],
    ['', '2.3'],
  ] as const)
    t.equal(syntaxOf(said).version, read, said);
});
