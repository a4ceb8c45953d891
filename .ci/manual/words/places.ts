// Every file and directory of mandat's, for docs/reference/files-and-modes.md. tests/docs/files.test.ts compares what is marked as `seen` with
// what `mandat init`, the imports and a running sidecar really make.

export interface Place {
  /** From DATA (data_dir), RUN (runtime_dir), CONFIG (the directory of mandat.toml), or absolute. N is a number. */
  readonly path: string;
  readonly kind: 'directory' | 'file' | 'socket' | 'link';
  /** `mandat`: whoever runs the sidecar. */
  readonly owner: string;
  readonly group: string;
  /** As chmod takes it. */
  readonly mode: string;
  readonly holds: string;
  /** Who reads or writes it beside mandat. */
  readonly others: string;
  readonly backup: string;
}

const NO = 'no';
const MADE_ANEW = 'no: made anew by `mandat init`, `mandat sync` or the sidecar';
const JOURNAL = 'with the database: `mandat backup` takes what is in it along';
const NOBODY = 'nobody';

const journals = (database: Place): readonly Place[] =>
  ['-wal', '-shm'].map((end) => ({
    ...database,
    path: `${database.path}${end}`,
    holds: `beside ${database.path.slice(database.path.lastIndexOf('/') + 1)} while it is in use: ${end === '-wal' ? "SQLite's journal" : 'who reads how far'}`,
    backup: database.backup.startsWith('no') ? NO : JOURNAL,
  }));

const withJournals = (database: Place): readonly Place[] => [database, ...journals(database)];

const own = { owner: 'mandat', group: 'mandat', others: NOBODY } as const;

export const DATA: readonly Place[] = [
  {
    ...own,
    path: 'DATA',
    kind: 'directory',
    mode: '711',
    holds: 'the three directories below',
    others: 'pass through',
    backup: NO,
  },
  {
    ...own,
    path: 'DATA/table',
    kind: 'directory',
    mode: '2770',
    holds: 'the table, and nothing else. Where there is no group mandat: mode 700',
    others: 'programs of group mandat write',
    backup: NO,
  },
  ...withJournals({
    ...own,
    path: 'DATA/table/delegation.db',
    kind: 'file',
    mode: '660',
    holds: 'the table: mailboxes, delegates, delegations',
    others: 'programs of group mandat read and write',
    backup: '**yes**, by `mandat backup`: without it nobody knows who should have access',
  }),
  { ...own, path: 'DATA/private', kind: 'directory', mode: '700', holds: "what is mandat's alone", backup: NO },
  ...withJournals({
    ...own,
    path: 'DATA/private/state.db',
    kind: 'file',
    mode: '600',
    holds:
      "which entries on the servers are mandat's and what stood there before, the audit trail, contact addresses, notices",
    backup: '**yes**, by the same, of the same moment',
  }),
  {
    ...own,
    path: 'DATA/private/seal.key',
    kind: 'file',
    mode: '600',
    holds: 'the key of the audit trail',
    backup: '**yes**, by the same, or kept apart (`--without-key`): without it the trail cannot be proven',
  },
  {
    ...own,
    path: 'DATA/private/seal.head',
    kind: 'file',
    mode: '600',
    holds: 'where the trail ended when it was last looked at',
    backup: '**yes**, with the key',
  },
  ...withJournals({
    ...own,
    path: 'DATA/private/submission.db',
    kind: 'file',
    mode: '600',
    holds:
      'what was submitted in the last minutes, on its way into the trail, and which copies wait for Sent; no content, subject or recipient',
    backup: '**yes**, by the same: without it those minutes are missing',
  }),
  {
    ...own,
    path: 'DATA/private/sidecar.lock',
    kind: 'file',
    mode: '600',
    holds: 'an SQLite database that is held while a sidecar or a sync runs',
    backup: NO,
  },
  {
    ...own,
    path: 'DATA/private/sidecar.lock-journal',
    kind: 'file',
    mode: '600',
    holds: 'beside it, meanwhile',
    backup: NO,
  },
  {
    ...own,
    path: 'DATA/private/sidecar.lock.pid',
    kind: 'file',
    mode: '600',
    holds: 'the number of that process',
    backup: NO,
  },
  {
    ...own,
    path: 'DATA/private/directory-N.db',
    kind: 'file',
    mode: '640',
    holds: 'the national directory, as it was imported last',
    backup: 'or import it anew',
  },
  {
    ...own,
    path: 'DATA/private/correspondence-N.db',
    kind: 'file',
    mode: '640',
    holds: 'the published list of MSSanté mailboxes',
    backup: 'or import it anew',
  },
  {
    ...own,
    path: 'DATA/private/white-list.json',
    kind: 'file',
    mode: '640',
    holds: 'the white list of MSSanté domains',
    backup: 'or import it anew',
  },
  {
    ...own,
    group: 'postfix',
    path: 'DATA/sender',
    kind: 'directory',
    mode: '2770',
    holds: 'the sender rules; the group is `[sender_rules] group`',
    others: 'Postfix enters',
    backup: NO,
  },
  ...withJournals({
    ...own,
    group: 'postfix',
    path: 'DATA/sender/sender.db',
    kind: 'file',
    mode: '660',
    holds: 'who may send as whom',
    others: 'Postfix reads, by proxymap',
    backup: MADE_ANEW,
  }),
  {
    ...own,
    group: 'postfix',
    path: 'DATA/senders',
    kind: 'file',
    mode: '640',
    holds: 'the same as text, with `[sender_rules] kind = "file"`: `file_path`, `file_group`, `file_mode`',
    others: 'the SMTP server reads',
    backup: MADE_ANEW,
  },
];

