/** What an event hints at: that somebody's folders or entries may be other than they were. Nothing of it is believed; it's a reason to look. */
import type { ServerEvent } from './server-event.ts';

export interface Hint {
  /** Who did it, by their login; they or somebody whose folder they named. */
  readonly user: string;
  /** As they name them, two at most: none where the event names none. */
  readonly folders: readonly string[];
}

/** RFC 9051 section 6.3, RFC 4314 section 3. */
const CHANGES = new Set(['CREATE', 'DELETE', 'RENAME', 'SETACL', 'DELETEACL']);
/** `doveadm acl set ...`, `doveadm mailbox create ...`, by the names of their reasons. */
const CALLS = new Set([
  'acl_set',
  'acl_add',
  'acl_remove',
  'acl_delete',
  'mailbox_create',
  'mailbox_delete',
  'mailbox_rename',
]);

/** Undefined for what changes no folder and no entry, and for what the server refused. */
export function hintOf(event: ServerEvent): Hint | undefined {
  const { kind, command, user, state } = event;
  if (kind === 'doveadm') return CALLS.has(command) ? { user, folders: [] } : undefined;
  if (state !== 'OK' || !CHANGES.has(command)) return undefined;
  const named = [event.mailbox, event.oldMailbox, event.newMailbox].filter((one) => one !== undefined);
  return { user, folders: named.length > 0 ? named : firstArgument(event.args) };
}

/**
 * The folder of a SETACL or DELETEACL as it was written, quoted, as a literal or plainly. It stays in modified UTF-7: only an owner's login
 * is looked for in it. Empty where it can't be told.
 */
function firstArgument(args = ''): readonly string[] {
  const start = args.slice(0, LONGEST_NAME);
  const [, length = '', literal] = /^\{(\d{1,4})\+?\}\r?\n(.*)$/s.exec(start) ?? [];
  if (literal !== undefined) return [literal.slice(0, Number(length))];
  const [, quoted, plain] = /^(?:"((?:[^"\\]|\\.)*)"|([^\s"{<]+))(?:\s|$)/.exec(start) ?? [];
  const name = quoted === undefined ? plain : quoted.replace(/\\(.)/g, '$1');
  return name === undefined ? [] : [name];
}
const LONGEST_NAME = 2048;
