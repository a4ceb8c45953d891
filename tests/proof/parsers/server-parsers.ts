/** Readers of what a mail server says: events, its log, names of folders, ids, what stands in its answers. */
import assert from 'node:assert/strict';
import { entryName, mayConcern } from '../../../acl/entry-name.ts';
import { asAnswered, canonical } from '../../../acl/rights.ts';
import { attainable, offerOf, written } from '../../../acl/tied-rights.ts';
import { hintOf } from '../../../bridge/events/hint.ts';
import { logLines } from '../../../bridge/events/log/log-lines.ts';
import { readServerEvent } from '../../../bridge/events/server-event.ts';
import { folderName, writtenName } from '../../../bridge/imap/folder-name.ts';
import { belowTheOwner, home, isForeign } from '../../../bridge/imap/namespaces.ts';
import { accessesOf } from '../../../bridge/trace/accesses-of-event.ts';
import { imapWords } from '../../../bridge/trace/imap-words.ts';
import { keptAnswer } from '../../../bridge/trace/kept-answer.ts';
import { messagesIn, packedSet, unpackedSet } from '../../../bridge/trace/message-set.ts';
import { SHIPPED_NAMING, whoseFolder } from '../../../bridge/trace/whose-folder.ts';
import { bounded, octets, type Parser, wellFormed } from './parser.ts';

const MAILBOX = { id: 1, address: 'alice@x.test', owner: null, login: 'alice@x.test' };
const PEOPLE = {
  mailboxOf: (login: string) => (login === 'alice@x.test' ? MAILBOX : undefined),
  identifierOf: () => null,
  delegationOf: () => 7,
};
const JUDGING = { people: PEOPLE, naming: SHIPPED_NAMING, masterOf: () => undefined, adminUser: 'bridge', looks: true };

function checkEvent(text: string): void {
  const event = readServerEvent(text);
  bounded(text, event, 7);
  if (typeof event === 'string') return;
  assert.ok(Number.isInteger(event.at) && !Number.isNaN(new Date(event.at).getTime()));
  assert.ok(event.user !== '' && event.user.length <= 1024 && (event.args ?? '').length <= 8192);
  const hint = hintOf(event);
  assert.ok(hint === undefined || hint.folders.length <= 2);
  for (const access of accessesOf(event, JUDGING as never)) {
    bounded(text, access, 7, 2000);
    for (const value of Object.values(access)) {
      if (typeof value === 'string') assert.doesNotMatch(value, /[\p{Surrogate}\0]/u, 'as a database gives it back');
    }
  }
}

/** Lines as they come; what is no event never becomes one by what stands around it. */
function checkLog(text: string): void {
  const lines = logLines();
  let events = 0;
  for (const line of text.split('\n')) {
    const event = lines.take(octets(line));
    if (event !== undefined) events++;
  }
  assert.ok(events <= text.split('"event"').length - 1, 'no event that nobody wrote');
  assert.ok(lines.malformed <= text.split('\n').length);
}

function checkFolder(text: string): void {
  const said = wellFormed(text);
  const name = folderName(said);
  assert.match(name, /^[ -~]*$/, 'ASCII');
  assert.equal(writtenName(name), said, 'comes back');
  bounded(text, writtenName(text), 8);
  const own = { personal: [{ prefix: 'INBOX.', delimiter: '.' }], foreign: [{ prefix: 'shared.', delimiter: '.' }] };
  isForeign(text, own);
  home(own);
  const names = belowTheOwner({ prefix: 'shared/', delimiter: '/' }, 'alice@x.test', own);
  const theirs = names.nameOf(text);
  // A folder of the owner's that is called INBOX below their INBOX has the name by which a delegate may also call the INBOX itself.
  if (theirs !== undefined && text !== 'INBOX' && text !== 'INBOX.INBOX')
    assert.equal(names.folderOf(theirs) ?? text, text, `${text} as ${theirs}`);
  for (const { logins } of whoseFolder(text, 'bob@x.test', SHIPPED_NAMING) ?? []) assert.ok(logins.length > 0);
}

function checkEntry(text: string): void {
  const name = entryName(text);
  assert.ok(text.endsWith(name.name));
  mayConcern(name, 'bob@x.test');
  const rights = asAnswered(text);
  assert.equal(canonical(rights), rights, 'canonical is canonical');
  assert.match(rights, /^[a-z0-9]*$/);
  const offer = offerOf(text.split(' '));
  assert.equal(attainable(attainable(rights, offer.ties), offer.ties), attainable(rights, offer.ties));
  written(rights, offer);
}

function checkArguments(text: string): void {
  bounded(text, imapWords(text, 5), 7);
  const { said, uids } = keptAnswer('OK', text);
  assert.ok((said ?? '').length < 200, 'our own sentences alone');
  bounded(text, uids, 4);
  const messages = messagesIn(text, 'uid');
  if (messages === null) return;
  assert.deepEqual(messagesIn(messages.set, 'uid')?.set, messages.set, 'in order already');
  assert.equal(unpackedSet(packedSet(messages.set)), messages.set, 'comes back');
  assert.ok(packedSet(messages.set).length <= 6 * messages.set.length);
}

const event = (fields: object, name = 'imap_command_finished') =>
  JSON.stringify({
    event: name,
    hostname: 'mx',
    end_time: '2026-11-29T03:03:09.223930Z',
    categories: ['imap'],
    fields,
  });
