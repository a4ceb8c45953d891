/**
 * The configuration, declared once: names, defaults, checks and documentation.
 * `config/example.ts` prints it as the annotated mandat.toml, `config/parse.ts` checks a file against it,
 * and the `Config` type is inferred from it.
 */
import { z } from 'zod';
import type { Camelized } from './camel.ts';
import {
  accountsNeedNotices,
  adminUserSurvives,
  fileHasReader,
  fileReadAnew,
  loginsAreRead,
  notInClear,
  retriesOrdered,
} from './cross.ts';
import { always, command, docs, oneOrSeveral, text, whole } from './fields.ts';
import {
  accountName,
  doveadmUrl,
  fileMode,
  filterAddress,
  folderNames,
  groupName,
  hostName,
  loopbackAddress,
  mailAddress,
  path,
  rights,
  separator,
  socketMode,
  timeZone,
  webUrl,
  word,
} from './rules.ts';

const identity = z.strictObject({
  scheme: z
    .enum(['rpps', 'login'])
    .default('rpps')
    .register(docs, {
      comment: `What identifies a delegate. "rpps": the national identifier of French health professionals, 12 digits
starting with 8; his login is given beside it. "login": his IMAP and SMTP login.`,
    }),
  strict: z
    .boolean()
    .default(false)
    .register(docs, {
      comment: `true refuses an RPPS number whose last digit isn't the key of the others; false warns, since official
examples have such numbers.`,
    }),
  allow_test_identities: z
    .boolean()
    .default(false)
    .register(docs, { comment: "true takes numbers of the national test kit (899...), which are nobody's." }),
  unknown_credential: z
    .enum(['valid', 'invalid'])
    .default('invalid')
    .register(docs, {
      comment: `What a delegate counts as whose credential's end nobody has told ("mandat delegate credential",
"mandat delegate sync"). "valid" for a site whose login service refuses lapsed credentials itself.`,
    }),
});

const directory = z.strictObject({
  max_shrink: whole(0, 100).default(5).register(docs, {
    comment: 'An extract that has lost more than so many percent of its lines is refused: it is rather cut than true.',
  }),
});

const policy = z.strictObject({
  max_delegates: whole(1, 1000).default(10).register(docs, {
    comment: 'How many delegates one mailbox may have at most.',
  }),
  rights: text(rights)
    .default('lrswipkxte')
    .register(docs, {
      comment: `What a delegate may do, as an RFC 4314 rights string:
l see the folder, r read, s mark as read, w other flags, i file mail into it, p post to it,
k make subfolders, x delete or rename it, t delete mail, e expunge. l and r are needed;
a (administer) is never given.`,
    }),
  eligible_domains: z
    .enum(['all', 'listed'])
    .default('all')
    .register(docs, {
      comment: `Which domains' mailboxes may be delegated where "mandat domain set" says nothing of the domain.
"listed": none, so that they can be opened one after the other.`,
    }),
  timezone: text(timeZone).default('Europe/Paris').register(docs, {
    comment: 'An IANA time zone. A bare date in the table means the end of that day here.',
  }),
});

const grant = z.strictObject({
  acknowledge: z
    .boolean()
    .default(true)
    .register(docs, {
      comment: `true: "mandat grant" shows the owner's responsibility for the access he opens, and needs --acknowledge
or a yes.`,
    }),
});