export const RUNTIME: readonly Place[] = [
  {
    ...own,
    path: 'RUN',
    kind: 'directory',
    mode: '711',
    holds: 'the sockets. `/run/mandat` where `data_dir` is `/var/lib/mandat`, else `run/` in `data_dir`',
    others: 'pass through',
    backup: NO,
  },
  {
    ...own,
    group: 'postfix',
    path: 'RUN/filter.sock',
    kind: 'socket',
    mode: '660',
    holds: '`[submission] listen`: messages come here',
    others: 'Postfix connects',
    backup: NO,
  },
  {
    ...own,
    group: 'postfix',
    path: 'RUN/copy.sock',
    kind: 'socket',
    mode: '660',
    holds: '`[submission] copy_listen`: copies for Sent come here',
    others: 'Postfix connects',
    backup: NO,
  },
  {
    ...own,
    group: 'postfix',
    path: 'RUN/sender.sock',
    kind: 'socket',
    mode: '660',
    holds: '`[sender_rules] socketmap_path`: who may send as whom is asked here',
    others: 'Postfix connects',
    backup: NO,
  },
  {
    ...own,
    path: 'RUN/health.sock',
    kind: 'socket',
    mode: '660',
    holds: '`[health] listen`: how the sidecar is, for a monitoring system',
    others: 'group mandat asks',
    backup: NO,
  },
];

/** Where `[trace] enabled`; made with the first access that is kept. */
export const TRACE: readonly Place[] = [
  {
    ...own,
    path: 'DATA/private/trace',
    kind: 'directory',
    mode: '700',
    holds: 'the trace of access: `[trace] enabled`',
    backup: 'what lies in it',
  },
  ...withJournals({
    ...own,
    path: 'DATA/private/trace/YYYY-MM.db',
    kind: 'file',
    mode: '600',
    holds:
      'one month of it (`YYYY-MM-2.db` after a clock was set back): who did what in whose mailbox; no content, subject or recipient, nothing that was searched for',
    backup: '**yes**, by the same, unless `--without-trace`: what people did is written down nowhere else',
  }),
  {
    ...own,
    path: 'DATA/private/trace.head',
    kind: 'file',
    mode: '600',
    holds: 'where the trace ended when it was last looked at',
    backup: '**yes**, with the trace and the key',
  },
];

/** Where the table is in PostgreSQL; made when it is first written to. */
export const IN_POSTGRESQL: readonly Place[] = [
  {
    ...own,
    path: 'DATA/private/table.seen',
    kind: 'file',
    mode: '600',
    holds: 'how far the table in PostgreSQL had come when it was last seen, so that an older one is noticed',
    backup: 'no: as it is, it stays with the machine',
  },
];

/** Where `[shares]` is configured; made by `mandat shares serve`, or `import`. */
export const SHARES: readonly Place[] = [
  ...withJournals({
    ...own,
    path: 'DATA/private/shares.db',
    kind: 'file',
    mode: '600',
    holds: 'who shares with whom, for Dovecot; rights are in the ACLs alone',
    backup: 'no: `doveadm acl recalc -A` makes it anew from the ACLs',
  }),
  {
    ...own,
    group: "the mail's",
    path: '/run/mandat-shares/dict',
    kind: 'socket',
    mode: '660',
    holds: '`[shares] listen`: who shares with whom is asked here; opened by systemd (`mandat-shares.socket`)',
    others: 'Dovecot connects',
    backup: NO,
  },
];

