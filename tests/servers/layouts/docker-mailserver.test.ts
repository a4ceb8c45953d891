/**
 * docker-mailserver's Dovecot 2.4 (docs/docker-mailserver.md), with the page's dovecot.cf: mail by domain and name, a home inside of the mail, and
 * no separator of its own.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import t from 'tap';
import { onlyIn } from '../../../config/lab/dovecot-version.ts';
import { editConfig } from '../configure.ts';
import { docBlock } from '../doc-block.ts';
import { tell } from './story.ts';

/** target/dovecot/10-mail.conf, as of 2026-08-19, without quota; then its userdb's home. */
const theirs = (mail: string) => `
mail_driver = maildir
mail_path = ${mail}/%{user | domain}/%{user | username}
mail_home = ${mail}/%{user | domain}/%{user | username}/home
mailbox_list_index = yes
maildir_stat_dirs = yes
# 10-ssl.conf, as setup.d/dovecot.sh leaves it; the default, which the lab has changed
ssl = required
auth_allow_cleartext = no
`;

const skip = onlyIn('2.4', "docker-mailserver's edge image has Dovecot 2.4");
if (skip !== false) {
  t.plan(0, skip);
} else {
  const directory = mkdtempSync(path.join(os.tmpdir(), 'mandat-dms-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const mail = path.join(directory, 'mail');
  const ours = docBlock('docker-mailserver.md', 'docker-data/dms/config/dovecot.cf', {
    '/var/mail/': `${mail}/`,
    '/var/mail-state/mandat/': `${directory}/dovecot/shared/`,
    // The lab has these already, each with paths and ports of its own.
    '!include mandat/mandat.conf\n': '',
    '!include mandat/master-user.conf\n': '',
    '!include mandat/sessions.conf\n': '',
  });
  mkdirSync(directory, { recursive: true });
  tell({
    site: { directory, tls: true, extraDovecot: `${theirs(mail)}${ours}` },
    // As the page's mandat.toml has it; nobody known has signed the lab's certificate.
    before: (site) => {
      const { certificate } = site.lab;
      const tls = `tls = "starttls"\nserver_name = "localhost"\nca_file = "${certificate}"`;
      return editConfig(site, (toml) => toml.replace('tls = "none"', tls));
    },
  });
}
