/** What an event becomes in the trace: the action in the field's words, who, whose; and nothing that it has no place for. */
import { readFileSync } from 'node:fs';
import t from 'tap';
import { readServerEvent, type ServerEvent } from '../../bridge/events/server-event.ts';
import type { Access } from '../../bridge/trace/access.ts';
import { accessesOf } from '../../bridge/trace/accesses-of-event.ts';
import { JUDGING } from './people.ts';

const event = (more: Partial<ServerEvent>): ServerEvent => ({
  kind: 'command',
  at: Date.parse('2026-11-29T03:00:00.123Z'),
  user: 'bob@lab.test',
  master: '',
  session: 'dBfDiGFhYKF/AAAB',
  hostname: 'imap',
  remoteIp: '192.0.2.7',
  remotePort: 41312,
  command: 'SELECT',
  args: '',
  argsCut: false,
  mailbox: 'shared/alice@lab.test',
  oldMailbox: undefined,
  newMailbox: undefined,
  state: 'OK',
  reply: 'OK Completed.',
  opened: '',
  bytesOut: 1,
  ...more,
});
const of = (more: Partial<ServerEvent>) => accessesOf(event(more), JUDGING);
const one = (command: string, args: string, more: Partial<ServerEvent> = {}): Partial<Access> =>
  of({ command, args, ...more })[0] ?? {};

t.test('commands become actions', async (t) => {
  const rows: readonly (readonly [string, string, Partial<Access>])[] = [
    ['SELECT', 'shared/alice@lab.test', { action: 'open', folder: 'INBOX' }],
    ['UID FETCH', '1,3:5 (BODY.PEEK[])', { action: 'read', messages: { set: '1,3:5', by: 'uid', more: false } }],
    ['FETCH', '1 (RFC822)', { action: 'read', messages: { set: '1', by: 'number', more: false } }],
    ['UID FETCH', '1 (UID BODY.PEEK[1.2])', { action: 'read' }],
    ['UID FETCH', '1 (BODY.PEEK[TEXT]<0.100>)', { action: 'read' }],
    ['UID FETCH', '1 (BINARY.PEEK[2])', { action: 'read' }],
    ['UID FETCH', '1 (PREVIEW (LAZY))', { action: 'read' }],
    ['UID FETCH', '1:* (FLAGS BODY.PEEK[HEADER.FIELDS (FROM SUBJECT)])', { action: 'headers' }],
    ['UID FETCH', '1 (BODY[1.MIME] BODYSTRUCTURE)', { action: 'headers' }],
    ['FETCH', '1 ALL', { action: 'headers' }],
    ['UID FETCH', '1 (ENVELOPE RFC822.SIZE)', { action: 'headers' }],
    ['UID SEARCH', '', { action: 'search' }],
    ['SORT', '', { action: 'search' }],
    ['STORE', '1 +FLAGS (\\Seen $Dupont)', { action: 'flag' }],
    ['UID STORE', '2 +FLAGS.SILENT (\\Deleted)', { action: 'mark-deleted' }],
    ['UID STORE', '2 (UNCHANGEDSINCE 12) FLAGS (\\Seen \\deleted)', { action: 'mark-deleted' }],
    ['UID STORE', '2 -FLAGS \\Deleted', { action: 'unmark-deleted' }],
    ['UID STORE', '2 +FLAGS (\\DeletedOrNot)', { action: 'flag' }],
    ['UID EXPUNGE', '2', { action: 'expunge', messages: { set: '2', by: 'uid', more: false } }],
    ['CLOSE', '', { action: 'expunge', messages: null }],
    ['CREATE', 'shared/alice@lab.test/x', { action: 'folder-create' }],
    ['DELETE', 'shared/alice@lab.test/x', { action: 'folder-delete' }],
    ['SUBSCRIBE', 'shared/alice@lab.test/x', { action: 'subscribe' }],
    ['SETMETADATA', 'x', { action: 'settings' }],
    ['XYZZY Dupont', 'Dupont', { action: 'other', verb: '(other)' }],
  ];
  for (const [command, args, wanted] of rows) t.match(one(command, args), wanted, `${command} ${args}`);
  for (const command of ['NOOP', 'IDLE', 'LIST', 'LOGOUT', '']) t.same(of({ command }), [], command);
});

