// What each check of `mandat doctor` looks at, for docs/reference/codes.md. By its name, as the doctor prints it.

export const CHECK_WORDS: Readonly<Record<string, string>> = {
  configuration: 'which file it is; one that others may change has been refused before',
  'IMAP password':
    'the secret of `[imap] admin_user`: there, of one line, closed to others, readable by whoever runs the sidecar',
  'doveadm key': 'the secret of `[sessions]`, in the same way',
  'SMTP password': 'the secret of `[notices] user`, in the same way',
  'data directory':
    '`data_dir` and the directories in it: there, and written by nobody who should not; Postfix can pass through',
  PostgreSQL:
    'where `database` is configured: it is reached, by TLS with a verified certificate unless it is on this machine; it is a primary, and not too old',
  'PostgreSQL roles': "the roles for other programs reach their views and nothing else; what is mandat's own, nobody",
  'delegation.db': 'the table opens, is of the version that this program knows, and its rules are the released ones',
  'state.db': "mandat's own state opens and is of the version that this program knows",
  'data files': 'owners, groups and modes are as `mandat init` made them',
  'seal key': 'the key of the audit trail is there',
  integrity: 'both databases are whole, as SQLite sees it',
  'audit trail': 'the last entries hold, and the trail ends no earlier than it did',
  'trace of access':
    "where `[trace]` is enabled: it can be written, its last proof found it whole, and Dovecot's configuration tells what it is made of",
  epoch: 'the table is the one last seen, not an older copy, and `state.db` belongs to it',
  clock: 'the clock is not behind the time that mandat has seen already',
  sidecar: 'one runs, with the configuration that the file has now',
  portal:
    "the people's own screens answer, the secret of `[portal] client_id` and the keys of its services can be read, and the identity provider says of itself what is configured",
  pause: 'the servers are written to: nobody has paused mandat',
  sweep: 'every mailbox has been looked at within two intervals of `[schedule] sweep_interval_minutes`',
  'IMAP server': 'something answers at `[imap] host` and `port` and greets as an IMAP server',
  TLS: 'STARTTLS or TLS as configured, and a certificate that is accepted and does not end soon',
  'admin login': '`[imap] admin_user` can log in as an owner, in the way that `[imap] impersonate` names',
  Dovecot: 'which Dovecot it is, and whether mandat was tried with its version',
  ACL: 'the server offers ACL (RFC 4314)',
  logins: 'the server knows a few people by the very logins that the table has',
  separator: "what stands between folders' names is in no owner's name",
  'kind of server': 'which server it is taken for: Dovecot, Cyrus or any other with ACLs',
  identity: "the session is proven to be the owner's, and not the administrator's own",
  'shared namespace': "there is a namespace for other users' folders, and it is listed",
  probe: 'with `--probe`: a folder and an entry can be made in the mailbox, and are taken away again',
  sharing: 'with `--probe-as`: what is shared is listed to the other account and opens; a cut ends its session',
  shares: 'with `[shares]`: `mandat shares serve` answers, and Dovecot asks there',
  inheritance: "INBOX's entry holds for folders that have none of their own",
  'ACL cache': 'for how long an open session goes on with a right that is gone',
  '\\Seen': 'what a delegate has read, the owner sees as read',
  subscriptions: "whose list a delegate's SUBSCRIBE writes: their own or the owner's",
  'deleted mail': "where mail goes that a delegate deletes: the owner's Trash, where the site has configured that",
  metadata: "the server offers no METADATA, by which a delegate could write annotations on the owner's folders",
  'session cutting': '`[sessions]` is configured, and how',
  who: 'the doveadm key may see who is connected',
  kick: 'the doveadm key may end sessions',
  cut: "a kick, as Dovecot is configured, ends a session with somebody's mailbox open in it",
  "doveadm key's reach": 'the key may do nothing beyond that, above all read no mail',
  'session commands':
    "`[sessions] end_command` and `list_command` may be run, are in nobody else's hands, and name nobody where nobody is connected",
  hibernation: "Dovecot's hibernation is off: with it a cut may end somebody else's session too",
  'events password':
    'the secret of `[events]`: there, of one line, closed to others, readable by whoever runs the sidecar',
  'taking of events': 'somebody listens at `[events] listen`, and knows the password',
  'sending of events':
    "Dovecot's configuration sends there, with that name and password, what changes folders and entries",
  'arrival of events':
    'a command that changes nothing (it deletes a folder that is not there) is told of to the sidecar within seconds',
  'events before a sidecar runs': 'the same while no sidecar runs: the doctor listens itself for a moment',
  'log of events':
    '`[events] log` is there, may be read by whoever runs the sidecar, and nobody but its owner may write to it; its directory may be listed',
  'session limit':
    'how many sessions of a login Dovecot takes from one address, and whether a webmail here can leave mandat none',
  'banned addresses':
    "whether fail2ban on this machine watches Dovecot's logins and would ban the address that mandat comes from",
  'sender rules': '`[sender_rules]` is configured, and how',
  'sender map': '`sender/sender.db`: its group and modes',
  'sender map WAL': 'the map is in WAL mode, so that lookups and changes never wait for each other',
  'sender table': 'the map is whole; how many rules it has',
  'read by Postfix': "Postfix's user can open the map",
  'sender file': 'the text file of the rules: there, as published, readable by the SMTP server, and can be replaced',
  'sender view':
    "where `[sender_rules] kind` has `postfix-pgsql`: what stands in PostgreSQL is what is published, and Postfix's role may read it",
  socketmap: 'the socket answers, and Postfix may ask',
  Postfix: 'which Postfix it is, that it reads the tables configured, and where users log in',
  'Postfix restriction': 'where users log in, an address that is not theirs is refused',
  'refused senders':
    'it is refused at MAIL FROM and asked again at each recipient, and nobody is refused before they could log in',
  'AUTH at port 25': 'nobody can log in where mail from outside comes in',
  'mail from outside': 'no sender rule concerns mail from outside',
  'Postfix maps':
    "mandat's map is among those that Postfix asks, beside one that lets everybody keep their own address",
  proxymap: "mandat's map is asked through a proxymap of its own",
  'Postfix lookups': 'what Postfix itself answers: the map is asked, and everybody keeps their own address',
  sockets: 'the directory of the sockets: only mandat writes there, Postfix passes through',
  'submission filter': 'it answers where `[submission] listen` says',
  'filter in Postfix':
    'every service where users log in hands its messages to the filter, and tells it who has logged in',
  're-injection port': 'Postfix takes messages back from mandat there, and from no other user of this machine',
  're-injection limits':
    'Postfix bounds neither sessions nor messages of one client at the re-injection port, where all mail comes from one address',
  'route of copies': "the domain of copies goes to mandat, and is nobody else's",
  'taking of copies': 'copies are taken, and Postfix may bring them',
  'copies in Sent':
    "no copy is missing in an owner's Sent: one that was given up, or that waits, as where the mailbox is on another mail server",
  'message from outside': 'with `--probe`: a message from outside arrives in the mailbox, and is taken away again',
  'message submitted': 'with `--probe-password-file`: the account can send, and not as somebody else',
  'master at submission': "the IMAP administrator's password opens nothing at the submission service",
  'master at ManageSieve': "the IMAP administrator's password opens nothing at ManageSieve",
  'notice server': 'the SMTP server of `[notices]` answers and takes the login; nothing is sent',
  'notice templates': 'every notice can be put together in both languages',
};
