import type { TlsFiles } from './dovecot-syntax.ts';
import type { LabPorts } from './ports.ts';

/** Where Postfix gets the sender rules from: main.cf.fragment, or one of its alternatives. */
export type SenderMapKind = 'sqlite' | 'texthash' | 'socketmap' | PostgresMap;

/** pgsql.main.cf.fragment, with `hosts` and the password of the role `mandat_postfix` as config/postfix/mandat-pgsql.cf has them. */
export interface PostgresMap {
  readonly hosts: string;
  readonly password: string;
  readonly database: string;
}

export interface PostfixSite {
  /** Holds everything of this Postfix: conf/, queue/, data/, log. */
  readonly directory: string;
  readonly dovecotConf: string;
  /** Where mail that would leave the site is kept, as a maildir. */
  readonly outsideDirectory: string;
  readonly ports: LabPorts;
  readonly senderMap: SenderMapKind;
  /** Run the smtpd services chrooted in the queue directory, as Debian does. */
  readonly chroot: boolean;
  readonly tls: TlsFiles | undefined;
  readonly submissionOptions: readonly string[];
  /** Where mandat takes the copies for Sent folders; undefined: nowhere. */
  readonly copySocket: string | undefined;
  /** Where the submission filter listens; undefined without one. */
  readonly filterSocket: string | undefined;
  readonly extraMain: string;
  readonly extraMaster: string;
  readonly mail: { readonly uid: number; readonly gid: number };
}

/** The domain whose mail is delivered into the lab's Dovecot; the rest of the world is a directory. */
const DOMAIN = 'lab.test';

/** The site's own main.cf, then the product's fragment. */
export function mainCf(site: PostfixSite, fragment: string): string {
  const { directory, mail, tls } = site;
  return `# ---- the site, before mandat
compatibility_level = 3.6
queue_directory = ${directory}/queue
data_directory = ${directory}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = ${directory}/postfix.log
maillog_file_prefixes = ${directory}
syslog_name = postfix-lab
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mx.${DOMAIN}
mydestination =
# Nobody is trusted for being on loopback: in the lab everybody is, strangers too.
mynetworks =
recipient_delimiter = +
alias_maps =
smtputf8_enable = no
biff = no

# Mail for the lab goes into its Dovecot mailboxes. Nothing leaves: every other domain is delivered by virtual(8) into one
# maildir, where tests can read what would have been sent.
virtual_mailbox_domains = ${DOMAIN}
virtual_mailbox_base = ${site.outsideDirectory}
virtual_mailbox_maps = static:Maildir/
virtual_uid_maps = static:${mail.uid}
virtual_gid_maps = static:${mail.gid}
virtual_minimum_uid = 1
virtual_transport = lda
lda_destination_recipient_limit = 1
default_transport = virtual
relay_transport = virtual
smtp_dns_support_level = disabled

# An smtpd that cannot start because Dovecot is down is tried again after a minute by default.
service_throttle_time = 1s

smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_sasl_type = dovecot
smtpd_sasl_path = private/auth
smtpd_sasl_security_options = noanonymous
${tls ? `smtpd_tls_security_level = may\nsmtpd_tls_cert_file = ${tls.certificate}\nsmtpd_tls_key_file = ${tls.key}` : 'smtpd_tls_security_level = none'}
smtpd_tls_auth_only = no
smtpd_peername_lookup = no
smtpd_client_connection_count_limit = 0
# Tests are refused often, and would be slowed down from the tenth time and hung up at the twentieth.
smtpd_soft_error_limit = 1000
smtpd_hard_error_limit = 1000

# ---- what the product asks for
${fragment}
${site.extraMain}
`;
}

/** What the product asks for in master.cf, and where it stands. */
export interface MasterFragments {
  /** Below the service at which mail from outside arrives. */
  readonly atPort25: string;
  /** Below the submission service. */
  readonly submission: string;
  /** Services of their own. */
  readonly services: string;
}

/** The site's own master.cf; the product's fragment stands below its submission service. */
export function masterCf(site: PostfixSite, fragments: MasterFragments): string {
  const { atPort25, submission, services } = fragments;
  const { ports, chroot } = site;
  const jail = chroot ? 'y' : 'n';
  return `# service            type  private unpriv chroot wakeup maxproc command
127.0.0.1:${ports.smtp}      inet  n  -  ${jail}  -  -  smtpd
${atPort25}
127.0.0.1:${ports.submission}      inet  n  -  ${jail}  -  -  smtpd
  -o syslog_name=postfix-lab/submission
${submission}
${site.submissionOptions.map((option) => `  -o ${option}`).join('\n')}
${services}
${SERVICES}
lda       unix  -  n  n  -  -  pipe
  flags=DRhu user=mail:mail argv=/usr/lib/dovecot/dovecot-lda -c ${site.dovecotConf} -f \${sender} -a \${original_recipient} -d \${user}@\${nexthop}
${site.extraMaster}
`;
}

const SERVICES = `
pickup    unix  n  -  n  60    1  pickup
cleanup   unix  n  -  n  -     0  cleanup
qmgr      unix  n  -  n  300   1  qmgr
rewrite   unix  -  -  n  -     -  trivial-rewrite
bounce    unix  -  -  n  -     0  bounce
defer     unix  -  -  n  -     0  bounce
trace     unix  -  -  n  -     0  bounce
verify    unix  -  -  n  -     1  verify
flush     unix  n  -  n  1000? 0  flush
proxymap  unix  -  -  n  -     -  proxymap
proxywrite unix -  -  n  -     1  proxymap
showq     unix  n  -  n  -     -  showq
error     unix  -  -  n  -     -  error
retry     unix  -  -  n  -     -  error
discard   unix  -  -  n  -     -  discard
virtual   unix  -  n  n  -     -  virtual
anvil     unix  -  -  n  -     1  anvil
scache    unix  -  -  n  -     1  scache
tlsmgr    unix  -  -  n  1000? 1  tlsmgr
postlog   unix-dgram n - n -    1  postlogd
`;
