import type { LabPorts } from './lab.ts';

export interface DovecotSite {
  /** Holds everything of this Dovecot: run/, state/, mandat/ (the product's fragments), users, log. */
  readonly directory: string;
  readonly mailDirectory: string;
  readonly ports: LabPorts;
  readonly inherit: boolean;
  readonly storage: keyof typeof STORAGE;
  readonly reuse: boolean;
  /** What the shared namespace begins with; the product says `shared/`. */
  readonly sharedPrefix: string;
  readonly keepDeleted: boolean;
  /** Postfix's queue directory, where its smtpd finds the SASL socket; chrooted or not. */
  readonly postfixQueue: string | undefined;
  readonly tls: TlsFiles | undefined;
  /** Lines inside the site's passdb and userdb, and at the end. */
  readonly insidePassdb: string;
  readonly insideUserdb: string;
  readonly extra: string;
}

/** The site's mail_location. Maildir++ is what most sites have; it takes no dot in a folder's name. */
export const STORAGE = { maildir: 'maildir:%h/Maildir', sdbox: 'sdbox:%h/sdbox', mdbox: 'mdbox:%h/mdbox' } as const;

export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
}

/** The site's own dovecot.conf, as it was before mandat came, then the product's fragments, then what must differ here. */
export function dovecotConf(site: DovecotSite): string {
  const { directory, ports } = site;
  return `# ---- the site, before mandat
base_dir = ${directory}/run
state_dir = ${directory}/state
log_path = ${directory}/dovecot.log
auth_verbose = yes
protocols = imap
listen = 127.0.0.1
${tls(site.tls)}
disable_plaintext_auth = no
auth_mechanisms = plain login

# A wrong password is answered at once: by default it costs two seconds, then more for each one from the same address.
auth_failure_delay = 0
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
passdb {
  # Knows nobody; only says nodelay.
  driver = static
  args = noauthenticate nodelay=yes
}
passdb {
  driver = passwd-file
  args = ${directory}/users
${site.insidePassdb}}
userdb {
  driver = passwd-file
  args = ${directory}/users
  default_fields = uid=mail gid=mail home=${site.mailDirectory}/%u
${site.insideUserdb}}
first_valid_uid = 1
mail_location = ${STORAGE[site.storage].replace('%h', '~')}

namespace inbox {
  inbox = yes
  separator = /
  mailbox Drafts {
    auto = subscribe
    special_use = \\Drafts
  }
  mailbox Sent {
    auto = subscribe
    special_use = \\Sent
  }
  mailbox Junk {
    auto = subscribe
    special_use = \\Junk
  }
  mailbox Trash {
    auto = subscribe
    special_use = \\Trash
  }
}

service imap-login {
${site.reuse ? '  service_count = 0\n' : ''}  inet_listener imap {
    port = ${ports.imap}
  }
  inet_listener imaps {
    port = ${site.tls ? ports.imaps : 0}
    ssl = yes
  }
}
${site.reuse ? 'service imap {\n  service_count = 200\n}\nservice doveadm {\n  service_count = 100\n}\n' : ''}# dovecot-lda, with which Postfix delivers, runs as the mail's uid.
protocol lda {
  log_path = ${directory}/dovecot-lda.log
  postmaster_address = postmaster@lab.test
}
service stats {
  unix_listener stats-writer {
    user = mail
  }
}
service auth {
  unix_listener auth-userdb {
    user = mail
    mode = 0600
  }
${site.postfixQueue ? saslListener(site.postfixQueue) : ''}}

# ---- what the product asks for
!include mandat/mandat.conf
${site.inherit ? '!include mandat/inherit.conf' : '# without inherit.conf'}
!include mandat/master-user.conf
!include mandat/sessions.conf
${site.keepDeleted ? '!include mandat/keep-deleted.conf' : '# without keep-deleted.conf'}

# ---- the lab's own ports
service doveadm {
  inet_listener http {
    port = ${ports.doveadm}
  }
}
${site.extra}
`;
}

function tls(files: TlsFiles | undefined): string {
  if (!files) return 'ssl = no';
  return `ssl = yes\nssl_cert = <${files.certificate}\nssl_key = <${files.key}`;
}

function saslListener(queue: string): string {
  return `  unix_listener ${queue}/private/auth {
    user = postfix
    group = postfix
    mode = 0660
  }
`;
}
