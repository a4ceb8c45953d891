/**
 * One event of Dovecot's, as plain data: what its exporter sends by HTTP and writes to the log is the same JSON text, an object a
 * command or a doveadm call, and Dovecot 2.3 and 2.4 name some fields differently. What it says is a claim: whoever knows the
 * endpoint's password can say anything. So it's bounded in every field, and nothing of it is believed but that a look may be worth while.
 *
 * What people search for, log in with or write is not kept: the arguments of a command are, only where they are names, numbers and flags.
 *
 * Source: Dovecot's "Events" and "Event export" chapters, and events of 2.3.19 and 2.4.1 as they came (tests/events/).
 */

export interface ServerEvent {
  /**
   * `command`: an IMAP command has ended. `doveadm`: a doveadm call has ended that opened somebody's mailbox. `login`: somebody has
   * proven who they are to the IMAP server, or has not ({@link state} is `OK` or `NO`); it comes before the session's commands.
   */
  readonly kind: 'command' | 'doveadm' | 'login';
  /** When it ended, in ms since the epoch. */
  readonly at: number;
  /** Login that the session is opened for. Of a session that was opened through a master user: the owner. */
  readonly user: string;
  /** Of a login: the master user whose password opened the session, ours among them. '' where there is none. Commands don't tell it. */
  readonly master: string;
  /** Dovecot's name for the session, '' where it says none. */
  readonly session: string;
  readonly hostname: string;
  /** Where the client is, as Dovecot sees it: '' and 0 for what has no client. */
  readonly remoteIp: string;
  readonly remotePort: number;
  /** In capitals, `UID FETCH`. Of a doveadm call: what it was, as `acl_set`. '' where Dovecot could not read a command. */
  readonly command: string;
  /** As the client wrote them, a literal as `<25 byte literal>`; folder names in modified UTF-7. Undefined where they aren't kept. */
  readonly args: string | undefined;
  /** Whether {@link args} went on. */
  readonly argsCut: boolean;
  /** The folder that the command is about, or that is open, as `user` names it, in UTF-8. SETACL and DELETEACL have it in {@link args} alone. */
  readonly mailbox: string | undefined;
  /** Of a RENAME. */
  readonly oldMailbox: string | undefined;
  readonly newMailbox: string | undefined;
  /** How the server answered: `OK`, `NO`, `BAD`; '' where it did not. */
  readonly state: string;
  /** The answer, with its state: `NO [NOPERM] Permission denied`. */
  readonly reply: string;
  /** What a FETCH had to open, whatever stands in {@link args}: `body` for a message's text or a part of it, `header` for header lines alone. */
  readonly opened: 'body' | 'header' | '';
  /** Octets sent to the client during the command, its answer included. */
  readonly bytesOut: number;
}

/** Why a text is no event that we know. `other`: an event of another kind, which a site may send to the same exporter. */
export type UnusableEvent = 'too large' | 'not JSON' | 'not an event' | 'other';

/** In UTF-16 units. Dovecot sends about 800; a command's line may have 64 KiB, and stands in an event twice, each octet as up to six:
 * nobody hides what they do by saying more. */
export const LARGEST_EVENT = 1024 * 1024;

/** What is kept of each field, in UTF-16 units. */
const NAME_LENGTH = 1024;
const ARGS_LENGTH = 8192;
const REPLY_LENGTH = 1024;

/** What has more than names, sequence sets, flags and data items in its arguments is not among them: LOGIN, SEARCH, SETMETADATA, ID ... */
const ARGS_KEPT: ReadonlySet<string> = new Set(
  `SELECT EXAMINE CREATE DELETE RENAME SUBSCRIBE UNSUBSCRIBE SETACL DELETEACL GETACL LISTRIGHTS MYRIGHTS STATUS APPEND
   CLOSE EXPUNGE FETCH STORE COPY MOVE REPLACE UID-EXPUNGE UID-FETCH UID-STORE UID-COPY UID-MOVE UID-REPLACE`
    .split(/\s+/)
    .map((name) => name.replace('-', ' ')),
);