/** Made by `mandat backup` and `mandat restore`. */
export const BACKUPS: readonly Place[] = [
  {
    ...own,
    path: '/var/backups/mandat',
    kind: 'directory',
    mode: '700',
    holds: 'backups, where you put them: each a directory of mode 700, its files 600',
    backup: 'taken elsewhere',
  },
  {
    ...own,
    path: 'DATA/private/before-restore-TIME',
    kind: 'directory',
    mode: '700',
    holds: 'what was there before `mandat restore` put a backup in its place: take it away when it is needed no more',
    backup: NO,
  },
  {
    ...own,
    path: 'DATA/private/restore.unfinished',
    kind: 'file',
    mode: '600',
    holds: 'a mark while a restore is at work; no sidecar starts as long as it is there',
    backup: NO,
  },
  {
    ...own,
    path: 'DATA/private/copying',
    kind: 'directory',
    mode: '700',
    holds: 'databases that `mandat database copy --to files` has not brought to their places yet',
    backup: NO,
  },
  {
    ...own,
    path: 'DATA/private/before-copy-TIME',
    kind: 'directory',
    mode: '700',
    holds:
      'the databases that had moved away before, when `mandat database copy --to files` came back: take it away when it is needed no more',
    backup: NO,
  },
];

/** While `mandat stand-in` waits: each socket that Postfix connects to is a link then. */
export const STANDING_IN: readonly Place[] = [
  {
    ...own,
    path: 'RUN/NAME.sock',
    kind: 'link',
    mode: '777',
    holds: 'leads to the socket below',
    others: 'Postfix connects',
    backup: NO,
  },
  {
    ...own,
    group: 'postfix',
    path: 'RUN/NAME.sock.wait',
    kind: 'socket',
    mode: '660',
    holds: 'where submissions wait',
    others: 'Postfix connects',
    backup: NO,
  },
];

const root = { owner: 'root', group: 'root', kind: 'file', mode: '644' } as const;

/** Written by `mandat setup`, or by hand as docs/by-hand.md says. */
export const SETTINGS: readonly Place[] = [
  {
    path: 'CONFIG',
    kind: 'directory',
    owner: 'root',
    group: 'mandat',
    mode: '750',
    holds: '`/etc/mandat`, or where `--config` says',
    others: NOBODY,
    backup: '**yes**, with owners and modes',
  },
  {
    path: 'CONFIG/mandat.toml',
    kind: 'file',
    owner: 'root',
    group: 'mandat',
    mode: '640',
    holds: 'the configuration; refused where others may write it',
    others: NOBODY,
    backup: '**yes**',
  },
  {
    path: 'CONFIG/imap.secret',
    kind: 'file',
    owner: 'mandat',
    group: 'mandat',
    mode: '600',
    holds: "the IMAP administrator's password: `[imap] admin_password_file`",
    others: NOBODY,
    backup: '**yes**, as a secret',
  },
  {
    path: 'CONFIG/doveadm.secret',
    kind: 'file',
    owner: 'mandat',
    group: 'mandat',
    mode: '600',
    holds: "the key of doveadm's HTTP API: `[sessions] api_key_file`",
    others: NOBODY,
    backup: '**yes**, as a secret',
  },
  {
    path: 'CONFIG/events.secret',
    kind: 'file',
    owner: 'mandat',
    group: 'mandat',
    mode: '600',
    holds: 'the password with which Dovecot posts its events: `[events] password_file`',
    others: NOBODY,
    backup: '**yes**, as a secret',
  },
  {
    path: 'CONFIG/database.secret',
    kind: 'file',
    owner: 'mandat',
    group: 'mandat',
    mode: '600',
    holds: "the password of mandat's role in PostgreSQL: `database_password_file`; made by hand",
    others: NOBODY,
    backup: '**yes**, as a secret',
  },
  {
    path: 'CONFIG/smtp.secret',
    kind: 'file',
    owner: 'mandat',
    group: 'mandat',
    mode: '600',
    holds: 'the password of `[notices] user`: `[notices] password_file`; made by hand',
    others: NOBODY,
    backup: '**yes**, as a secret',
  },
  {
    path: 'CONFIG/oidc.secret',
    kind: 'file',
    owner: 'mandat',
    group: 'mandat',
    mode: '600',
    holds: "the secret of the portal's client at the identity provider: `[portal] client_secret_file`; made by hand",
    others: NOBODY,
    backup: '**yes**, as a secret',
  },
  {
    path: 'CONFIG/NAME.key',
    kind: 'file',
    owner: 'mandat',
    group: 'mandat',
    mode: '600',
    holds: 'the key of a program that asks the HTTP API: `[portal.services.NAME] key_file`; made by hand',
    others: NOBODY,
    backup: '**yes**, as a secret',
  },
  {
    ...root,
    path: 'CONFIG/imap-ca.pem',
    holds: 'the certificate of a Dovecot that is its own authority: `[imap] ca_file`',
    others: NOBODY,
    backup: '**yes**',
  },
];

