import { type Storage, SYNTAXES, type TlsFiles } from './dovecot-syntax.ts';
import type { DovecotVersion } from './dovecot-version.ts';
import type { LabPorts } from './ports.ts';

export interface DovecotSite {
  /** In whose syntax it is written. */
  readonly version: DovecotVersion;
  /** Holds everything of this Dovecot: run/, state/, mandat/ (the product's fragments), users, log. */
  readonly directory: string;
  readonly mailDirectory: string;
  readonly ports: LabPorts;
  readonly inherit: boolean;
  readonly storage: Storage;
  readonly reuse: boolean;
  /** What the shared namespace begins with; the product says `shared/`. */
  readonly sharedPrefix: string;
  readonly keepDeleted: boolean;
  /** The socket of who keeps the list of shares; undefined: Dovecot itself, in shared/. */
  readonly shares: string | undefined;
  /** Postfix's queue directory, where its smtpd finds the SASL socket; chrooted or not. */
  readonly postfixQueue: string | undefined;
  readonly tls: TlsFiles | undefined;
  /** Lines inside the site's passdb and userdb, and at the end. */
  readonly insidePassdb: string;
  readonly insideUserdb: string;
  readonly extra: string;
}

/** The site's own dovecot.conf, as it was before mandat came, then the product's fragments, then what must differ here. */
export function dovecotConf(site: DovecotSite): string {
  const { directory, mailDirectory, ports, insidePassdb, insideUserdb, reuse } = site;
  const syntax = SYNTAXES[site.version];
  return `# ---- the site, before mandat
${syntax.head}
base_dir = ${directory}/run
state_dir = ${directory}/state
log_path = ${directory}/dovecot.log
auth_verbose = yes
protocols = imap
listen = 127.0.0.1
${site.tls ? syntax.tls(site.tls) : 'ssl = no'}
${syntax.cleartextLogins}
auth_mechanisms = plain login

# A wrong password is answered at once: by default it costs two seconds, then more for each one from the same address.
auth_failure_delay = 0
service anvil {
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
${syntax.atOnce}
${syntax.accounts({ file: `${directory}/users`, mailDirectory, insidePassdb, insideUserdb })}
first_valid_uid = 1
${syntax.mailLocation(site.storage)}

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
  ${syntax.sessions(reuse ? 'unlimited' : 1)}
  inet_listener imap {
    port = ${ports.imap}
  }
  inet_listener imaps {
    port = ${site.tls ? ports.imaps : 0}
    ssl = yes
  }
}
${reuse ? `service imap {\n  ${syntax.sessions(200)}\n}\nservice doveadm {\n  ${syntax.sessions(100)}\n}\n` : ''}# dovecot-lda, with which Postfix delivers, runs as the mail's uid.
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
${site.shares === undefined ? '# without shares.conf' : '!include mandat/shares.conf'}
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

function saslListener(queue: string): string {
  return `  unix_listener ${queue}/private/auth {
    user = postfix
    group = postfix
    mode = 0660
  }
`;
}
