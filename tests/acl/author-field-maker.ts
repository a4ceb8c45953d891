/** Author fields made of the pieces that readers disagree on. */
import fc from 'fast-check';
import { AUTHOR_NAMES } from '../../acl/author-fields.ts';

const utf8 = (text: string) => Buffer.from(text).toString('latin1');
const ADDRESSES = ['bob@x.test', 'alice@x.test', 'BOB@X.TEST', 'ceo@y.test', 'held@x.test'];
const MARKS = [
  '<',
  '>',
  '"',
  '\\',
  '\\"',
  '(',
  ')',
  ',',
  ';',
  ':',
  '@',
  '.',
  ' ',
  '  ',
  '\t',
  '\r\n ',
  '\r\n\t',
  "'",
  '[',
  ']',
];
const WORDS = [
  'Bob',
  'carol',
  'Dr.',
  'evil.test',
  '@ Acme',
  '24h/24 @ CHU',
  "O'Brien",
  '=',
  '?',
  '=40',
  utf8('Élodie'),
  utf8('診療'),
  '\u00e9',
];
const ENCODED = [
  ...[
    '=?utf-8?q?',
    '?=',
    '=?utf-8?Q?Andr=C3=A9?=',
    '=?utf-8?B?w4lsb2RpZQ==?=',
    '=?utf-8?Q?Andr=C3?=',
    '=?utf-8?Q?=A9?=',
  ],
  ...[
    '=?cp850?Q?B=94b?=',
    '=?x-none?q?a?=',
    '=?iso-8859-1?Q?M=FCller?=',
    '=?iso-8859-1?Q?a=85b?=',
    '=?utf-7?Q?carol+AEA-y.test?=',
  ],
  ...[
    '=?utf-8?Q?ceo=40y.test?=',
    '=?utf-8?Q?=22ceo=22=40y.test?=',
    '=?utf-8?Q?=3Cceo=40y.test=3E=2C?=',
    '=?utf-8?Q?Bob=00?=',
  ],
  ...['=?utf-8?Q?Bob=0D=0AFrom:_ceo=40y.test?=', '=?utf-8?Q?=E2=80=AEBob?=', '=?utf-8?Q?=3D=3Futf-8=3FQ=3Fx=3F=3D?='],
  ...['=?utf-8?Q?=22?=', '=?utf-8?Q?Dupont=2C_A?=', '=?utf-8?Q?=3C?=', '=?utf-8*fr?Q?Bob?='],
];
const ENDS = ['\r\nFrom:', '\r\nFrom :', '\r\n>From: ', '\r\n', '\n', '\r', '\u0000'];
const AFTER = Object.values(AUTHOR_NAMES).map((name) => `\r\n${name}: `);

const oneOf = (...lists: readonly (readonly string[])[]) => fc.constantFrom(...lists.flat());
const wild = fc.array(oneOf(ADDRESSES, MARKS, WORDS, ENCODED, ENDS, AFTER, ['<bob@x.test>', '<ceo@y.test>']), {
  maxLength: 7,
});
/** A name of pieces, in quotes or without. */
const inside = fc.array(oneOf(ADDRESSES, MARKS, WORDS, ENCODED), { maxLength: 5 });
const tame = fc.array(oneOf(WORDS, ENCODED, [' ', ' ', '.', 'bob@x.test', '\r\n ']), { maxLength: 4 });
const name = fc.oneof(
  tame,
  inside.map((pieces) => ['"', ...pieces, '"']),
  tame.map((pieces) => ['"', ...pieces, '"']),
  inside.map((pieces) => ['(', ...pieces, ')']),
  inside,
);
const spaced = oneOf(['', '', ' ', ' ', '\r\n ', '(x)', ' (y (z)) ', ' ()']);
const mailbox = fc
  .tuple(
    spaced,
    name,
    spaced,
    fc.array(name, { maxLength: 1 }),
    oneOf(ADDRESSES, ['bob@x.test', 'alice@x.test']),
    spaced,
  )
  .map(([a, first, b, second, address, c]) => [a, ...first, b, ...second.flat(), '<', address, '>', c].join(''));
const bare = fc.tuple(spaced, oneOf(ADDRESSES), spaced).map((parts) => parts.join(''));
const list = fc.array(fc.oneof({ weight: 4, arbitrary: mailbox }, bare), { minLength: 1, maxLength: 3 });
const field = fc.oneof(
  { weight: 1, arbitrary: wild.map((pieces) => pieces.join('')) },
  { weight: 3, arbitrary: list.map((all) => all.join(',')) },
);
/** What is put together to a message; most of the fields are nearly right. In latin1. */
export const message = fc.record({
  from: field,
  more: fc.oneof(
    { weight: 3, arbitrary: fc.constant('') },
    fc.tuple(oneOf(AFTER.filter((one) => one !== '\r\nFrom: ')), field).map((parts) => parts.join('')),
  ),
  signed: fc.integer({ min: 0, max: 9 }).map((dice) => dice === 0),
  utf8: fc.boolean(),
  rewrite: fc.boolean(),
});
