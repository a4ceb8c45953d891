/**
 * The property behind the verdict: what passes is read as the same addresses by our strict reader, by mailparser and by Python's email
 * package with both its policies, and each of them is one that the login may use. Over thousands of fields, most of them nearly right.
 */
import fc from 'fast-check';
import { simpleParser } from 'mailparser';
import t from 'tap';
import { readAddresses } from '../../acl/address-list.ts';
import { AUTHOR_NAMES } from '../../acl/author-fields.ts';
import { readHeader } from '../../acl/header-fields.ts';
import { mayUse, type Rights, type Standing, type SubmissionRules } from '../../acl/submission.ts';
import { judge } from '../../bridge/submission/judge.ts';
import { pythonReads } from './python-reader.ts';

const RUNS = 10_000;
const KNOWN: Readonly<Record<string, Standing>> = {
  'bob@x.test': { kind: 'own' },
  'alice@x.test': { kind: 'owner', owner: 'alice@x.test', mode: null },
  'held@x.test': { kind: 'held' },
};
const standing = (address: string): Standing => KNOWN[address.toLowerCase()] ?? { kind: 'stranger' };
const RIGHTS: Rights = { self: 'bob@x.test', standing };
const TOP =
  'Received: from c (unknown [127.0.0.1])\r\n\t(Authenticated sender: bob@x.test)\r\n\tby mx (Postfix) with ESMTPA\r\n\tfor <d@y.test>; Mon, 23 Nov 2026 08:00:00 +0000 (UTC)\r\n';

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
const message = fc.record({
  from: field,
  more: fc.oneof(
    { weight: 3, arbitrary: fc.constant('') },
    fc.tuple(oneOf(AFTER.filter((one) => one !== '\r\nFrom: ')), field).map((parts) => parts.join('')),
  ),
  signed: fc.integer({ min: 0, max: 9 }).map((dice) => dice === 0),
  utf8: fc.boolean(),
  rewrite: fc.boolean(),
});

/** An address by name of field, from a header that has passed, as our reader has them. */
function strictly(header: string, utf8: boolean): Readonly<Record<string, readonly string[]>> {
  const read = readHeader(header);
  const found: Record<string, string[]> = {};
  for (const { name, value } of read.kind === 'fields' ? read.fields : []) {
    if (!Object.hasOwn(AUTHOR_NAMES, name)) continue;
    const list = readAddresses(value, utf8);
    if (list.kind === 'ambiguous') throw new Error(`passed, and ambiguous: ${list.why}`);
    found[name] = [...(found[name] ?? []), ...list.mailboxes.map(({ address }) => address)];
  }
  return found;
}

t.test('what passes is read alike by all, and names nobody whom the login may not use', async (t) => {
  const seed = Number(process.env.MANDAT_TEST_SEED ?? Date.now() % 2 ** 31);
  t.comment(`MANDAT_TEST_SEED=${seed}`);
  const authority = { rights: async () => RIGHTS };
  const passed: { came: string; header: Buffer; addresses: ReturnType<typeof strictly> }[] = [];
  for (const { from, more, signed, utf8, rewrite } of fc.sample(message, { numRuns: RUNS, seed })) {
    const signature = signed ? 'DKIM-Signature: v=1; h=From:Sender:Resent-From; b=x\r\n' : '';
    const came = `${signature}From: ${from}${more}\r\nSubject: x\r\n`;
    const rules: SubmissionRules = {
      mode: 'on-behalf',
      onMismatch: 'reject',
      onImitation: rewrite ? 'rewrite' : 'reject',
    };
    const block = Buffer.from(`${TOP}${came}`, 'latin1');
    const { verdict, header } = await judge(block, { mailFrom: 'bob@x.test', utf8 }, authority, {
      ...rules,
      hideLogin: true,
    });
    if (verdict.kind !== 'pass') continue;
    const said = {
      came,
      header: Buffer.concat([header, Buffer.from('\r\n')]),
      addresses: strictly(header.toString('latin1'), utf8),
    };
    passed.push(said);
    const strange = Object.values(said.addresses)
      .flat()
      .find((one) => !mayUse(standing(one)));
    if (strange !== undefined) t.fail(`${strange} passed`, { came });
    const { from: read } = await simpleParser(said.header);
    const theirs = read?.value.map(({ address }) => address) ?? [];
    if (JSON.stringify(theirs) !== JSON.stringify(said.addresses.from))
      t.fail('mailparser reads another From', { came, theirs });
  }
  t.ok(passed.length > RUNS / 20, `${passed.length} of ${RUNS} passed, so it says something`);

  const readings = pythonReads(passed.map(({ header }) => header));
  if (readings === undefined) {
    t.comment('NOT COMPARED WITH PYTHON: there is no python3 here');
    t.pass('no python3', { skip: 'there is no python3 here: NOT COMPARED WITH PYTHON' });
    return;
  }
  for (const [index, { came, addresses }] of passed.entries()) {
    for (const policy of ['compat32', 'default'] as const) {
      const theirs = readings[index]?.[policy];
      for (const name of Object.keys(addresses)) {
        if (policy === 'default' && name === 'author') continue;
        if (JSON.stringify(theirs?.[name]) === JSON.stringify(addresses[name])) continue;
        const left = passed[index]?.header.toString('latin1').slice(TOP.length - 100);
        t.fail(`Python's ${policy} reads another ${name}`, {
          came,
          left,
          theirs: theirs?.[name],
          ours: addresses[name],
        });
      }
    }
  }
  for (const [index, { came }] of passed.entries()) {
    const read = JSON.stringify(readings[index]?.decodedFirst);
    const strange = read.match(/[\w.'-]+@[\w-]+(?:\.[\w-]+)+/g)?.find((one) => !mayUse(standing(one)));
    if (strange !== undefined) t.fail(`${strange} is read by who decodes first`, { came, read });
  }
  t.ok(readings.length > 0, 'compared with Python');
});