t.test('what shows no message is kept only where it was refused, or is asked for', async (t) => {
  const flags = event({ command: 'UID FETCH', args: '1:* (FLAGS)' });
  t.same(accessesOf(flags, JUDGING), []);
  t.match(accessesOf(flags, { ...JUDGING, looks: true }), [{ action: 'look' }]);
  t.match(accessesOf({ ...flags, state: 'NO', reply: 'NO [NOPERM] x' }, JUDGING), [
    { action: 'look', answer: 'NO', said: '[NOPERM]' },
  ]);
  t.match(
    one('UID FETCH', '1 (FLAGS', { argsCut: true, opened: 'body' }),
    { action: 'read' },
    'a padded line hides nothing',
  );
});

t.test('who, on whose mailbox', async (t) => {
  t.match(of({}), [
    {
      login: 'bob@lab.test',
      identifier: '899700245667',
      relation: 'delegate',
      delegation: 7,
      mailbox: 'alice@lab.test',
      owner: '89970000001',
    },
  ]);
  t.match(of({ user: 'alice@lab.test', mailbox: 'Déposé' }), [
    { relation: 'owner', folder: 'Déposé', delegation: null },
  ]);
  t.match(of({ mailbox: 'shared/carol@lab.test/A' }), [{ relation: 'other', mailbox: 'carol@lab.test', folder: 'A' }]);
  t.match(of({ session: 'theirs' }), [{ relation: 'master', via: 'webmail' }]);
  t.match(of({ session: 'ours', command: 'SETACL', mailbox: undefined, args: 'shared/alice@lab.test x lr' }), [
    { relation: 'mandat', action: 'rights', folder: 'INBOX' },
  ]);
  t.same(of({ session: 'ours', command: 'MYRIGHTS', state: 'NO' }), []);
  t.match(of({ kind: 'doveadm', user: 'alice@lab.test', command: 'acl_set', mailbox: undefined }), [
    { relation: 'admin', login: 'doveadm', action: 'rights' },
  ]);
  t.match(of({ kind: 'login', user: 'alice@lab.test', state: 'NO', mailbox: undefined }), [
    { action: 'login', answer: 'NO' },
  ]);
  t.same(of({ mailbox: 'INBOX' }), [], "a delegate's own mailbox isn't traced");
  t.same(of({ mailbox: 'shared/dave@lab.test' }), [], 'nor one that is not in the table');
  t.same(of({ mailbox: 'Clients/alice@lab.test/x' }), [], 'nor what is only called like somebody');
});

t.test('where to', async (t) => {
  const copied = { reply: 'OK [COPYUID 17 1,3 5:6] Copy completed.' };
  t.match(one('UID COPY', '1,3 shared/alice@lab.test/&AOk-t', copied), {
    action: 'copy',
    messages: { set: '1,3' },
    target: { mailbox: 'same', folder: 'ét', uidValidity: 17, set: '5:6' },
  });
  t.same(
    one('UID MOVE', '3 "Mr Dupont"').target,
    { mailbox: 'own', folder: null, uidValidity: null, set: null },
    'their own folders are nobody else’s business',
  );
  t.match(of({ command: 'UID COPY', args: '9 shared/alice@lab.test', mailbox: 'Mr Dupont', ...copied }), [
    {
      action: 'file',
      mailbox: 'alice@lab.test',
      folder: 'INBOX',
      messages: { set: '5:6' },
      uidValidity: 17,
      target: null,
    },
  ]);
  t.match(of({ command: 'UID MOVE', args: '9 shared/carol@lab.test/B' }), [
    { action: 'move', mailbox: 'alice@lab.test', target: { mailbox: { address: 'carol@lab.test' }, folder: 'B' } },
    { action: 'file', mailbox: 'carol@lab.test', folder: 'B' },
  ]);
  t.match(
    of({
      command: 'RENAME',
      mailbox: undefined,
      oldMailbox: 'shared/alice@lab.test/A',
      newMailbox: 'shared/alice@lab.test/B',
    }),
    [{ action: 'folder-rename', folder: 'A', target: { mailbox: 'same', folder: 'B' } }],
  );
  t.match(
    one('APPEND', 'shared/alice@lab.test/S <36 byte literal>', {
      mailbox: 'shared/alice@lab.test/S',
      reply: 'OK [APPENDUID 17 4] x',
    }),
    {
      action: 'file',
      messages: { set: '4', by: 'uid' },
      uidValidity: 17,
    },
  );
});