const imap = z
  .strictObject({
    host: text(hostName).default('127.0.0.1').register(docs, { comment: 'Name or address of the IMAP server.' }),
    port: whole(1, 65_535).default(143).register(docs, {
      comment: 'Usually 143 with "starttls", 993 with "implicit".',
    }),
    tls: z.enum(['starttls', 'implicit', 'none']).default('starttls').register(docs, {
      comment: '"none" only to a loopback address: the administrator\'s password would travel in clear.',
    }),
    ca_file: text(path).optional().register(docs, {
      comment: 'PEM file of certificate authorities to trust beside the public ones.',
      example: 'ca.pem',
      isPath: true,
    }),
    server_name: text(hostName).optional().register(docs, {
      comment: "The name to look for in the server's certificate, where host is an address.",
      example: 'imap.example.org',
    }),
    server: z.enum(['dovecot']).default('dovecot').register(docs, { comment: 'Which dialect the server speaks.' }),
    admin_user: text(accountName).default('bridge').register(docs, {
      comment: 'The master user that may log in as any owner.',
    }),
    admin_password_file: text(path).default('imap.secret').register(docs, {
      comment: 'Holds his password on one line; mode 600. $MANDAT_IMAP_ADMIN_PASSWORD wins over it.',
      isPath: true,
    }),
    impersonate: z
      .enum(['authzid', 'suffix'])
      .default('authzid')
      .register(docs, {
        comment: `How to log in as the owner. "authzid": SASL PLAIN with an authorization identity;
"suffix": the login is OWNER, master_separator, admin_user (Dovecot's auth_master_user_separator).`,
      }),
    master_separator: text(separator).default('*').register(docs, {
      comment: 'One character that no login holds; for impersonate = "suffix".',
    }),
    timeout_seconds: whole(1, 600).default(30).register(docs, {
      comment: 'A server that says nothing for so long counts as unreachable.',
    }),
    connections: whole(1, 64).default(4).register(docs, {
      comment: 'How many mailboxes are worked on at once: so many first phases, beside as many second ones.',
    }),
  })
  .check(notInClear, adminUserSurvives);

const sessions = z.strictObject({
  kind: z.enum(['doveadm-http']).default('doveadm-http').register(docs, { comment: 'How sessions are ended.' }),
  url: text(doveadmUrl).default('http://127.0.0.1:8080/doveadm/v1').register(docs, {
    comment: "Address of Dovecot's doveadm HTTP API; plain http only to a loopback address.",
  }),
  api_key_file: text(path).default('doveadm.secret').register(docs, {
    comment: 'Holds its doveadm_api_key on one line; mode 600. $MANDAT_DOVEADM_API_KEY wins over it.',
    isPath: true,
  }),
  on_grant: z
    .enum(['cut', 'leave'])
    .default('cut')
    .register(docs, {
      comment: `What happens to a delegate's open sessions when he is granted a mailbox. "cut": his clients
reconnect and see it at once; "leave": they may take minutes, or a restart, to see it.`,
    }),
});

const SENDER_KINDS = ['postfix-sqlite', 'file', 'socketmap'] as const;
export type SenderKind = (typeof SENDER_KINDS)[number];

const senderRules = z
  .strictObject({
    kind: oneOrSeveral<SenderKind>(SENDER_KINDS)
      .default('postfix-sqlite')
      .register(docs, {
        comment: `How the SMTP server gets them; one, or a list of several, which always say the same.
"postfix-sqlite": sender/sender.db in data_dir, read by Postfix through proxy:sqlite; works without us.
"file": a text file for OpenSMTPD, Exim, or Postfix where it has no SQLite (see file_format).
"socketmap": Postfix asks the running sidecar; while none runs, it defers all submitted mail.`,
      }),
    group: text(groupName).default('postfix').register(docs, {
      comment: 'The Unix group that the SMTP server reads or asks them with.',
    }),
    file_format: z.enum(['opensmtpd', 'exim', 'texthash']).optional().register(docs, {
      comment: `Who reads the file: config/opensmtpd/, config/exim/, config/postfix/texthash.cf.fragment. Needed for "file".`,
      example: 'exim',
    }),
    file_path: text(path).default('data/senders').register(docs, { comment: 'Where the file stands.', isPath: true }),
    file_group: text(groupName).optional().register(docs, {
      comment: 'The Unix group that reads it, where that is not the group above.',
      example: 'Debian-exim',
    }),
    file_mode: text(fileMode).default('0640').register(docs, { comment: 'Its mode.' }),
    file_reload: command()
      .optional()
      .register(docs, {
        comment: `What makes the server read the file anew, run after each change; a list, which no shell sees.
OpenSMTPD and texthash need one: they read the file once. A revoke is in force when it has succeeded.`,
        example: ['/usr/sbin/smtpctl', 'update', 'table', 'mandat'],
      }),
    file_logins: text(path)
      .optional()
      .register(docs, {
        comment: `For OpenSMTPD, which has no rule for "everybody his own address": a file whose lines begin with a login
each, as its table of credentials. These keep the address that is their login; nobody else may send.`,
        example: '/etc/mail/credentials',
        isPath: true,
      }),
    socketmap_path: text(path).default('data/sender.sock').register(docs, {
      comment: 'The Unix socket that Postfix asks at.',
      isPath: true,
    }),
    socketmap_mode: text(socketMode).default('0660').register(docs, { comment: 'Its mode.' }),
    socketmap_identity: z
      .boolean()
      .default(true)
      .register(docs, {
        comment: `true: every address also belongs to the login of that name, as config/postfix/identity.re says it beside
the other maps. false where logins are no addresses: then a table of yours must say whose they are.`,
      }),
  })
  .check(fileHasReader, fileReadAnew, loginsAreRead);

