/** What the lab's dovecot.conf, and the product's fragments in it, say otherwise in 2.3 and in 2.4. */
import type { DovecotVersion } from './dovecot-version.ts';

export type Storage = 'maildir' | 'sdbox' | 'mdbox';

export interface TlsFiles {
  readonly certificate: string;
  readonly key: string;
}

export interface Accounts {
  /** The passwd-file. */
  readonly file: string;
  readonly mailDirectory: string;
  /** Lines inside the site's passdb and userdb. */
  readonly insidePassdb: string;
  readonly insideUserdb: string;
}

export interface DovecotSyntax {
  /** The first lines. */
  readonly head: string;
  readonly cleartextLogins: string;
  /** A passdb that knows nobody, and only says that a wrong password is answered at once. */
  readonly atOnce: string;
  tls(files: TlsFiles): string;
  accounts(accounts: Accounts): string;
  /** Of the site. Maildir is Maildir++, as most sites have it: it takes no dot in a folder's name. */
  mailLocation(storage: Storage): string;
  /** How many sessions a process serves, inside a service; `unlimited`: until it is told to end. */
  sessions(count: number | 'unlimited'): string;
  /** What a site has to change in mandat.conf, when it keeps mail so: the shared namespace's location. */
  sharedLocation(storage: Storage): Readonly<Record<string, string>>;
  /** What the shared namespace begins with, in mandat.conf and keep-deleted.conf. */
  sharedPrefix(prefix: string): { readonly namespace: Changed; readonly deleted: Changed };
}

type Changed = Readonly<Record<string, string>>;

const PLACES: Readonly<Record<Storage, string>> = { maildir: 'Maildir', sdbox: 'sdbox', mdbox: 'mdbox' };

const DOVECOT_23: DovecotSyntax = {
  head: '',
  cleartextLogins: 'disable_plaintext_auth = no',
  atOnce: `passdb {
  driver = static
  args = noauthenticate nodelay=yes
}`,
  tls: ({ certificate, key }) => `ssl = yes\nssl_cert = <${certificate}\nssl_key = <${key}`,
  accounts: ({ file, mailDirectory, insidePassdb, insideUserdb }) => `passdb {
  driver = passwd-file
  args = ${file}
${insidePassdb}}
userdb {
  driver = passwd-file
  args = ${file}
  default_fields = uid=mail gid=mail home=${mailDirectory}/%u
${insideUserdb}}`,
  mailLocation: (storage) => `mail_location = ${storage}:~/${PLACES[storage]}`,
  sessions: (count) => `service_count = ${count === 'unlimited' ? 0 : count}`,
  sharedLocation: (storage) => ({ 'maildir:%%h/Maildir': `${storage}:%%h/${PLACES[storage]}` }),
  sharedPrefix: (prefix) => ({
    namespace: { 'prefix = shared/': `prefix = ${prefix}` },
    deleted: { 'from = shared/': `from = ${prefix}` },
  }),
};

const DOVECOT_24: DovecotSyntax = {
  head: 'dovecot_config_version = 2.4.0\ndovecot_storage_version = 2.4.0',
  cleartextLogins: 'auth_allow_cleartext = yes',
  atOnce: `passdb at_once {
  driver = static
  fields {
    noauthenticate = yes
    nodelay = yes
  }
}`,
  tls: ({ certificate, key }) => `ssl = yes\nssl_server_cert_file = ${certificate}\nssl_server_key_file = ${key}`,
  accounts: ({ file, mailDirectory, insidePassdb, insideUserdb }) => `passdb users {
  driver = passwd-file
  passwd_file_path = ${file}
${insidePassdb}}
userdb users {
  driver = passwd-file
  passwd_file_path = ${file}
  fields {
    uid:default = mail
    gid:default = mail
    home:default = ${mailDirectory}/%{user}
  }
${insideUserdb}}`,
  mailLocation: (storage) => `mail_driver = ${storage}\nmail_path = ~/${PLACES[storage]}`,
  sessions: (count) => `restart_request_count = ${count}`,
  sharedLocation: (storage) => ({
    'mail_driver = maildir': `mail_driver = ${storage}`,
    '%{owner_home}/Maildir': `%{owner_home}/${PLACES[storage]}`,
  }),
  // keep-deleted.conf has no prefix here: the sieve script alone has it.
  sharedPrefix: (prefix) => ({ namespace: { 'prefix = shared/': `prefix = ${prefix}` }, deleted: {} }),
};

/** Lines for both, where a shared namespace's prefix says `%%u`, `%%n`, `%%d` for the owner, as in 2.3: 2.4 has `$user`, `$username`, `$domain` there. */
export function ownersInPrefix(lines: string): Readonly<Record<DovecotVersion, string>> {
  const called: Readonly<Record<string, string>> = { u: '$user', n: '$username', d: '$domain' };
  return { '2.3': lines, '2.4': lines.replace(/%%([und])/g, (_, letter: string) => called[letter] ?? '') };
}

export const SYNTAXES: Readonly<Record<DovecotVersion, DovecotSyntax>> = { '2.3': DOVECOT_23, '2.4': DOVECOT_24 };
