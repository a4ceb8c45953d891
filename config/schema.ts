/**
 * The configuration, declared once: names, defaults, checks and documentation.
 * `config/example.ts` prints it as the annotated mandat.toml, `config/parse.ts` checks a file against it,
 * and the `Config` type is inferred from it.
 */
import * as z from 'zod';
import type { Camelized } from './camel.ts';
import { accountsNeedNotices, traceNeedsEvents, viewNeedsPostgres } from './cross.ts';
import { databaseUrl } from './database-url.ts';
import { always, docs, text } from './fields.ts';
import { path } from './places.ts';
import { mailClient } from './schema/mail-client.ts';
import { notices } from './schema/notices.ts';
import { accounts, directory, grant, identity, policy } from './schema/people.ts';
import { portal } from './schema/portal.ts';
import { audit, guard, health, log, reconcile, schedule, subscriptions, trace } from './schema/running.ts';
import { senderRules, submission } from './schema/sending.ts';
import { events, imap, server, sessions, shares } from './schema/servers.ts';

export type { SenderKind } from './schema/sending.ts';

export const schema = z
  .strictObject({
    data_dir: text(path)
      .default('data')
      .register(docs, {
        comment: `Where mandat keeps its files: table/ (delegation.db, which group mandat may write), private/ (ours
alone), sender/ (which Postfix reads). A relative path starts from the directory of this file.`,
        isPath: true,
      }),
    runtime_dir: text(path)
      .optional()
      .register(docs, {
        comment: `Where the Unix sockets are, which Postfix connects to: only mandat may write there. If left out:
/run/mandat where data_dir is /var/lib/mandat, else run/ in data_dir.`,
        example: '/run/mandat',
        isPath: true,
      }),
    database: text(databaseUrl)
      .optional()
      .register(docs, {
        comment: `The PostgreSQL database that holds the delegation table and what is mandat's own, where they shall not be
files in data_dir: docs/postgresql.md. TLS is verified unless the host is this machine.`,
        example: 'postgres://mandat@db.example.org/mandat',
      }),
    database_password_file: text(path)
      .default('database.secret')
      .register(docs, {
        comment: `Holds the password of the role named in database on one line; mode 600. $MANDAT_DATABASE_PASSWORD
wins over it. Read only where PostgreSQL asks for one.`,
        isPath: true,
      }),
    database_ca_file: text(path).optional().register(docs, {
      comment: "PEM file of the certificate authorities of PostgreSQL's certificate, instead of the public ones.",
      example: 'database-ca.pem',
      isPath: true,
    }),
    identity: always(identity).register(docs, { comment: 'Who a delegate is.' }),
    directory: always(directory).register(docs, {
      comment: 'The national directory of health professionals, as "mandat directory import" takes it over.',
    }),
    policy: always(policy).register(docs, { comment: 'What a delegation means.' }),
    grant: always(grant).register(docs, { comment: 'What is asked of whoever grants.' }),
    server: always(server).register(docs, {
      comment: 'Which mail server this is, where several work on one table.',
    }),
    imap: always(imap).register(docs, { comment: 'The server that holds the mailboxes.' }),
    sessions: sessions.optional().register(docs, {
      comment: `Ending open IMAP sessions. Without this section a delegate who is connected when they are revoked
keeps reading until they disconnect.`,
    }),
    events: events.optional().register(docs, {
      comment: `Dovecot's events: it tells at once of a folder that is made or renamed and of an entry that is changed by
anybody, and that mailbox is looked at within a second (config/dovecot/*/events.conf). Without this section
the sweeps and looks below find it. Other servers have no events.`,
      off: true,
    }),
    shares: shares.optional().register(docs, {
      comment: `For thousands of delegations on one Dovecot: "mandat shares serve", a service of its own, keeps for
Dovecot who shares with whom, since with Dovecot's own file each delegation makes the next one slower
(docs/scale.md). Without this section Dovecot keeps it by itself.`,
      off: true,
    }),
    sender_rules: senderRules.optional().register(docs, {
      comment: `Who may send as whom, for the SMTP server. Without this section no sender rules are published:
the SMTP server learns nothing of delegations.`,
    }),
    submission: submission.optional().register(docs, {
      comment: `The submission filter: what the header of a message may say about who wrote it. Without this section
mandat listens to no mail, and From is what the client wrote.`,
      off: true,
    }),
    subscriptions: always(subscriptions).register(docs, { comment: "The delegates' lists of subscribed folders." }),
    reconcile: always(reconcile).register(docs, {
      comment: 'When what stands on the servers is not what mandat left there.',
    }),
    schedule: always(schedule).register(docs, { comment: 'When the servers are looked at.' }),
    guard: always(guard).register(docs, {
      comment: `Against a table emptied by accident. A revoke made by the command line, an end date or a suspension is
never held; other disappearances wait for "mandat sync --force" when both limits are passed in one go.`,
    }),
    accounts: accounts.optional().register(docs, {
      comment: `Accounts of delegates who have no mailbox of their own: such a delegate is pending until they have
activated their account: contact address confirmed, terms accepted. Without this section every delegate
is active at once. Needs [notices], which mails the code.`,
      off: true,
    }),
    notices: notices.optional().register(docs, {
      comment: `Mails that tell owners and delegates what has become of a delegation. Without this section nobody is told.`,
      off: true,
    }),
    mail_client: mailClient.optional().register(docs, {
      comment: `What people type into a mail client, told by the portal, with a profile for Apple's devices and for
Thunderbird. Without this section it says that the administrator knows.`,
      off: true,
    }),
    audit: always(audit).register(docs, { comment: 'Who did what, when, and what came of it.' }),
    trace: always(trace).register(docs, { comment: 'The trace of access: who did what in whose mailbox.' }),
    health: health.optional().register(docs, {
      comment: 'How the sidecar is, for a monitoring system. Without this section it answers nobody.',
      off: true,
    }),
    portal: portal.optional().register(docs, {
      comment: `The people's own screens, in a browser: owners manage their delegations, delegates their account; and the
HTTP API (docs/portal.md). Without this section there are none.`,
      off: true,
    }),
    log: always(log).register(docs, { comment: 'What the sidecar says about its work, as JSON lines.' }),
  })
  .check(accountsNeedNotices, traceNeedsEvents, viewNeedsPostgres);

/**
 * A checked configuration: camelCase names, frozen, every path absolute, no secret in it.
 * `sessions`, `events`, `shares`, `senderRules`, `submission`, `accounts`, `notices`, `mailClient`, `health` and `portal` are undefined when their section is absent.
 */
export type Config = Omit<Camelized<z.output<typeof schema>>, 'runtimeDir'> & {
  /** Absolute; where the file says nothing, what follows from data_dir. */
  readonly runtimeDir: string;
  /** Absolute path of the file it was read from. */
  readonly file: string;
};