/** Of [submission]: the copy in the owner's Sent. */
const copyKeys = {
  copy_listen: text(filterAddress).default('data/copy.sock').register(docs, {
    comment:
      'Where Postfix brings the copies (LMTP): a socket or a port as above; config/postfix/copy.main.cf.fragment.',
  }),
  copy_domain: text(hostName).default('mandat-copy.invalid').register(docs, {
    comment: "A domain that only this site's Postfix knows, and nobody can have: from there to copy_listen.",
  }),
  copy_delay_seconds: whole(0, 60)
    .default(5)
    .register(docs, {
      comment: `How long a copy waits for one that the mail client may save itself: clients do so after sending, and there
shall be one. A client that takes longer leaves two.`,
    }),
  sent_folders: text(folderNames)
    .default('Sent, Envoyés, Éléments envoyés, Messages envoyés, Sent Items, Sent Messages')
    .register(docs, {
      comment: `How a folder for sent messages may be called where none has the special use \\Sent; the first that is
there. Separated by commas.`,
    }),
};

const submission = z.strictObject({
  listen: text(filterAddress)
    .default('data/filter.sock')
    .register(docs, {
      comment: `Where Postfix hands messages over: a Unix socket, which only group [sender_rules] group (postfix) may
use, or a loopback address HOST:PORT, which every user of this machine may use and is weaker for it.`,
    }),
  reinject: text(loopbackAddress).default('127.0.0.1:10027').register(docs, {
    comment: 'Where Postfix takes them back. Guard this port: config/nftables/mandat.nft. A loopback address.',
  }),
  mode: z
    .enum(['on-behalf', 'send-as'])
    .default('on-behalf')
    .register(docs, {
      comment: `What the recipient sees of a message sent for an owner. "on-behalf": From is the owner, Sender the
delegate's own mailbox; "send-as": the owner alone.`,
    }),
  on_mismatch: z
    .enum(['reject', 'rewrite'])
    .default('reject')
    .register(docs, {
      comment: `A From that the login may not use: refused, or replaced by the login's own address. What cannot be
read in one way only is refused in either case.`,
    }),
  on_imitation: z.enum(['reject', 'rewrite']).default('reject').register(docs, {
    comment: `A display name that shows another address ("ceo@x" <bob@x>): refused, or taken out.`,
  }),
  sent_copy: z
    .enum(['owner', 'none'])
    .default('owner')
    .register(docs, {
      comment: `"owner": a message that was sent for an owner is stored in his Sent folder. The copy is what the
recipients got; a Bcc line, which Postfix takes out, is not in it.`,
    }),
  ...copyKeys,
  hide_login: z.boolean().default(true).register(docs, {
    comment: "true takes the sender's login out of the Received line that Postfix wrote.",
  }),
});