/** @param text one JSON object, without a line's end */
export function readServerEvent(text: string): ServerEvent | UnusableEvent {
  if (text.length > LARGEST_EVENT) return 'too large';
  const said = jsonObject(text);
  if (said === undefined) return 'not JSON';
  const { event, fields, hostname } = said;
  if (typeof event !== 'string' || !isObject(fields)) return 'not an event';
  const kind = KINDS[event];
  if (kind === undefined) return 'other';
  const at = instant(said.end_time);
  const user = fields.user;
  if (at === undefined || typeof user !== 'string' || user === '' || user.length > NAME_LENGTH) return 'not an event';
  const command = commandOf(kind, fields);
  if (command === undefined) return 'other';
  const args = ARGS_KEPT.has(command) && typeof fields.cmd_args === 'string' ? fields.cmd_args : undefined;
  return {
    kind,
    at,
    user,
    master: short(fields.master_user, NAME_LENGTH),
    session: short(fields.session, 128),
    hostname: short(hostname, 255),
    remoteIp: short(fields.remote_ip, 64),
    remotePort: count(fields.remote_port),
    command,
    args: args?.slice(0, ARGS_LENGTH),
    argsCut: args !== undefined && (args.length > ARGS_LENGTH || cutByDovecot(args)),
    mailbox: name(fields.mailbox),
    oldMailbox: name(fields.old_mailbox),
    newMailbox: name(fields.new_mailbox),
    state: kind === 'login' ? (fields.success === 'yes' ? 'OK' : 'NO') : short(fields.tagged_reply_state, 16),
    reply: short(fields.tagged_reply, REPLY_LENGTH),
    opened: openedParts(fields.reason_code),
    bytesOut: count(fields.net_out_bytes ?? fields.bytes_out), // 2.4, 2.3
  };
}

/** By Dovecot's names. */
const KINDS: Readonly<Record<string, ServerEvent['kind'] | undefined>> = Object.assign(Object.create(null), {
  imap_command_finished: 'command',
  auth_request_finished: 'login',
  mail_user_session_finished: 'doveadm', // what IMAP sessions end with too, without doveadm's reason
});

type Said = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Said {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function jsonObject(text: string): Said | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

/** `format_args = time-rfc3339` says `2026-11-29T03:03:09.223930Z`, `time-unix` seconds with a fraction. */
function instant(value: unknown): number | undefined {
  const ms = typeof value === 'string' ? Date.parse(value) : typeof value === 'number' ? value * 1000 : Number.NaN;
  return ms >= 0 && ms < 8.64e15 ? Math.floor(ms) : undefined;
}

function commandOf(kind: ServerEvent['kind'], fields: Said): string | undefined {
  if (kind === 'command') return short(fields.cmd_name, 64).toUpperCase();
  if (kind === 'doveadm') return calledCommand(fields.reason_code);
  // 2.3, 2.4. Of other services', such as SMTP's logins, nothing follows here.
  return fields.service === 'imap' || fields.protocol === 'imap' ? 'LOGIN' : undefined;
}

/** Dovecot keeps 1,000 octets of a value, then says so. */
function cutByDovecot(value: string): boolean {
  return value.endsWith('...') && Buffer.byteLength(value) >= 1000;
}

/** By what Dovecot did: a client may write what it wants in many ways, and more of it than is kept. */
function openedParts(reasons: unknown): ServerEvent['opened'] {
  const said: readonly unknown[] = Array.isArray(reasons) ? reasons.slice(0, 16) : [reasons];
  if (said.includes('imap:fetch_body')) return 'body';
  return said.includes('imap:fetch_header') || said.includes('imap:fetch_header_fields') ? 'header' : '';
}

/** `acl_set` of `["doveadm:cmd_acl_set"]`; undefined for what is no call of doveadm's. */
function calledCommand(reasons: unknown): string | undefined {
  const said: readonly unknown[] = Array.isArray(reasons) ? reasons.slice(0, 16) : [reasons];
  const reason = said.find((one) => typeof one === 'string' && one.startsWith(CALLED));
  return typeof reason === 'string' ? reason.slice(CALLED.length, CALLED.length + 64) : undefined;
}
const CALLED = 'doveadm:cmd_';

function short(value: unknown, length: number): string {
  return typeof value === 'string' ? value.slice(0, length) : '';
}

/** A name that is longer than any folder's is none: half a name would be another folder's. */
function name(value: unknown): string | undefined {
  return typeof value === 'string' && value.length <= NAME_LENGTH ? value : undefined;
}

function count(value: unknown): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : 0;
}
