/** Readers of what people type: identifiers, logins, addresses, domains, times. */
import assert from 'node:assert/strict';
import { contactFault } from '../../../acl/contact-address.ts';
import { identifierFault } from '../../../acl/identifier.ts';
import { readRpps } from '../../../acl/rpps.ts';
import { asciiDomain, punycode } from '../../../bridge/shared/domain-name.ts';
import { escapedJson, oneLine, shownText } from '../../../bridge/shared/harmless-text.ts';
import { address, domain, instant, login, shown } from '../../../cli/arguments.ts';
import { bounded, orRefused, type Parser } from './parser.ts';

function checkRpps(text: string): void {
  for (const strict of [true, false]) {
    const read = readRpps(text, { strict, allowTestIdentities: true });
    bounded('', read, 0, 1000);
    if (!read.ok) {
      assert.ok(read.why.length > 0);
      continue;
    }
    assert.match(read.identifier, /^8\d{11}$/);
    if (strict) assert.equal(luhn(read.identifier.slice(1)), 0);
    const again = readRpps(read.identifier, { strict, allowTestIdentities: true });
    assert.ok(again.ok && again.identifier === read.identifier && !again.warnings.includes('RPPS_SHORT'));
  }
}

/** ISO/IEC 7812-1 annex B, from the left. */
function luhn(digits: string): number {
  let sum = 0;
  for (let at = 0; at < digits.length; at++) {
    const digit = digits.charCodeAt(at) - 48;
    sum += (digits.length - at) % 2 === 1 ? digit : Math.floor((2 * digit) / 10) + ((2 * digit) % 10);
  }
  return sum % 10;
}

function checkTyped(text: string): void {
  for (const read of [address, login, domain]) {
    const folded = orRefused(() => read(text), ['refused']);
    if (folded === undefined) continue;
    assert.match(folded, /^[a-z0-9._@+-]+$/, 'nothing that a server reads as something else');
    assert.equal(read(folded), folded, 'what is folded stays');
    if (read !== domain) assert.equal(identifierFault(folded), undefined);
  }
  const ascii = asciiDomain(text);
  if (ascii !== undefined) assert.equal(asciiDomain(ascii), ascii);
  punycode(text);
  if (contactFault(text, new Set(['x.test'])) === undefined) assert.match(text, /^[!-~]+@[a-z0-9.-]+$/);
  for (const edge of ['start', 'end'] as const) {
    const read = orRefused(() => instant(text, edge, 'Europe/Paris', 'ends'), ['config']);
    if (read !== undefined) assert.equal(new Date(read).toISOString(), read);
  }
}

function checkShown(text: string): void {
  const line = oneLine(text);
  assert.doesNotMatch(line, /[\p{Cc}\u2028-\u202e\u2066-\u2069\ufeff]/u);
  assert.equal(oneLine(line), line);
  assert.doesNotMatch(shownText(text).replaceAll('\n', ''), /[\p{Cc}\u202e]/u);
  assert.ok(shown(text).length < 2000);
  const json = JSON.stringify({ text });
  assert.deepEqual(JSON.parse(escapedJson(json)), JSON.parse(json), 'the same document');
}

const SIGNS = [
  '@',
  '.',
  '-',
  '+',
  '_',
  '8',
  '1',
  '9',
  '0',
  ' ',
  '\u00a0',
  '/',
  'a',
  'K',
  '\u212a',
  'é',
  'ß',
  'xn--',
  '\u200d',
  '\u202e',
  '\u0000',
  '$',
  '!',
  '#',
  '｡',
  '%',
  ':',
  '٣',
  '８',
];

export const TYPED_PARSERS: readonly Parser[] = [
  {
    name: 'rpps',
    files: ['acl/rpps'],
    samples: ['810001234567', '10001234567', '8 1000-1234.567', '899700123456', '0123456789', '2/123456789'],
    pieces: SIGNS,
    check: checkRpps,
  },
  {
    name: 'typed address, login, domain, time',
    files: ['cli/arguments', 'shared/domain-name', 'acl/identifier', 'acl/contact-address'],
    samples: [
      'Alice@X.test',
      'bob',
      'hôpital.x.test',
      '2026-12-31',
      '2026-12-31T18:00+01:00',
      '2026-03-29T02:30:00Z',
      'anyone',
    ],
    pieces: [...SIGNS, 'T', 'Z', '2026-', '-31', '+14:00', 'x.test', 'alice'],
    check: checkTyped,
  },
  {
    name: "others' words, shown",
    files: ['shared/harmless-text', 'cli/arguments'],
    samples: ['bob\u001b[31m', 'a\u202eb\nc', '\ud83d\ude00\u200d'],
    pieces: [...SIGNS, '\u001b', '\n', '\u2028', '\u{e0001}', '\ufeff', '\ud800', '"', '\\'],
    check: checkShown,
  },
];
