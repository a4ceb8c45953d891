import fc from 'fast-check';
import t from 'tap';
import { LONGEST_REQUEST, pack, unpack } from '../../bridge/sender/netstring.ts';
import { answer } from '../../bridge/sender/socketmap-answer.ts';

const TABLE: Readonly<Record<string, readonly string[]>> = {
  'alice@x.y': ['alice@x.y', 'bob@x.y'],
  'alice+own@x.y': ['carol@x.y'],
  'frank@x.y': ['frank'],
  '@whole.y': ['dave@x.y'],
  'own@whole.y': ['own@whole.y'],
  'k@x.y': ['k@x.y'],
  'wide@x.y': Array.from({ length: 5000 }, (_, n) => `login-number-${n}@x.y`),
};
const loginsOf = (address: string) => TABLE[address] ?? [];

t.test('one table', async (t) => {
  const rows: readonly (readonly [key: string, identity: boolean, reply: string, why: string])[] = [
    ['alice@x.y', false, 'OK alice@x.y,bob@x.y', 'owner and delegate'],
    ['ALICE@X.Y', false, 'OK alice@x.y,bob@x.y', 'case'],
    ['alice+list@x.y', false, 'OK alice@x.y,bob@x.y', 'the extension is dropped'],
    ['alice+a+b@x.y', false, 'OK alice@x.y,bob@x.y', 'at its first sign'],
    ['alice+own@x.y', false, 'OK carol@x.y', 'one that has rules of its own'],
    ['+alice@x.y', false, 'NOTFOUND ', 'nothing before the sign'],
    ['any@whole.y', false, 'OK dave@x.y', 'a whole domain'],
    ['own@whole.y', false, 'OK own@whole.y', 'unless the address has its own'],
    ['nobody@x.y', false, 'NOTFOUND ', 'nobody'],
    ['nobody@x.y', true, 'OK nobody@x.y', 'everybody their own'],
    ['nobody+list@x.y', true, 'OK nobody@x.y', 'and with an extension'],
    ['frank@x.y', true, 'OK frank,frank@x.y', 'beside what is published'],
    ['alice@x.y', true, 'OK alice@x.y,bob@x.y', 'once'],
    ['\u212a@x.y', false, 'NOTFOUND ', 'a Kelvin sign is no k'],
    ['"a,bob@x.y,b"@x.y', true, 'NOTFOUND ', 'a comma would make two logins'],
    ['a b@x.y', true, 'NOTFOUND ', 'a space'],
    ['alice@x.y@z', true, 'NOTFOUND ', 'two @'],
    ['alice', true, 'NOTFOUND ', 'no address'],
    ['@x.y', true, 'NOTFOUND ', 'nobody is everybody of a domain'],
    ['', true, 'NOTFOUND ', 'the empty sender, which Postfix never asks for'],
    ["o'brien@x.y", true, "OK o'brien@x.y", 'what the table would not take is somebody’s own all the same'],
    ['wide@x.y', false, 'PERM too many logins for one address', 'longer than Postfix reads'],
  ];
  for (const [key, identity, reply, why] of rows) t.equal(answer(`sender ${key}`, loginsOf, identity), reply, why);
  t.match(answer('alias alice@x.y', loginsOf, true), /^PERM /, 'another table');
  t.match(answer('sender', loginsOf, true), /^PERM /, 'no key');
  const broken = () => {
    throw new Error('disk');
  };
  t.match(answer('sender alice@x.y', broken, true), /^TEMP /, 'who can’t tell says neither yes nor no');
});

t.test('no answer names a login that is neither published nor the address itself', async () => {
  const key = fc.oneof(
    fc.string(),
    fc.stringMatching(/^["a-cé+., ]{0,6}@(x\.y|whole\.y)$/),
    fc.constantFrom(...Object.keys(TABLE)),
  );
  fc.assert(
    fc.property(key, fc.boolean(), (key, identity) => {
      const reply = answer(`sender ${key}`, loginsOf, identity);
      if (!reply.startsWith('OK ')) return true;
      const published = new Set(Object.values(TABLE).flat());
      const own = key.replace(/[A-Z]/g, (letter) => letter.toLowerCase()).replace(/^([^+]+)\+.*@/, '$1@');
      return reply
        .slice(3)
        .split(',')
        .every((login) => published.has(login) || (identity && login === own));
    }),
  );
});

t.test('netstrings: in any pieces, and what is none', async (t) => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme', maxLength: 40 }), { maxLength: 5 }), fc.nat(), (texts, cut) => {
      const whole = Buffer.from(texts.map(pack).join(''));
      const at = whole.length === 0 ? 0 : cut % whole.length;
      const first = unpack(whole.subarray(0, at));
      const second = unpack(Buffer.concat([first.rest, whole.subarray(at)]));
      const both = [...first.requests, ...second.requests];
      return first.broken === undefined && second.broken === undefined && both.join('\0') === texts.join('\0');
    }),
  );
  const rows: readonly (readonly [string, 'malformed' | 'too long' | undefined, string])[] = [
    ['', undefined, 'nothing yet'],
    ['5', undefined, 'half a length'],
    ['5:abc', undefined, 'half a text'],
    ['5:abcde', undefined, 'all but the comma'],
    ['5:abcde;', 'malformed', 'no comma'],
    ['05:abcde,', 'malformed', 'a leading zero'],
    ['0', undefined, 'zero, so far'],
    ['00', 'malformed', 'two of them'],
    [':abc,', 'malformed', 'no length'],
    ['-1:a,', 'malformed', 'less than nothing'],
    ['GET / HTTP/1.1\r\n', 'malformed', 'another protocol'],
    [`${LONGEST_REQUEST + 1}:`, 'too long', 'more than anybody asks'],
    ['999999999999', 'too long', 'a length that never ends'],
  ];
  for (const [text, broken, why] of rows) t.equal(unpack(Buffer.from(text)).broken, broken, why);
  t.same(unpack(Buffer.from(`${pack('a')}x`)).requests, ['a'], 'what came before it is answered');
});
