/**
 * Checks that need two keys of a section. They run although other keys of the section are wrong, so that one reading
 * reports everything; a key of the wrong type is somebody else's mistake and passes here.
 */
import * as z from 'zod';
import { isLoopback } from './loopback.ts';
import type { Problem } from './rule.ts';
import { serverName } from './rules.ts';

type Values = Readonly<Record<string, unknown>>;

/** A check that reports at `key` what `judge` finds. */
const across = (key: string, judge: (section: Values) => Problem | undefined) =>
  z.superRefine<Values>(
    (section, context) => {
      const problem = judge(section);
      if (problem === undefined) return;
      const { message, remedy } = problem;
      context.addIssue({ code: 'custom', path: [key], message, params: { remedy } });
    },
    { when: ({ value }) => typeof value === 'object' && value !== null },
  );

export const notInClear = across('tls', ({ tls, host }) =>
  tls === 'none' && typeof host === 'string' && !isLoopback(host)
    ? {
        message: `"none" with host ${JSON.stringify(host)} would send passwords and addresses in clear over the network`,
        remedy: 'write "starttls" or "implicit", or use a loopback host (127.0.0.1, ::1, localhost)',
      }
    : undefined,
);

/** imapflow drops the authzid without a word when the login holds `/` or `\`: one would be logged in as the admin. */
export const adminUserSurvives = across('admin_user', ({ impersonate, admin_user }) =>
  impersonate === 'authzid' && typeof admin_user === 'string' && /[/\\]/.test(admin_user)
    ? {
        message: `${JSON.stringify(admin_user)} holds a slash, and such a login cannot carry an authorization identity`,
        remedy: 'use a login without / and \\, or impersonate = "suffix"',
      }
    : undefined,
);

export const retriesOrdered = across('retry_min_seconds', ({ retry_min_seconds: min, retry_max_seconds: max }) =>
  typeof min === 'number' && typeof max === 'number' && min > max
    ? { message: `${min} is more than retry_max_seconds (${max})`, remedy: 'give at most retry_max_seconds' }
    : undefined,
);

export const sessionsOrdered = across('session_max_minutes', ({ session_minutes: idle, session_max_minutes: most }) =>
  typeof idle === 'number' && typeof most === 'number' && idle > most
    ? { message: `${most} is less than session_minutes (${idle})`, remedy: 'give at least session_minutes' }
    : undefined,
);

export const eventsComeFromSomewhere = across('listen', ({ listen, log }) =>
  listen === 'off' && log === undefined
    ? { message: '"off", and no log is named: no events would come', remedy: 'name the log, or give a port' }
    : undefined,
);

/** The list is the same on all of them, so that it can be copied. */
export const clusterHasName = across('cluster', ({ name, cluster }) =>
  Array.isArray(cluster) && typeof name === 'string' && serverName(name).length === 0 && !cluster.includes(name)
    ? {
        message: `${JSON.stringify(name)}, which is this server, isn't among them`,
        remedy: 'write the names of all servers that share folders, this one too; the same list on each of them',
      }
    : undefined,
);

export const commandEnds = across('end_command', ({ kind, end_command }) =>
  kind === 'command' && end_command === undefined
    ? {
        message: 'kind is "command", and nothing says which',
        remedy: 'write end_command = ["/full/path/of/program", "argument", "{login}"]; for Cyrus see config/cyrus/',
      }
    : undefined,
);

export const accountsNeedNotices = across('accounts', ({ accounts, notices }) =>
  accounts !== undefined && notices === undefined
    ? {
        message: 'needs [notices]: the code that confirms a contact address is mailed',
        remedy: 'add a section [notices], or leave [accounts] out',
      }
    : undefined,
);

const traceIsOn = (trace: unknown) => typeof trace === 'object' && trace !== null && (trace as Values).enabled === true;

export const traceNeedsEvents = across('trace', ({ trace, events }) =>
  traceIsOn(trace) && events === undefined
    ? {
        message: "needs [events]: what is traced is what Dovecot's events tell",
        remedy: 'add a section [events], or write enabled = false in [trace]',
      }
    : undefined,
);

/** Where there is none, there is no view to ask. */
export const viewNeedsPostgres = across('sender_rules', ({ sender_rules: rules, database }) =>
  database === undefined && [(rules as Values | undefined)?.kind].flat().includes('postfix-pgsql')
    ? {
        message: 'kind has "postfix-pgsql", which is a view in PostgreSQL, and no "database" is named',
        remedy: 'name the database at the top of the file, or take "postfix-pgsql" out',
      }
    : undefined,
);

const publishesFile = (kind: unknown) => kind === 'file' || (Array.isArray(kind) && kind.includes('file'));

export const fileHasReader = across('file_format', ({ kind, file_format }) =>
  publishesFile(kind) && file_format === undefined
    ? { message: 'kind has "file", and nothing says who reads it', remedy: 'write "opensmtpd", "exim" or "texthash"' }
    : undefined,
);

/** What was revoked would go on for as long as the server runs. */
export const fileReadAnew = across('file_reload', ({ kind, file_format, file_reload }) => {
  if (!publishesFile(kind) || file_reload !== undefined) return undefined;
  const commands: Readonly<Record<string, string>> = {
    opensmtpd: '["/usr/sbin/smtpctl", "update", "table", "mandat"]',
    texthash: '["/usr/sbin/postfix", "reload"]',
  };
  const words = commands[String(file_format)];
  return words === undefined
    ? undefined
    : { message: `the reader of "${file_format}" reads its file once`, remedy: `write file_reload = ${words}` };
});

export const loginsAreRead = across('file_logins', ({ kind, file_format, file_logins }) =>
  publishesFile(kind) && file_logins !== undefined && ['exim', 'texthash'].includes(String(file_format))
    ? {
        message: `"${file_format}" needs no list of logins: its fragment lets everybody use their own address by a rule`,
        remedy: 'take it out',
      }
    : undefined,
);
