/**
 * What an IMAP command, or a call of doveadm's, did: the action, on which messages, and where to. An allow-list: a command that isn't named here
 * is `other`, and of its arguments nothing is read but names of folders, sequence sets, and which kind of data was asked for. RFC 9051. Pure.
 */
import type { ServerEvent } from '../events/server-event.ts';
import { writtenName } from '../imap/folder-name.ts';
import type { Action, Messages } from './access.ts';
import { type ImapWord, imapWords } from './imap-words.ts';
import { messagesIn } from './message-set.ts';

export interface Done {
  readonly action: Action;
  readonly verb: string;
  readonly messages: Messages | null;
  /** The folder that the arguments name as where to, as the user names it, in UTF-8. */
  readonly into: string | null;
  /** The folder that the arguments name as what it is about, where the event itself doesn't say it. */
  readonly about: string | null;
}

/** Commands that show and change nothing of a mailbox, whatever folder is open meanwhile. */
const NOTHING: ReadonlySet<string> = new Set(
  `CAPABILITY NOOP LOGOUT ID ENABLE NAMESPACE LOGIN AUTHENTICATE STARTTLS COMPRESS IDLE DONE CHECK LIST LSUB XLIST UNSELECT
   NOTIFY CANCELUPDATE GETQUOTA GETQUOTAROOT COMPARATOR LANGUAGE GENURLAUTH RESETKEY URLFETCH X-STATE`.split(/\s+/),
);

type Reading = (args: string, uid: boolean, hidden: Hidden) => Partial<Done> & Pick<Done, 'action'>;

/** What the arguments don't show: undefined where all of them are there, else what Dovecot says that it had to open. */
type Hidden = ServerEvent['opened'] | undefined;

const COMMANDS: Readonly<Record<string, Reading | undefined>> = Object.assign(Object.create(null), {
  SELECT: named('open'),
  EXAMINE: named('open'),
  FETCH: (args, uid, hidden) => ({ action: fetched(args, hidden), messages: firstSet(args, uid) }),
  STATUS: named('look'),
  GETACL: named('look'),
  MYRIGHTS: named('look'),
  LISTRIGHTS: named('look'),
  SEARCH: () => ({ action: 'search' }),
  SORT: () => ({ action: 'search' }),
  THREAD: () => ({ action: 'search' }),
  ESEARCH: () => ({ action: 'search' }),
  STORE: (args, uid) => ({ action: stored(args), messages: firstSet(args, uid) }),
  // CLOSE takes away what is marked, as EXPUNGE does, and says of neither what.
  CLOSE: () => ({ action: 'expunge' }),
  EXPUNGE: (args, uid) => ({ action: 'expunge', messages: uid ? firstSet(args, uid) : null }),
  APPEND: named('file'),
  REPLACE: (args, uid) => ({ action: 'file', messages: firstSet(args, uid), into: nameAt(args, 1) }),
  COPY: (args, uid) => ({ action: 'copy', messages: firstSet(args, uid), into: nameAt(args, 1) }),
  MOVE: (args, uid) => ({ action: 'move', messages: firstSet(args, uid), into: nameAt(args, 1) }),
  CREATE: named('folder-create'),
  DELETE: named('folder-delete'),
  RENAME: (args) => ({ action: 'folder-rename', about: nameAt(args, 0), into: nameAt(args, 1) }),
  SUBSCRIBE: named('subscribe'),
  UNSUBSCRIBE: named('unsubscribe'),
  SETACL: named('rights'),
  DELETEACL: named('rights'),
  GETMETADATA: () => ({ action: 'settings' }),
  SETMETADATA: () => ({ action: 'settings' }),
} satisfies Record<string, Reading>);

