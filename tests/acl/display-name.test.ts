/** What a display name shows, and what it may hold. */
import t from 'tap';
import { addressesShown, holdsForbidden } from '../../acl/display-name.ts';

t.test('addresses that it shows', async (t) => {
  for (const [shown, addresses, unclear = false] of [
    ['Dr Bob', []],
    ['a\uff20b', ['a@b']],
    ['ceo @ y.test', ['ceo@y.test']],
    ['ceo@\u200by.test', ['ceo@y.test']],
    ['Bob @ Acme', []],
    ['24h/24 @ CHU', []],
    ['@bob', []],
    ['Bob (@home)', []],
    ['bob@', []],
    ["'bob@x.test'", ['bob@x.test']],
    ["o'brien@x.test", ["o'brien@x.test"]],
    ['\u201cbob@x.test\u201d', ['bob@x.test']],
    ['mail to <bob@x.test>.', ['bob@x.test']],
    ['mailto:bob@x.test', ['bob@x.test']],
    ['bob@x.test, carol@x.test', ['bob@x.test', 'carol@x.test']],
    ['a@b@c', ['a@b', 'b@c']],
    ['"carol"@evil.test', [], true],
    ['carol"@evil.test', [], true],
    ['carol()@evil.test', [], true],
    ['carol(x)@evil.test', [], true],
    ['carol@(x)evil.test', [], true],
    ['carol:@evil.test', [], true],
    ['carol;@evil.test', [], true],
    ["carol'@evil.test", [], true],
    ["carol@'evil.test", [], true],
    ['carol>@evil.test', [], true],
    ['carol@[192.0.2.1]', [], true],
    ['carol\\@evil.test', [], true],
    ['carol\uff02@evil.test', [], true],
    ['carol@@evil.test', [], true],
    ['"carol" @ evil.test', [], true],
  ] as const) {
    t.same(addressesShown(shown), { addresses, unclear }, JSON.stringify(shown));
  }
});

t.test('what it may not hold', async (t) => {
  for (const letter of [
    '\0',
    '\r',
    '\n',
    '\t',
    '\u001b',
    '\u007f',
    '\u0085',
    '\u200b',
    '\u200e',
    '\u200f',
    '\u2028',
    '\u2029',
  ])
    t.ok(holdsForbidden(`Bob${letter}`), `U+${letter.codePointAt(0)?.toString(16)}`);
  for (const letter of ['\u202a', '\u202e', '\u2066', '\u2069', '\u061c', '\ufeff', '\ufffd', '\ud800', '\u{e0041}'])
    t.ok(holdsForbidden(`Bob${letter}`), `U+${letter.codePointAt(0)?.toString(16)}`);
  for (const name of ['Dr Élodie Müller', 'علی\u200cرضا', '\u{1f468}\u200d\u2695\ufe0f', '診療', "O'Brien"])
    t.notOk(holdsForbidden(name), name);
});
