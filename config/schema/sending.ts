/** Who may send as whom, and what a message may say about it. */
import * as z from 'zod';
import { fileHasReader, fileReadAnew, loginsAreRead } from '../cross.ts';
import { command, docs, oneOrSeveral, text, whole } from '../fields.ts';
import { filterAddress, hostName, loopbackAddress, path } from '../places.ts';
import { fileMode, folderNames, groupName, serverName, socketMode } from '../rules.ts';

const SENDER_KINDS = ['postfix-sqlite', 'postfix-pgsql', 'file', 'socketmap'] as const;
export type SenderKind = (typeof SENDER_KINDS)[number];

export const senderRules = z
  .strictObject({
    kind: oneOrSeveral<SenderKind>(SENDER_KINDS)
      .default('postfix-sqlite')
      .register(docs, {
        comment: `How the SMTP server gets them; one, or a list of several, which always say the same.
"postfix-sqlite": sender/sender.db in data_dir, read by Postfix through proxy:sqlite; works without us.
"postfix-pgsql": a view in the PostgreSQL of "database", for Postfix on any machine; while PostgreSQL is
away, it defers all submitted mail (config/postfix/mandat-pgsql.cf).
"file": a text file for OpenSMTPD, Exim, or Postfix where it has no SQLite (see file_format).
"socketmap": Postfix asks the running sidecar; while none runs, it defers all submitted mail.`,
      }),
    group: text(groupName)
      .default('postfix')
      .register(docs, {
        comment: `The Unix group that the SMTP server reads or asks them with. Its number, "102", where the server is in
another container, whose groups have no names here.`,
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
        comment: `For OpenSMTPD, which has no rule for "everybody their own address": a file whose lines begin with a login
each, as its table of credentials. These keep the address that is their login; nobody else may send.`,
        example: '/etc/mail/credentials',
        isPath: true,
      }),
    socketmap_path: text(path).default('sender.sock').register(docs, {
      comment: 'The Unix socket that Postfix asks at: a name in runtime_dir, or a path.',
      isSocket: true,
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
  copy_listen: text(filterAddress).default('copy.sock').register(docs, {
    comment:
      'Where Postfix brings the copies (LMTP): a socket or a port as above; config/postfix/copy.main.cf.fragment.',
    isSocket: true,
  }),
  copy_domain: text(hostName).default('mandat-copy.invalid').register(docs, {
    comment: "A domain that only this site's Postfix knows, and nobody can have: from there to copy_listen.",
  }),
  copy_delay_seconds: whole(0, 60)
    .default(5)
    .register(docs, {
      comment: `How long a copy waits for one that the mail client may save itself, after sending, and that ours replaces.
One that comes later is replaced as well, some minutes later.`,
    }),
  sent_folders: text(folderNames)
    .default('Sent, Envoyés, Éléments envoyés, Messages envoyés, Sent Items, Sent Messages')
    .register(docs, {
      comment: `How a folder for sent messages may be called where none has the special use \\Sent; the first that is
there, before other usual names. A delegate can't delete or rename such a folder. Separated by commas.`,
    }),
};

export const submission = z.strictObject({
  listen: text(filterAddress)
    .default('filter.sock')
    .register(docs, {
      comment: `Where Postfix hands messages over: a Unix socket (a name in runtime_dir, or a path), which only group
[sender_rules] group (postfix) may use, or a loopback address HOST:PORT, which every user of this machine
may use and is weaker for it.`,
      isSocket: true,
    }),
  reinject: text(loopbackAddress).default('127.0.0.1:10027').register(docs, {
    comment: 'Where Postfix takes them back. Guard this port: config/nftables/mandat.nft. A loopback address.',
  }),
  process: z
    .enum(['child', 'unit'])
    .default('child')
    .register(docs, {
      comment: `Who starts the filter, which is a process of its own: a message that keeps it busy keeps no revoke waiting.
"child": "mandat run" starts and watches it. "unit": another does, as config/systemd/mandat-filter.service.`,
    }),
  name: text(serverName)
    .optional()
    .register(docs, {
      comment: `With the table in PostgreSQL, where several filters work with it: what this one is called in "mandat status"
and in the metrics. The machine's name where none is given; no two may have the same.`,
      example: 'mail2',
    }),
  mode: z
    .enum(['on-behalf', 'send-as'])
    .default('on-behalf')
    .register(docs, {
      comment: `What the recipient sees of a message sent for an owner. "on-behalf": From is the owner, Sender the
delegate's own mailbox; "send-as": the owner alone. "mandat send-mode" says it of one delegation.`,
    }),
  on_mismatch: z
    .enum(['reject', 'rewrite'])
    .default('reject')
    .register(docs, {
      comment: `A From that the login may not use: refused, or replaced by the login's own address. What cannot be
read in one way only is refused in either case.`,
    }),
  on_imitation: z.enum(['reject', 'rewrite']).default('reject').register(docs, {
    comment: `A display name that shows an address of somebody else ("ceo@x" <bob@x>): refused, or taken out.`,
  }),
  sent_copy: z
    .enum(['owner', 'none'])
    .default('owner')
    .register(docs, {
      comment: `"owner": a message that was sent for an owner is stored in their Sent folder. The copy is what the
recipients got; a Bcc line, which Postfix takes out, is not in it.`,
    }),
  ...copyKeys,
  hide_login: z.boolean().default(true).register(docs, {
    comment: "true takes the sender's login out of the Received line that Postfix wrote.",
  }),
});
