import type { DovecotVersion } from '../../config/lab/dovecot-version.ts';

/** Lines for the end of dovecot.conf: each mailbox may hold so much, such as `100K`. */
export const quota = (storage: string): Readonly<Record<DovecotVersion, string>> => ({
  '2.3': `
protocol imap {
  mail_plugins = $mail_plugins quota imap_quota
}
plugin {
  quota = maildir:User quota
  quota_rule = *:storage=${storage}
}
`,
  '2.4': `
protocol imap {
  mail_plugins {
    quota = yes
    imap_quota = yes
  }
}
quota "User quota" {
  driver = maildir
  storage_size = ${storage}
  storage_grace = 0
}
`,
});