const SELECT = {
  user: 'bob@x.test',
  session: 's',
  remote_ip: '127.0.0.1',
  cmd_name: 'SELECT',
  cmd_args: 'x',
  mailbox: 'shared/alice@x.test',
  tagged_reply_state: 'OK',
  tagged_reply: 'OK [READ-WRITE] Select completed.',
  bytes_out: 12,
};
const EVENTS = [
  event(SELECT),
  event({ ...SELECT, cmd_name: 'SETACL', cmd_args: '"a b" bob lr', mailbox: undefined }),
  event({
    ...SELECT,
    cmd_name: 'UID COPY',
    cmd_args: '1:3,5 "shared/alice@x.test/Été"',
    tagged_reply: 'OK [COPYUID 1 1:3 4:6] done',
  }),
  event({ user: 'a', reason_code: ['doveadm:cmd_acl_set'] }, 'mail_user_session_finished'),
  event({ user: 'alice@x.test', service: 'imap', success: 'yes', master_user: 'm' }, 'auth_request_finished'),
];
const JSON_PIECES = [
  '{',
  '}',
  '[',
  ']',
  '"',
  ':',
  ',',
  '\\',
  '\\u0000',
  '\\ud800',
  'null',
  '-1',
  '1e999',
  '{"event":"',
  '"fields":{',
  '"user":"a"',
  '"__proto__":',
  '"toString"',
  '{"a":',
  '[[',
  '"}',
  '\n',
  '\u00ff',
];
const STATS = 'Nov 29 10:50:03 stats: Info: ';

export const SERVER_PARSERS: readonly Parser[] = [
  {
    name: 'server event',
    files: [
      'events/server-event',
      'events/hint',
      'trace/accesses-of-event',
      'trace/done-by-command',
      'trace/imap-words',
      'trace/kept-answer',
      'trace/message-set',
      'trace/whose-folder',
    ],
    samples: EVENTS,
    pieces: [
      ...JSON_PIECES,
      'SETACL',
      'UID FETCH',
      'RENAME',
      '(BODY[])',
      '{4}',
      '<4 byte literal>',
      '1:*',
      'shared/alice@x.test/',
      '&',
      '*',
    ],
    check: checkEvent,
    within: [
      ['', ''],
      [
        '{"event":"imap_command_finished","end_time":1,"fields":{"user":"a","cmd_name":"UID COPY","tagged_reply_state":"OK","cmd_args":"',
        '"}}',
      ],
    ],
  },
  {
    name: 'event log',
    octets: true,
    files: ['events/log/log-lines', 'events/server-event'],
    samples: [
      ...EVENTS,
      `${STATS}${EVENTS[0]}`,
      `${STATS}${EVENTS[0]?.slice(0, 90)}\n${STATS}${EVENTS[0]?.slice(90)}`,
      `x dovecot: stats(1): Info: ${EVENTS[1]}\nimap(bob): Info: x`,
    ],
    pieces: [
      STATS,
      `\n${STATS}`,
      '\n',
      'stats: ',
      'dovecot: ',
      'imap: ',
      ' ',
      'a ',
      'a:',
      ...JSON_PIECES,
      `\n${STATS}}`,
    ],
    check: checkLog,
    within: [
      ['', ''],
      [`${STATS}{"event":"`, ''],
    ],
  },
  {
    name: 'folder name',
    files: ['imap/folder-name', 'imap/namespaces', 'trace/whose-folder'],
    samples: ['INBOX.Sent', 'Envoy&AOk-s', 'Été & hiver', 'shared/alice@x.test/Été', '日本', '&ZeVnLA-'],
    pieces: [
      '&',
      '-',
      '&-',
      '&AOk-',
      '&AOk',
      ',',
      '/',
      '.',
      'a',
      'é',
      '日',
      '😀',
      '\ud800',
      'INBOX',
      'INBOX.',
      'shared/',
      '*',
      '"',
      '\u0000',
      '+',
    ],
    check: checkFolder,
  },
  {
    name: 'identifier and rights',
    files: ['acl/entry-name', 'acl/rights', 'acl/tied-rights'],
    samples: ['-#!$nurses', 'lrswipkxtecd', '#owner alice', 'l kx te cd', '"" l r s'],
    pieces: ['-', '#', '!', '$', '!$', 'anyone', 'l', 'r', 'c', 'd', 'kx', ' ', '\n', '0', 'é', '\u0000'],
    check: checkEntry,
  },
  {
    name: 'arguments and answers of a command',
    files: ['trace/imap-words', 'trace/kept-answer', 'trace/message-set'],
    samples: [
      '1:3,5,* (FLAGS BODY.PEEK[HEADER.FIELDS (TO)])',
      '"a \\" b" <25 byte literal> c',
      'OK [COPYUID 1 1:3 4:6] done',
      '4294967295:*',
    ],
    pieces: [
      '1',
      ':',
      ',',
      '*',
      '4294967296',
      '"',
      '\\',
      '(',
      ')',
      '[',
      ']',
      ' ',
      '<1 byte literal>',
      'OK ',
      '[COPYUID ',
      '1,',
      '0',
      '9',
      ': Permission denied',
      'é',
    ],
    check: checkArguments,
    within: [
      ['', ''],
      ['NO ', ''],
      ['OK [', ']'],
      ['(', ')'],
      ['"', '"'],
    ],
  },
];
