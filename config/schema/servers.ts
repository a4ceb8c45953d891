/** The servers that mandat acts on. */
import * as z from 'zod';
import { adminUserSurvives, clusterHasName, commandEnds, eventsComeFromSomewhere, notInClear } from '../cross.ts';
import { docs, loginCommand, serverNames, text, whole } from '../fields.ts';
import { doveadmUrl, hostName, ipAddress, loopbackAddressOrOff, path } from '../places.ts';
import { accountName, groupName, separator, serverName } from '../rules.ts';

export const server = z
  .strictObject({
    name: text(serverName)
      .default('main')
      .register(docs, {
        comment: `What this mail server is called in the column "server" of the table. mandat works on the mailboxes that
carry this name, and leaves the others to the mandat of their own server: docs/several-servers.md.`,
      }),
    cluster: serverNames()
      .optional()
      .register(docs, {
        comment: `The mail servers that share folders with one another, this one among them; the same list on each of them.
Without it a delegate who has a mailbox on another server can't be given one of this server's.`,
        example: ['main', 'mx2'],
      }),
    takeover_seconds: whole(3, 600)
      .default(10)
      .register(docs, {
        comment: `With the table in PostgreSQL: of several sidecars with this name one works, the others stand by, and one of
them is at work within so many seconds when the first is gone. The first stops by itself when it can't ask
PostgreSQL for 0.4 of it: more lets it bear a database that is slow to answer.`,
      }),
  })
  .check(clusterHasName);

export const imap = z
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
    local_address: text(ipAddress)
      .optional()
      .register(docs, {
        comment: `An address of this machine that mandat connects from. Dovecot lets a login have ten sessions from one
address (mail_max_userip_connections): with one of its own, mandat shares them with no webmail on this
machine, and a fail2ban that bans the webmail's address doesn't ban mandat. With a server on this machine
127.0.0.2 will do; allow_nets of the master user must have it.`,
        example: '127.0.0.2',
      }),
    server: z
      .enum(['auto', 'dovecot', 'cyrus', 'rfc4314'])
      .default('auto')
      .register(docs, {
        comment: `Which server it is, since each has its own ways. "auto": told apart by what it says of itself, and
"mandat status" and "mandat doctor" say what it was taken for. "rfc4314" is any other with ACLs.`,
      }),
    allow_carrying_off: z
      .boolean()
      .default(false)
      .register(docs, {
        comment: `On Cyrus, and maybe on a server that mandat doesn't know ("rfc4314"), a delegate who has the right x can
rename a folder out of the owner's mailbox into their own, and owns it then. So nobody is given x there,
whatever [policy] rights says: delegates can neither delete nor rename folders; nor delete messages, where
the server gives that right only together with x (RFC 2086). true gives x all the same; either way each
look at a mailbox on Cyrus names folders carried off.`,
      }),
    admin_user: text(accountName).default('bridge').register(docs, {
      comment: 'The master user that may log in as any owner; on Cyrus an account among the proxyservers.',
    }),
    admin_password_file: text(path).default('imap.secret').register(docs, {
      comment: 'Holds their password on one line; mode 600. $MANDAT_IMAP_ADMIN_PASSWORD wins over it.',
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
    timeout_seconds: whole(1, 600)
      .default(30)
      .register(docs, {
        comment: `A server that says nothing for so long counts as unreachable. Where nothing is taken from anybody, the first
look into a mailbox and the list of its folders may take ten times as long, the list also where a revoke is
tried again: "mandat status" tells of it.`,
      }),
    connections: whole(1, 64).default(4).register(docs, {
      comment: 'How many mailboxes are worked on at once: so many first phases, beside as many second ones.',
    }),
  })
  .check(notInClear, adminUserSurvives);

export const sessions = z
  .strictObject({
    kind: z
      .enum(['doveadm-http', 'command'])
      .default('doveadm-http')
      .register(docs, {
        comment: `How sessions are ended. "doveadm-http": by Dovecot's doveadm HTTP API.
"command": by a program of yours, for servers that have no such thing (Cyrus: config/cyrus/).`,
      }),
    url: text(doveadmUrl).default('http://127.0.0.1:8080/doveadm/v1').register(docs, {
      comment: "Address of Dovecot's doveadm HTTP API; plain http only to a loopback address.",
    }),
    api_key_file: text(path).default('doveadm.secret').register(docs, {
      comment: 'Holds its doveadm_api_key on one line; mode 600. $MANDAT_DOVEADM_API_KEY wins over it.',
      isPath: true,
    }),
    end_command: loginCommand()
      .optional()
      .register(docs, {
        comment: `For "command": the program that ends all sessions of a login, and its arguments; a list, which no shell
sees. The login takes the place of the word "{login}", or comes last. Exit status 0: they were told to end.`,
        example: ['/usr/local/lib/mandat/mandat-ask-sessions', 'end', '{login}'],
      }),
    list_command: loginCommand()
      .optional()
      .register(docs, {
        comment: `Prints an id (such as the process) for each session that a login has open, one a line, and exits 0. Asked
before and after a cut, until none from before is left. Without it no cut is ever said to be proven.`,
        example: ['/usr/local/lib/mandat/mandat-ask-sessions', 'list', '{login}'],
      }),
    timeout_seconds: whole(1, 600).default(10).register(docs, {
      comment: 'How long either of them may take.',
    }),
    on_grant: z
      .enum(['cut', 'leave'])
      .default('cut')
      .register(docs, {
        comment: `What happens to a delegate's open sessions when they are granted a mailbox. "cut": their clients
reconnect and see it at once; "leave": they may take minutes, or a restart, to see it.`,
      }),
  })
  .check(commandEnds);

export const events = z
  .strictObject({
    listen: text(loopbackAddressOrOff)
      .default('127.0.0.1:8475')
      .register(docs, {
        comment: `Where Dovecot posts them, as http://mandat:PASSWORD@127.0.0.1:8475/events. A loopback address; "off" where
they are read from a log alone.`,
      }),
    password_file: text(path).default('events.secret').register(docs, {
      comment: 'Holds that password on one line; mode 600. $MANDAT_EVENTS_PASSWORD wins over it.',
      isPath: true,
    }),
    log: text(path)
      .optional()
      .register(docs, {
        comment: `A log to which Dovecot writes them, to be read as well: what was written while mandat was down is read when
it runs again (config/dovecot/*/events-log.conf). Each event has to come one way only, or it stands in the
trace twice.`,
        isPath: true,
        example: '/var/log/dovecot-events.log',
      }),
  })
  .check(eventsComeFromSomewhere);

export const shares = z.strictObject({
  listen: text(path)
    .default('/run/mandat-shares/dict')
    .register(docs, {
      comment: `The Unix socket that Dovecot's processes connect to, as config/dovecot/*/shares.conf names it; a path,
or a name in runtime_dir. Where systemd opens it (config/systemd/mandat-shares.socket), its unit says where,
and must say the same.`,
      isSocket: true,
    }),
  group: text(groupName)
    .default('vmail')
    .register(docs, {
      comment: `The Unix group that may connect: that of the mail's user, and nobody else. Where systemd opens the
socket, its unit says it.`,
    }),
});
