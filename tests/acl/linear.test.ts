/**
 * Whoever can log in can write a header, and the thread that reads it revokes too: four times as long may take eight times as long,
 * where a quadratic reading takes sixteen. And what is longer than its bounds is refused before it is read.
 */
import t, { type Test } from 'tap';
import { readAddresses } from '../../acl/address-list.ts';
import { authorFields, LONGEST_FIELD, LONGEST_TOGETHER, MOST_FIELDS } from '../../acl/author-fields.ts';
import { addressesShown, holdsForbidden } from '../../acl/display-name.ts';
import { readHeader } from '../../acl/header-fields.ts';
import { origin } from '../../acl/received-field.ts';
import { judge } from '../../bridge/submission/judge.ts';

const OWN = { kind: 'own' } as const;
const RIGHTS = { self: 'bob@x.test', standing: () => OWN };
const RULES = { mode: 'on-behalf', onMismatch: 'reject', onImitation: 'reject', hideLogin: true } as const;

const PIECES = [
  ...[
    'a',
    'é',
    '"',
    '"" ',
    '"a" ',
    '\\',
    '"\\',
    '(',
    '()',
    '(()',
    '<',
    '<>',
    '>',
    '@',
    'a@',
    'a@b ',
    'a@b,',
    '<a@b>,',
    '. ',
    '.',
  ],
  ...[
    '=?utf-8?q?a?= ',
    '=?utf-8?b?YQ==?= ',
    '=?',
    '?=',
    '=?a?q?',
    '=?cp850?q?a?= ',
    '\r\n ',
    '\r\n\t"',
    ' ',
    '\t',
    ';',
    ':',
    "'",
    '[',
    ', ',
  ],
  ...['"a\r\n ', '\u00c3\u00a9', '\ufdfa', '\u0301', '=?utf-8?q?=EF=B7=BA?='],
];

/** The shorter of two, in milliseconds of this process. */
function took(work: () => void): number {
  const runs = [0, 1].map(() => {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  return Math.min(...runs);
}

/** Long enough to be measured, and to show a square. */
const SHORT = 5000;

function linear(t: Test, name: string, pieces: readonly string[], read: (text: string) => unknown) {
  for (const piece of pieces) {
    const long = (length: number) => piece.repeat(Math.ceil(length / piece.length));
    read(long(SHORT)); // compiled
    const short = took(() => read(long(SHORT)));
    const four = took(() => read(long(4 * SHORT)));
    t.ok(four < 8 * short + 30, `${name} of ${JSON.stringify(piece)}: ${short} ms, four times as long ${four} ms`);
  }
}

t.test('an address list', async (t) => {
  linear(t, 'raw', PIECES, (text) => readAddresses(text, true));
  linear(t, 'in quotes', PIECES, (text) => readAddresses(`"${text}" <bob@x.test>`, true));
  linear(t, 'in a comment', PIECES, (text) => readAddresses(`bob@x.test (${text})`, true));
  linear(t, 'before the brackets', PIECES, (text) => readAddresses(`${text} <bob@x.test>`, true));
});

t.test('a display name', async (t) => {
  linear(t, 'shown', PIECES, addressesShown);
  linear(t, 'looked through', PIECES, holdsForbidden);
});

t.test('a header', async (t) => {
  const lines = [
    '\r\n',
    'a:\r\n',
    'a',
    ' ',
    ':',
    '\r\n ',
    'From:\r\n',
    'Resent-From: a@b\r\n',
    '>',
    '\r',
    ';\r\n\t',
    '\tby ',
  ];
  linear(t, 'fields', lines, readHeader);
  linear(t, 'author fields', lines, (text) => {
    const read = readHeader(text);
    return read.kind === 'fields' && authorFields(read.fields);
  });
  linear(t, 'origin', [...lines, '\r\n\t(Authenticated sender: a)', '; Mon'], (text) => {
    const raw = `Received: from ${text}\r\n`;
    return origin({ name: 'received', value: '', raw });
  });
});

const TOP =
  'Received: from c (unknown [127.0.0.1])\r\n\t(Authenticated sender: bob@x.test)\r\n\tby mx (Postfix) with ESMTPA\r\n\tfor <d@y.test>; Mon, 23 Nov 2026 08:00:00 +0000 (UTC)\r\n';
const OWNER = 'From: <bob@x.test>\r\n';

t.test('beyond the bounds: refused for good, with the field named, and nothing is looked up', async (t) => {
  let asked = 0;
  const authority = { rights: async () => Promise.reject(new Error(`asked ${++asked} times`)) };
  const verdictOn = async (header: string) => {
    const block = Buffer.from(`${TOP}${header}Subject: x\r\n`, 'latin1');
    return (await judge(block, { mailFrom: 'bob@x.test', utf8: false }, authority, RULES)).verdict;
  };
  const long = 'a'.repeat(32_000);
  const words = '=?utf-8?q?a?= '.repeat(24_500);
  for (const [header, field] of [
    [`From: "${long}" <bob@x.test>\r\n`, /From is longer than 10000 bytes/],
    [`From: ${words}<bob@x.test>\r\n`, /From is longer/],
    [`From: ${'<bob@x.test>, '.repeat(20_000)}<bob@x.test>\r\n`, /From is longer/],
    [`From: ${'\r\n '.repeat(30_000)}<bob@x.test>\r\n`, /From is longer/],
    [`From: ${`"${'x'.repeat(60)}"\r\n `.repeat(1400)}<bob@x.test>\r\n`, /From is longer/],
    [`${OWNER}Sender: "${long}" <bob@x.test>\r\n`, /Sender is longer/],
    [`${OWNER}Resent-From: "${long}" <bob@x.test>\r\n`, /Resent-From is longer/],
    [`${OWNER}Author: "${long}" <bob@x.test>\r\n`, /Author is longer/],
    [`${OWNER}${'Resent-From: <bob@x.test>\r\n'.repeat(10_000)}`, /more than 100 fields/],
    [`${OWNER}${'Resent-Sender: <bob@x.test>\r\n'.repeat(101)}`, /more than 100 fields/],
    [`${OWNER}${`Resent-From: "${'x'.repeat(9000)}" <bob@x.test>\r\n`.repeat(4)}`, /longer than 30000 bytes together/],
    [`From: ${[...Array(101).keys()].map((n) => `<b${n}@x.test>`).join(', ')}\r\n`, /more than 100 addresses/],
  ] as const) {
    const verdict = await verdictOn(header);
    t.match(verdict, { kind: 'refuse', code: 550, text: field });
  }
  t.equal(asked, 0);
  t.equal((await verdictOn(OWNER)).kind, 'later', 'as it is where the table cannot be read');
});

t.test('a defect of ours is not taken for one of the table', async (t) => {
  const block = Buffer.from(`${TOP}${OWNER}`, 'latin1');
  const authority = { rights: async () => Promise.reject(new RangeError('too deep')) };
  await t.rejects(judge(block, { mailFrom: '', utf8: false }, authority, RULES), RangeError);
});

t.test('within the bounds it passes', async (t) => {
  const header = `From: "${'a'.repeat(400)}" <bob@x.test>\r\n${'Resent-From: <bob@x.test>\r\n'.repeat(99)}`;
  t.ok(header.length < LONGEST_TOGETHER && header.length < LONGEST_FIELD && MOST_FIELDS === 100);
  const authority = { rights: async () => RIGHTS };
  const block = Buffer.from(`${TOP}${header}`, 'latin1');
  t.match(await judge(block, { mailFrom: '', utf8: false }, authority, RULES), { verdict: { kind: 'pass' } });
});
