/** Readers of a message's header, which whoever can log in can write. */
import assert from 'node:assert/strict';
import { readAddresses } from '../../../acl/address-list.ts';
import { authorFields } from '../../../acl/author-fields.ts';
import { authorsOf } from '../../../acl/authors.ts';
import { addressesShown, holdsForbidden } from '../../../acl/display-name.ts';
import { decodeParts, encodeWords } from '../../../acl/encoded-words.ts';
import { readHeader } from '../../../acl/header-fields.ts';
import { isPlain, isPlainButFolded, latin1, plainList, signedNames } from '../../../acl/plain-form.ts';
import { origin } from '../../../acl/received-field.ts';
import { readHead } from '../../../bridge/submission/header-block.ts';
import { headerOf, messageIdIn, messageIdOf } from '../../../bridge/submission/message-id.ts';
import { bounded, octets, type Parser, places, wellFormed } from './parser.ts';

const latin = (text: string) => Buffer.from(text).toString('latin1');

const SPACES = [' ', '\t', '\r\n ', '\r\n\t', '\r', '\n', '\u0000', '\u00a0'];
const MARKS = ['<', '>', '"', '\\', '(', ')', ',', ';', ':', '@', '.', "'", '[', ']', '=', '?', '_', '-'];
const WORDS = [
  ...[
    '=?utf-8?q?a?=',
    '=?utf-8?b?YQ==?=',
    '=?utf-8?Q?=C3=A9?=',
    '=?iso-8859-1*fr?Q?=E9?=',
    '=?utf-7?Q?+AEA-?=',
    '=?',
    '?=',
  ],
  ...['=?utf-8?Q?=C3?=', '=?utf-8?Q?=A9?=', '=?cp850?q?a?=', '=?utf-8?q?=EF=B7=BA?=', '=?us-ascii?q?=22?='],
];
const LETTERS = [
  'a',
  'Bob',
  latin('é'),
  latin('診'),
  '\u00e9',
  latin('\ufdfa'),
  latin('\u0301'),
  latin('\u202e'),
  latin('😀'),
];
const ADDRESSES = ['a@b', 'bob@x.test', '<bob@x.test>', '"b o"@x.test', 'b@[127.0.0.1]', 'x:bob@x.test;'];
const PIECES = [...SPACES, ...MARKS, ...WORDS, ...LETTERS, ...ADDRESSES, '"" ', '"a" ', '()', '(()', '"a\r\n '];

function checkAddresses(value: string): void {
  for (const utf8 of [true, false]) {
    const list = readAddresses(value, utf8);
    bounded(value, list, 40);
    if (list.kind === 'ambiguous') {
      assert.ok(list.why.length > 0 && list.why.length < 200);
      continue;
    }
    for (const { address } of list.mailboxes) assert.match(address, /^[^\s@<>,;:"()]+@[^\s@<>,;:"()]+$/);
    const plain = plainList('from', list.mailboxes);
    if (!utf8) assert.match(plain, /^[\r\n -~]*$/, 'ASCII where the message does not say that it is UTF-8');
    const again = readAddresses(latin1(plain).replaceAll('\r\n', ''), utf8);
    assert.equal(again.kind, 'mailboxes', `${plain} is read again`);
    if (again.kind !== 'mailboxes') continue;
    const told = list.mailboxes.map(({ address }) => address);
    assert.deepEqual(
      again.mailboxes.map(({ address }) => address),
      told,
    );
    assert.equal(plainList('from', again.mailboxes), plain, 'the plain form of a plain form is the same');
  }
}