const subscriptions = z.strictObject({
  auto_subscribe: z.boolean().default(true).register(docs, {
    comment: 'Thunderbird and Roundcube show subscribed folders only: without this most delegates see nothing.',
  }),
});

const schedule = z
  .strictObject({
    sweep_interval_minutes: whole(1, 10_080).default(60).register(docs, {
      comment: 'How often every mailbox is compared with the table, whether or not anything changed.',
    }),
    retry_min_seconds: whole(1, 3600).default(2).register(docs, {
      comment: 'After a failure a mailbox is tried again after so long, then twice as long each time, up to ...',
    }),
    retry_max_seconds: whole(1, 86_400).default(300).register(docs, { comment: '... so long.' }),
    poll_interval_ms: whole(50, 60_000).default(1000).register(docs, {
      comment:
        'Changes are noticed by a file watch. Its events can be lost, so the table is also looked at this often.',
    }),
  })
  .check(retriesOrdered);

const guard = z.strictObject({
  enabled: z.boolean().default(true).register(docs, { comment: 'false applies every disappearance at once.' }),
  max_pairs: whole(1, 1_000_000).default(20).register(docs, {
    comment: 'Held when more than so many mailbox and delegate pairs would go ...',
  }),
  max_percent: whole(1, 100).default(30).register(docs, { comment: '... and more than this share of all of them.' }),
});

const accounts = z.strictObject({
  terms_version: text(word)
    .default('1')
    .register(docs, { comment: 'Which version of the terms of use is to be accepted, as your document calls it.' }),
  terms_url: text(webUrl).optional().register(docs, {
    comment: 'Where the terms of use can be read.',
    example: 'https://mail.example.org/cgu',
  }),
  privacy_url: text(webUrl).optional().register(docs, {
    comment: 'Where the privacy notice can be read.',
    example: 'https://mail.example.org/confidentialite',
  }),
  terms_again: z.boolean().default(true).register(docs, {
    comment: 'true: a new version suspends every activated account until it is accepted again.',
  }),
  code_minutes: whole(1, 10_080).default(60).register(docs, {
    comment: 'How long a code that was mailed to confirm an address is worth something.',
  }),
  code_tries: whole(1, 20).default(5).register(docs, { comment: 'How often a code may be typed wrongly.' }),
});

const notices = z
  .strictObject({
    host: text(hostName).default('127.0.0.1').register(docs, { comment: 'The SMTP server that takes them.' }),
    port: whole(1, 65_535)
      .default(587)
      .register(docs, { comment: 'Usually 587 with "starttls", 465 with "implicit".' }),
    tls: z.enum(['starttls', 'implicit', 'none']).default('starttls').register(docs, {
      comment: '"none" only to a loopback address.',
    }),
    ca_file: text(path).optional().register(docs, {
      comment: 'PEM file of certificate authorities to trust beside the public ones.',
      example: 'ca.pem',
      isPath: true,
    }),
    user: text(accountName).optional().register(docs, {
      comment: 'The login to send with. Without it nobody logs in.',
      example: 'mandat',
    }),
    password_file: text(path).default('smtp.secret').register(docs, {
      comment:
        'Holds its password on one line; mode 600. $MANDAT_SMTP_PASSWORD wins over it. Read only where user is given.',
      isPath: true,
    }),
    from: text(mailAddress).default('mandat@localhost').register(docs, {
      comment: 'The address that notices come from.',
    }),
    language: z.enum(['fr', 'en']).default('fr').register(docs, {
      comment: 'The language of whoever has not chosen one.',
    }),
    others: z
      .enum(['short', 'full', 'none'])
      .default('short')
      .register(docs, {
        comment: `What the other delegates of a mailbox are told when one comes or goes: "short" (that the delegations
of this mailbox have changed), "full" (who), or nothing.`,
      }),
    ending_days: whole(0, 365).default(14).register(docs, {
      comment: 'How many days before an end, or the lapse of a credential, it is announced; 0: not at all.',
    }),
    help_url: text(webUrl).optional().register(docs, {
      comment: 'Where help is found; stands in every notice.',
      example: 'https://mail.example.org/aide',
    }),
    news_url: text(webUrl).optional().register(docs, {
      comment: 'Where news and incidents are published.',
      example: 'https://mail.example.org/actualites',
    }),
    templates: text(path)
      .optional()
      .register(docs, {
        comment: `A directory whose files replace those of the same name; "mandat notices templates DIR" writes out
those that come with mandat.`,
        example: 'templates',
        isPath: true,
      }),
  })
  .check(notInClear);