t.test('nothing that anybody wrote, searched for or is called comes in by another door', async (t) => {
  const secret = 'Dupont';
  const hostile: readonly Partial<ServerEvent>[] = [
    { command: 'UID SEARCH', args: `SUBJECT "${secret}"` },
    {
      command: 'UID SEARCH',
      args: `CHARSET UTF-8 TEXT ${secret}`,
      state: 'BAD',
      reply: `BAD Error in IMAP command UID SEARCH: ${secret}`,
    },
    { command: 'STORE', args: `1 +FLAGS (${secret} \\Deleted)` },
    { command: 'UID FETCH', args: `1 (BODY[HEADER.FIELDS (${secret})])` },
    { command: 'UID FETCH', args: `${secret} (BODY[])` },
    { command: 'APPEND', args: `shared/alice@lab.test (${secret}) "${secret}" <3 byte literal>` },
    {
      command: `X${secret}`,
      args: secret,
      reply: `BAD Error in IMAP command ${secret}: Unknown command.`,
      state: 'BAD',
    },
    { command: 'SELECT', reply: `NO [${secret}] ${secret}`, state: 'NO' },
    { command: 'SELECT', reply: `NO Mailbox doesn't exist: ${secret}`, state: 'NO' },
    { command: 'SELECT', state: secret, reply: secret },
    { command: 'UID COPY', args: `1 INBOX`, reply: `OK [COPYUID 1 ${secret} 2] x` },
    { command: 'UID MOVE', args: `1 "Patients/${secret}"` },
    { command: 'SETMETADATA', args: `shared/alice@lab.test (/private/comment "${secret}")` },
    { command: 'SETACL', args: `shared/alice@lab.test ${secret} lr`, mailbox: undefined },
    { remoteIp: secret, session: `${secret} ${secret}` },
    { kind: 'doveadm', command: `fetch ${secret}`, user: 'alice@lab.test' },
  ];
  for (const more of hostile) {
    const accesses = of(more);
    t.not(accesses.length, 0);
    t.notMatch(JSON.stringify(accesses), new RegExp(secret, 'i'), JSON.stringify(more));
  }
  t.match(one('SELECT', '', { state: 'NO', reply: "NO Mailbox doesn't exist: x" }), {
    answer: 'NO',
    said: "Mailbox doesn't exist",
  });
});

for (const version of ['2.3', '2.4']) {
  t.test(`events as Dovecot ${version} sent them`, async (t) => {
    const lines = readFileSync(new URL(`../events/dovecot-${version}.jsonl`, import.meta.url), 'utf8')
      .trim()
      .split('\n');
    const accesses = lines
      .map(readServerEvent)
      .flatMap((read) => (typeof read === 'string' ? [] : accessesOf(read, JUDGING)));
    t.match(
      accesses.find(({ action, relation }) => action === 'open' && relation === 'delegate'),
      { folder: 'INBOX', answer: 'OK' },
    );
    t.ok(
      accesses.some(({ action, answer }) => action === 'rights' && answer === 'NO'),
      'a refused SETACL',
    );
    t.match(
      accesses.find(({ action, relation }) => action === 'folder-rename' && relation === 'delegate'),
      { folder: 'Work/ByBob', target: { mailbox: 'same' } },
    );
    t.ok(accesses.every(({ mailbox }) => mailbox === 'alice@lab.test'));
  });
}