function checkHeader(block: string): void {
  const header = readHeader(block);
  bounded(block, header, 20);
  if (header.kind === 'unreadable') return;
  assert.equal(header.fields.map(({ raw }) => raw).join(''), block, 'nothing is lost');
  for (const { name, value } of header.fields) {
    assert.match(name, /^[!-9;-~]+$/);
    assert.equal(name, name.toLowerCase());
    assert.doesNotMatch(value, /[\r\n]/);
  }
  const authors = authorFields(header.fields);
  bounded(block, authors, 20);
  if (authors.kind === 'fields') {
    for (const field of authors.fields) {
      isPlain(field, 'a@b');
      isPlainButFolded(field, 'a@b');
    }
  }
  bounded(block, [...signedNames(header.fields)], 10);
  for (const utf8 of [true, false]) bounded(block, authorsOf({ fields: header.fields, utf8, mailFrom: '' }), 100, 3000);
}

function checkOrigin(raw: string): void {
  const read = origin({ name: 'received', value: '', raw });
  if (read.kind !== 'login') return;
  assert.match(read.login, /^[^\s()]+$/);
  assert.ok(raw.includes(`\t(Authenticated sender: ${read.login})\r\n`));
  assert.ok(!read.hidden.raw.split(/(?<=\r\n)/).some((line) => line === `\t(Authenticated sender: ${read.login})\r\n`));
  assert.notEqual(origin(read.hidden).kind, 'login', 'what is hidden stays hidden');
}

function checkWords(text: string): void {
  const parts = decodeParts(text);
  bounded(text, parts, 30);
  if (!text.includes('=?') && text !== '') assert.equal(parts?.map((part) => part.text).join(''), text);
  const said = wellFormed(text);
  const written = encodeWords(said);
  assert.match(written, /^[!-~ ]*$/);
  for (const word of written.split(' ')) assert.ok(word.length <= 75, `${word.length} in one word`);
  assert.equal(
    decodeParts(written)
      ?.map((part) => part.text)
      .join(''),
    said,
    'comes back',
  );
}

function checkName(name: string): void {
  const { addresses } = addressesShown(name);
  bounded(name, addresses, 60);
  for (const address of addresses) assert.match(address, /.*@[^@\s]+$/s);
  holdsForbidden(name);
}

async function checkHead(text: string): Promise<void> {
  const all = octets(text);
  const inParts = async (...chunks: readonly Buffer[]) => {
    const head = await readHead(chunks.filter(({ length }) => length > 0).values() as never);
    return head.kind === 'head' ? { block: head.block.toString('latin1'), rest: head.rest.toString('latin1') } : head;
  };
  const whole = await inParts(all);
  if ('block' in whole) assert.equal(whole.block + whole.rest, text);
  for (const at of places(all.length)) {
    const two = await inParts(all.subarray(0, at), all.subarray(at));
    if (!('block' in whole && 'block' in two)) assert.deepEqual(two, whole);
    else assert.equal(two.block, whole.block, `cut at ${at}`);
  }
}

function checkMessageId(value: string): void {
  const id = messageIdOf(value);
  if (id !== undefined) assert.equal(messageIdOf(`\r\n ${id}\t`), id);
  bounded('', messageIdIn(headerOf(octets(value))) ?? null, 1);
}

const RECEIVED =
  'Received: from c (unknown [127.0.0.1])\r\n\t(Authenticated sender: bob@x.test)\r\n\tby mx (Postfix) with ESMTPA\r\n\tfor <d@y.test>; Mon, 23 Nov 2026 08:00:00 +0000 (UTC)\r\n';
const FROM = 'From: =?utf-8?Q?Andr=C3=A9?= (Dr.) <bob@x.test>\r\nSender: "Bob" <bob@x.test>\r\n';
const LINES = [
  '\r\n',
  'a:\r\n',
  'From: ',
  'From :',
  'Sender:',
  'Resent-From: a@b\r\n',
  '>From: a@b\r\n',
  'Author: a@b\r\n',
  'DKIM-Signature: h=From:a;\r\n',
];