const audit = z.strictObject({
  retention_days: whole(0, 3650)
    .default(365)
    .register(docs, {
      comment: `How many days the audit trail is kept (CNIL advises 6 months to 1 year); 0: for ever. What is older is
pruned by the sidecar and leaves a sealed checkpoint, so that the rest can still be proven.`,
    }),
});

const log = z.strictObject({
  level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info').register(docs, {
    comment: 'The least serious message that is still written.',
  }),
});

export const schema = z
  .strictObject({
    data_dir: text(path)
      .default('data')
      .register(docs, {
        comment: `Where delegation.db, state.db and sender/sender.db live. A relative path, here and below,
starts from the directory of this file.`,
        isPath: true,
      }),
    identity: always(identity).register(docs, { comment: 'Who a delegate is.' }),
    directory: always(directory).register(docs, {
      comment: 'The national directory of health professionals, as "mandat directory import" takes it over.',
    }),
    policy: always(policy).register(docs, { comment: 'What a delegation means.' }),
    grant: always(grant).register(docs, { comment: 'What is asked of whoever grants.' }),
    imap: always(imap).register(docs, { comment: 'The server that holds the mailboxes.' }),
    sessions: sessions.optional().register(docs, {
      comment: `Ending open IMAP sessions. Without this section a delegate who is connected when he is revoked
keeps reading until he disconnects.`,
    }),
    sender_rules: senderRules.optional().register(docs, {
      comment: `Who may send as whom, for the SMTP server. Without this section no sender rules are published:
the SMTP server learns nothing of delegations.`,
    }),
    submission: submission.optional().register(docs, {
      comment: `The submission filter: what the header of a message may say about who wrote it. Without this section
mandat listens to no mail, and From is what the client wrote.`,
    }),
    subscriptions: always(subscriptions).register(docs, { comment: "The delegates' lists of subscribed folders." }),
    schedule: always(schedule).register(docs, { comment: 'When the servers are looked at.' }),
    guard: always(guard).register(docs, {
      comment: `Against a table emptied by accident. A revoke made by the command line, an end date or a suspension is
never held; other disappearances wait for "mandat sync --force" when both limits are passed in one go.`,
    }),
    accounts: accounts.optional().register(docs, {
      comment: `Accounts of delegates who have no mailbox of their own: such a delegate is pending until he has
activated his account: contact address confirmed, terms accepted. Without this section every delegate
is active at once. Needs [notices], which mails the code.`,
    }),
    notices: notices.optional().register(docs, {
      comment: `Mails that tell owners and delegates what has become of a delegation. Without this section nobody is told.`,
    }),
    audit: always(audit).register(docs, { comment: 'Who did what, when, and what came of it.' }),
    log: always(log).register(docs, { comment: 'What the sidecar says about its work, as JSON lines.' }),
  })
  .check(accountsNeedNotices);

/**
 * A checked configuration: camelCase names, frozen, every path absolute, no secret in it.
 * `sessions`, `senderRules`, `submission`, `accounts` and `notices` are undefined when their section is absent.
 */
export type Config = Camelized<z.output<typeof schema>> & {
  /** Absolute path of the file it was read from. */
  readonly file: string;
};
