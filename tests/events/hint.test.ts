/** What of an event is a hint to look: who did it, and the folders that they named. */
import t from 'tap';
import { hintOf } from '../../bridge/events/hint.ts';
import type { ServerEvent } from '../../bridge/events/server-event.ts';

const event = (change: Partial<ServerEvent>): ServerEvent => ({
  kind: 'command',
  at: 0,
  user: 'alice',
  master: '',
  session: '',
  hostname: '',
  remoteIp: '',
  remotePort: 0,
  command: 'CREATE',
  args: undefined,
  argsCut: false,
  mailbox: undefined,
  oldMailbox: undefined,
  newMailbox: undefined,
  state: 'OK',
  reply: '',
  opened: '',
  bytesOut: 0,
  ...change,
});

const HINTS: readonly (readonly [string, Partial<ServerEvent>, readonly string[] | undefined])[] = [
  ['a folder that was made', { mailbox: 'A' }, ['A']],
  ['that went', { command: 'DELETE', mailbox: 'A' }, ['A']],
  ['that was renamed', { command: 'RENAME', oldMailbox: 'A', newMailbox: 'B' }, ['A', 'B']],
  ['an entry: a plain name', { command: 'SETACL', args: 'INBOX bob lr' }, ['INBOX']],
  ['quoted, with escapes', { command: 'DELETEACL', args: String.raw`"a \"b\" \\c" bob` }, ['a "b" \\c']],
  ['a literal', { command: 'SETACL', args: '{5}\r\na b c bob lr' }, ['a b c']],
  ['a literal that is not waited for', { command: 'SETACL', args: '{3+}\r\na b bob lr' }, ['a b']],
  ['a literal that the log leaves out', { command: 'SETACL', args: '<25 byte literal> bob lr' }, []],
  ['a name that does not end', { command: 'SETACL', args: '"abc' }, []],
  ['no arguments', { command: 'SETACL' }, []],
  ['a long one is cut and so is none', { command: 'SETACL', args: `"${'x'.repeat(3000)}" bob lr` }, []],
  ['what was refused', { mailbox: 'A', state: 'NO' }, undefined],
  ['what got no answer', { mailbox: 'A', state: '' }, undefined],
  ['what changes neither', { command: 'SELECT', mailbox: 'A' }, undefined],
  ['nor this', { command: 'SUBSCRIBE', mailbox: 'A' }, undefined],
  ['a login', { kind: 'login', command: 'LOGIN' }, undefined],
  ...['acl_set', 'acl_add', 'acl_remove', 'acl_delete', 'mailbox_create', 'mailbox_delete', 'mailbox_rename'].map(
    (command) => [`doveadm ${command}`, { kind: 'doveadm', command, state: '' }, []] as const,
  ),
  ['doveadm fetch', { kind: 'doveadm', command: 'fetch', state: '' }, undefined],
];

for (const [what, change, folders] of HINTS) {
  t.test(what, async (t) => {
    t.strictSame(hintOf(event(change)), folders === undefined ? undefined : { user: 'alice', folders });
  });
}