export const HEADER_PARSERS: readonly Parser[] = [
  {
    name: 'address list',
    octets: true,
    files: ['acl/address-list', 'acl/address-tokens', 'acl/name-form', 'acl/encoded-words', 'acl/plain-form'],
    samples: [
      'bob@x.test',
      '"Dr. Bob" <bob@x.test>, =?utf-8?Q?Andr=C3=A9?= (x) <a@x.test>',
      `${latin('Élodie')} <e@x.test>`,
    ],
    pieces: PIECES,
    check: checkAddresses,
    read: (text) => readAddresses(text, true),
    within: [
      ['', ''],
      ['"', '" <bob@x.test>'],
      ['bob@x.test (', ')'],
      ['', ' <bob@x.test>'],
    ],
  },
  {
    name: 'header fields',
    octets: true,
    files: ['acl/header-fields', 'acl/author-fields', 'acl/authors', 'acl/plain-form'],
    samples: [FROM, `DKIM-Signature: v=1; h=From:Sender; b=x\r\n${FROM}Subject: x\r\n y\r\n`, `${RECEIVED}${FROM}`],
    pieces: [...LINES, ...PIECES],
    check: checkHeader,
    within: [
      ['', ''],
      ['From: ', '\r\n'],
      ['From: <a@b>\r\nDKIM-Signature: ', '\r\n'],
    ],
  },
  {
    name: 'received',
    octets: true,
    files: ['acl/received-field'],
    samples: [
      RECEIVED,
      RECEIVED.replace('\r\n\tfor', ';\r\n\tfor'),
      RECEIVED.replace('\t(Authenticated sender: bob@x.test)\r\n', ''),
    ],
    pieces: [
      '\r\n',
      '\t',
      '\tby ',
      '\t(Authenticated sender: a)\r\n',
      'Received: from ',
      '; Mon',
      ' ',
      '(',
      ')',
      'a',
      ', 23 Nov 2026 08:00:00 +0000',
      '\u00e9',
    ],
    check: checkOrigin,
    within: [
      ['', ''],
      ['Received: from ', RECEIVED.slice(16)],
      [RECEIVED.slice(0, -2), '\r\n'],
    ],
  },
  {
    name: 'encoded words',
    files: ['acl/encoded-words'],
    samples: ['=?utf-8?Q?Andr=C3=A9?= =?utf-8?B?w6k=?= x', 'André 診療 😀', '=?utf-8?Q?=C3?= =?utf-8?Q?=A9?='],
    pieces: [...PIECES, 'é', '診', '😀', '\ufdfa', '\ud800'],
    check: checkWords,
    within: [
      ['', ''],
      ['=?utf-8?q?', '?='],
      ['=?utf-8?b?', '?='],
    ],
  },
  {
    name: 'display name',
    files: ['acl/display-name'],
    samples: ['Bob @ Acme', 'ceo@evil.test (Bob)', '"carol"@evil.test', "O'Brien carol\uff20evil.test"],
    pieces: [
      ...MARKS,
      ...SPACES,
      'a',
      'é',
      '\uff20',
      '\ufe6b',
      '\ufdfa',
      '\u0301',
      '\u200d',
      '\u202e',
      '\ud800',
      '«',
      '\u2018',
      'x.test',
      '@b.c',
    ],
    check: checkName,
  },
  {
    name: 'header block',
    octets: true,
    files: ['submission/header-block'],
    samples: [`${FROM}\r\nbody\r\n`, `${FROM}`, '\r\n\r\nbody'],
    pieces: ['\r\n', '\r', '\n', '\r\n\r\n', 'a: b', '.', '\u0000'],
    check: checkHead,
    read: (text) => readHead([octets(text)].values() as never),
    cost: 4,
  },
  {
    name: 'message id',
    octets: true,
    files: ['submission/message-id'],
    samples: ['<a@b>', 'Message-ID: <a@b>\r\n', 'x: y\r\nMessage-Id:\r\n <a@b>\r\n'],
    pieces: ['<', '>', 'a', '@', ' ', '\t', '\r\n ', '\n', 'Message-ID', ':', 'message-id: ', '\u00e9', '\r\n'],
    check: checkMessageId,
  },
];