/** Undefined: nothing that concerns a mailbox. */
export function doneByCommand({
  command,
  args,
  argsCut,
  opened,
}: Pick<ServerEvent, 'command' | 'args' | 'argsCut' | 'opened'>): Done | undefined {
  if (NOTHING.has(command) || command === '') return undefined;
  const uid = command.startsWith('UID ');
  const reading = COMMANDS[uid ? command.slice(4) : command];
  if (reading === undefined || (uid && !OF_UIDS.has(command.slice(4))))
    return { ...NO_MORE, action: 'other', verb: '(other)' };
  return { ...NO_MORE, verb: command, ...reading(args ?? '', uid, argsCut || args === undefined ? opened : undefined) };
}

const NO_MORE = { messages: null, into: null, about: null };
const OF_UIDS: ReadonlySet<string> = new Set(
  'FETCH STORE COPY MOVE EXPUNGE SEARCH SORT THREAD ESEARCH REPLACE'.split(' '),
);

/** By Dovecot's names of its commands, `doveadm acl set` as acl_set. */
const DOVEADM: readonly (readonly [RegExp, Action])[] = [
  [/^acl_(?:set|add|remove|delete|recalc)$/, 'rights'],
  [/^acl_(?:get|rights|debug)$|^mailbox_(?:status|list|path)$/, 'look'],
  [/^mailbox_create$/, 'folder-create'],
  [/^mailbox_delete$/, 'folder-delete'],
  [/^mailbox_rename$/, 'folder-rename'],
  [/^mailbox_subscribe$/, 'subscribe'],
  [/^mailbox_unsubscribe$/, 'unsubscribe'],
  [/^mailbox_metadata_/, 'settings'],
  [/^flags_/, 'flag'],
  [/^fetch$/, 'read'],
  [/^search$/, 'search'],
  [/^expunge$/, 'expunge'],
  [/^(?:save|import)$/, 'file'],
  [/^copy$/, 'copy'],
  [/^move$/, 'move'],
];

export function doneByDoveadm(call: string): Done {
  const action = DOVEADM.find(([name]) => name.test(call))?.[1];
  return { ...NO_MORE, action: action ?? 'other', verb: action === undefined ? '(other)' : call };
}

function named(action: Action): Reading {
  return (args) => ({ action, about: nameAt(args, 0) });
}

/** As people read it. */
function nameAt(args: string, at: number): string | null {
  const word = imapWords(args, at + 1)[at];
  return word === undefined ? null : nameOf(word);
}

function nameOf(word: ImapWord): string | null {
  return word.kind === 'atom' || word.kind === 'quoted' ? writtenName(word.text) : null;
}

function firstSet(args: string, uid: boolean): Messages | null {
  const [word] = imapWords(args, 1);
  return word?.kind === 'atom' ? messagesIn(word.text, uid ? 'uid' : 'number') : null;
}

const CONTENT =
  /(?:BODY|BINARY)(?:\.PEEK)?\[(?!(?:\d+\.)*(?:HEADER|MIME))|(?<![\w.])RFC822(?:\.TEXT)?(?:\.PEEK)?(?![\w.])|PREVIEW|SNIPPET/;
const HEADERS =
  /ENVELOPE|\[(?:\d+\.)*(?:HEADER|MIME)|RFC822\.HEADER|(?<![\w.])(?:BODYSTRUCTURE|BODY|ALL|FULL)(?![\w.[])/;

/** Of arguments that go on unseen, what Dovecot had to open says it: a structure too makes it open a message, so that is asked only then. */
function fetched(args: string, hidden: Hidden): Action {
  const items = args.slice(args.indexOf(' ') + 1).toUpperCase();
  if (hidden === 'body' || CONTENT.test(items)) return 'read';
  return hidden === 'header' || HEADERS.test(items) ? 'headers' : 'look';
}

/** Keywords are not looked at: they may hold anything. */
function stored(args: string): Action {
  const [, sign, flags = ''] = /(?:^| )([+-]?)FLAGS(?:\.SILENT)? (.*)$/is.exec(args) ?? [];
  if (!/\\deleted(?![^\s()])/i.test(flags)) return 'flag';
  return sign === '-' ? 'unmark-deleted' : 'mark-deleted';
}
