/** How the shared namespace says where an owner's mail lies, from what a site says of a user's own. */
import t from 'tap';
import { parseDoveconf } from '../../bridge/doctor/doveconf-text.ts';
import { syntaxOf } from '../../bridge/doctor/dovecot-versions.ts';
import { storageOf } from '../../bridge/setup/dovecot-storage.ts';

const of = (version: string, text: string, inbox?: string) =>
  storageOf(
    { source: 'doveconf', version, syntax: syntaxOf(version), file: undefined, all: parseDoveconf(text) },
    inbox === undefined ? undefined : parseDoveconf(inbox),
  );
const shared = (version: string, text: string, inbox?: string) =>
  Object.values(of(version, text, inbox).inShared()).join();

t.test('2.3: mail_location', async (t) => {
  for (const [location, expected] of [
    ['maildir:~/Maildir', 'maildir:%%h/Maildir'],
    ['maildir:/var/vmail/%d/%n/Maildir:INDEX=~/index', 'maildir:/var/vmail/%%d/%%n/Maildir:INDEX=%%h/index'],
    ['mdbox:%h/mdbox', 'mdbox:%%h/mdbox'],
  ] as const)
    t.equal(shared('2.3.19', `mail_location = ${location}\n`), `location = ${expected}\n`);
  t.throws(() => shared('2.3.19', 'mail_location = mbox:~/mail:INBOX=/var/mail/%u\n'), /mbox.*can't be shared/);
  t.throws(() => shared('2.3.19', 'mail_location = maildir:/mail/%{userdb:x}\n'), /only the session's own user/);
  t.equal(of('2.3.19', 'mail_location = maildir:~/Maildir\n').separator, '.');
  t.equal(of('2.3.19', 'mail_location = maildir:~/Maildir:LAYOUT=fs\n').separator, '/');
});

t.test('2.4: mail_driver, mail_path and those beside it', async (t) => {
  const said = (...lines: readonly string[]) => shared('2.4.1', `${lines.join('\n')}\n`);
  t.equal(
    said('mail_driver = maildir', 'mail_path = ~/Maildir'),
    '  mail_driver = maildir\n  mail_path = %{owner_home}/Maildir\n',
  );
  t.equal(
    said(
      'mail_driver = mdbox',
      'mail_path = /var/vmail/%{user | domain}/%{user|username}/mdbox',
      'mail_alt_path = /slow/%{user}',
    ),
    '  mail_driver = mdbox\n  mail_path = /var/vmail/%{owner_user | domain}/%{owner_user|username}/mdbox\n  mail_alt_path = /slow/%{owner_user}\n',
  );
  t.equal(
    said(
      'mail_driver = maildir',
      'mail_path = %{home}/mail',
      'mail_inbox_path = %{home}/mail/.INBOX',
      'mail_index_path =',
    ),
    '  mail_driver = maildir\n  mail_path = %{owner_home}/mail\n  mail_inbox_path = %{owner_home}/mail/.INBOX\n',
    'what Debian sets for mbox would hold in the shared namespace too',
  );
  t.equal(
    shared('2.4.1', 'mail_driver = mbox\nmail_path = ~/mail\n', 'mail_driver = sdbox\nmail_path = ~/sdbox\n'),
    '  mail_driver = sdbox\n  mail_path = %{owner_home}/sdbox\n',
    "the private namespace's own",
  );
  t.throws(() => said('mail_driver = mbox', 'mail_path = %{home}/mail'), /mail_driver = mbox can't be shared/);
  for (const path of ['/mail/%{userdb:x}', '/mail/%{auth_user}', '/mail/%u', '/mail/%{session}'])
    t.throws(
      () => said('mail_driver = maildir', `mail_path = ${path}`),
      /mail_path = .*only the session's own user/,
      path,
    );
  t.equal(of('2.4.1', 'mail_driver = maildir\nmail_path = ~/Maildir\n').shown, 'maildir:~/Maildir');
  t.equal(of('2.4.1', 'mail_driver = maildir\n').separator, '.');
  t.equal(of('2.4.1', 'mail_driver = sdbox\nmailbox_list_layout = fs\n').separator, '/');
});
