/**
 * mailcow's Dovecot (docs/mailcow.md): its plugins, its shared namespace, its many special folders, `mail_shared_explicit_inbox`, mail that is
 * encrypted on the disk, and its master user. The comments say which of its files the lines are from, as of 2026-08-05.
 */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import t from 'tap';
import { onlyIn } from '../../../config/lab/dovecot-version.ts';
import { editConfig } from '../configure.ts';
import { docBlock } from '../doc-block.ts';
import type { Site } from '../site.ts';
import { does, SPECIALS } from '../wire.ts';
import { tell } from './story.ts';

const MASTER = 'lead@mailcow.local';
const MASTER_PASSWORD = 'of-the-master';

/** What docker-entrypoint.sh writes below /etc/dovecot and /mail_crypt. */
function entrypoint(): string {
  const etc = mkdtempSync(path.join(os.tmpdir(), 'mandat-mailcow-'));
  chmodSync(etc, 0o755);
  const sha1 = createHash('sha1').update(MASTER_PASSWORD).digest('hex');
  writeFileSync(path.join(etc, 'dovecot-master.passwd'), `${MASTER}:{SHA1}${sha1}::::::\n`);
  writeFileSync(path.join(etc, 'dovecot-master.userdb'), `${MASTER}::5000:5000::::\n`);
  const [secret, open] = [path.join(etc, 'ecprivkey.pem'), path.join(etc, 'ecpubkey.pem')];
  const made = execFileSync('openssl', ['ecparam', '-name', 'prime256v1', '-genkey'], { encoding: 'utf8' });
  writeFileSync(secret, execFileSync('openssl', ['pkey'], { input: made }));
  execFileSync('openssl', ['pkey', '-in', secret, '-pubout', '-out', open]);
  return etc;
}

/** Without quota, full text search and Sieve, which need services beside Dovecot. */
const theirs = (etc: string, mail: string) => `
# docker-entrypoint.sh: mail_plugins, mail_plugins_imap
mail_plugins = acl zlib mail_crypt mail_crypt_acl mail_log notify listescape replication lazy_expunge
protocol imap {
  mail_plugins = imap_acl acl zlib imap_zlib mail_crypt mail_crypt_acl notify listescape replication mail_log
  imap_metadata = yes
}
# docker-entrypoint.sh: user_query; dovecot.conf
mail_location = maildir:~/:INDEX=${mail}/index/%u
mail_home = ${mail}/%u
mail_shared_explicit_inbox = yes
maildir_very_dirty_syncs = yes
auth_master_user_separator = *
disable_plaintext_auth = yes
remote 127.0.0.1 {
  disable_plaintext_auth = no
}
mail_attribute_dict = file:%h/dovecot-attributes
passdb {
  driver = passwd-file
  args = ${etc}/dovecot-master.passwd
  master = yes
  skip = authenticated
}
userdb {
  driver = passwd-file
  args = ${etc}/dovecot-master.userdb
}
plugin {
  acl_anyone = disallow
  acl = vfile
  acl_user = %u
  master_user = %u
  listescape_char = "\\\\"
  mail_crypt_global_private_key = <${etc}/ecprivkey.pem
  mail_crypt_global_public_key = <${etc}/ecpubkey.pem
  mail_crypt_save_version = 2
  zlib_save = lz4
}
# dovecot.folders.conf: some of its many
namespace inbox {
  mailbox "Deleted Messages" {
    special_use = \\Trash
  }
  mailbox "Papierkorb" {
    special_use = \\Trash
  }
  mailbox "Gesendet" {
    special_use = \\Sent
  }
}
# docker-entrypoint.sh: shared_namespace.conf, with MAILDIR_SUB empty, as in a new mailcow.conf (only the lab gives the namespace a name)
namespace shared {
    type = shared
    separator = /
    prefix = Shared/%%u/
    location = maildir:%%h:INDEX=~/Shared/%%u
    subscriptions = no
    list = children
}
`;

/** As the page says: the account of mailcow.conf, in mandat.toml. */
async function theirMaster(site: Site): Promise<void> {
  await does(site, 'alice', 'CREATE Papierkorb', 'CREATE Gesendet');
  await editConfig(site, (toml) => toml.replace('admin_user = "bridge"', `admin_user = "${MASTER}"`));
  writeFileSync(path.join(site.lab.directory, 'imap.secret'), `${MASTER_PASSWORD}\n`);
}

const skip = onlyIn('2.3', "mailcow's image has Dovecot 2.3");
if (skip !== false) {
  t.plan(0, skip);
} else {
  const etc = entrypoint();
  const directory = mkdtempSync(path.join(os.tmpdir(), 'mandat-beside-'));
  t.teardown(() => [etc, directory].forEach((one) => void rmSync(one, { recursive: true, force: true })));
  // The lab has sessions.conf already, with a port of its own.
  const ours = docBlock('mailcow.md', 'data/conf/dovecot/extra.conf', { '!include mandat/sessions.conf\n': '' });
  tell({
    site: { impersonate: 'suffix', directory, extraDovecot: `${theirs(etc, path.join(directory, 'mail'))}${ours}` },
    writing: { root: (owner) => `Shared/${owner}`, inbox: 'INBOX' },
    folders: [['Work'], ['Work', 'Sub'], ['Plain name'], ['Dotted.name']],
    specials: [...SPECIALS, 'Gesendet', 'Papierkorb'],
    before: theirMaster,
  });
}