export const SERVERS: readonly Place[] = [
  {
    ...root,
    path: '/etc/systemd/system/mandat.service',
    holds: 'the unit of the sidecar',
    others: 'systemd',
    backup: 'or write it anew',
  },
  {
    ...root,
    path: '/etc/dovecot/mandat',
    kind: 'directory',
    mode: '755',
    holds: "mandat's fragments, which lines at the end of `dovecot.conf` include",
    others: 'Dovecot',
    backup: '**yes**',
  },
  {
    ...root,
    path: '/etc/dovecot/mandat/mandat.conf',
    holds: 'ACLs and the shared namespace',
    others: 'Dovecot',
    backup: '**yes**',
  },
  {
    ...root,
    path: '/etc/dovecot/mandat/master-user.conf',
    holds: 'the master user',
    others: 'Dovecot',
    backup: '**yes**',
  },
  {
    path: '/etc/dovecot/mandat/master.passwd',
    kind: 'file',
    owner: 'root',
    group: 'dovecot',
    mode: '640',
    holds: 'its password, hashed, and the addresses that it may come from',
    others: 'Dovecot',
    backup: '**yes**, as a secret',
  },
  {
    ...root,
    path: '/etc/dovecot/mandat/sessions.conf',
    holds: "doveadm's HTTP API, and what its key may do",
    others: 'Dovecot',
    backup: '**yes**',
  },
  {
    ...root,
    path: '/etc/dovecot/mandat/events.conf',
    holds: 'which events Dovecot sends',
    others: 'Dovecot',
    backup: '**yes**',
  },
  {
    path: '/etc/dovecot/mandat/events-url.conf',
    kind: 'file',
    owner: 'root',
    group: 'root',
    mode: '600',
    holds: 'where to, with the password',
    others: 'Dovecot',
    backup: '**yes**, as a secret',
  },
  {
    path: '/etc/dovecot/mandat/api-key.conf',
    kind: 'file',
    owner: 'root',
    group: 'root',
    mode: '600',
    holds: 'the key',
    others: 'Dovecot',
    backup: '**yes**, as a secret',
  },
  {
    ...root,
    path: '/etc/dovecot/mandat/separator.conf',
    holds: "the site's own namespace gets the separator of the shared one, where it had another",
    others: 'Dovecot',
    backup: '**yes**',
  },
  {
    ...root,
    path: '/etc/dovecot/mandat/inherit.conf',
    holds: "INBOX's entry holds for folders without one of their own, where that can be",
    others: 'Dovecot',
    backup: '**yes**',
  },
  {
    path: '/var/lib/dovecot/mandat',
    kind: 'directory',
    owner: "the mail's",
    group: "the mail's",
    mode: '750',
    holds: 'who shares with whom, kept by Dovecot: `shared-mailboxes.db`',
    others: 'Dovecot writes',
    backup: '**yes**: without it nothing is listed to delegates until an entry of each owner is set anew',
  },
  {
    ...root,
    path: '/etc/postfix/mandat.cf',
    holds: 'how Postfix reads the sender map',
    others: 'Postfix',
    backup: '**yes**',
  },
  {
    ...root,
    path: '/etc/postfix/identity.re',
    holds: 'everybody keeps their own address',
    others: 'Postfix',
    backup: '**yes**',
  },
  {
    ...root,
    path: 'FILE.before-mandat',
    owner: 'as FILE',
    group: 'as FILE',
    mode: 'as FILE',
    holds:
      'each file of Dovecot and Postfix that `mandat setup` changed, as it was before: `dovecot.conf`, `main.cf`, `master.cf`',
    others: NOBODY,
    backup: 'keep it for the way back',
  },
];
