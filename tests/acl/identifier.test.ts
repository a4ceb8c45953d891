import fc from 'fast-check';
import t from 'tap';
import { describeFault, type IdentifierFault, identifierFault, LONGEST_LOGIN, RESERVED } from '../../acl/identifier.ts';
import { loginVerdicts } from './login-verdicts.ts';

/** login, its fault, why */
const TABLE: readonly (readonly [string, IdentifierFault | undefined, string])[] = [
  ['bob', undefined, 'a plain login'],
  ['bob@example.org', undefined, 'a login that is an address'],
  ['bob.d-u_r+and@xn--hpital-xxa.example', undefined, 'every character that is allowed'],
  ['b', undefined, 'one character'],
  ['899700123456', undefined, 'digits only, as a national identifier'],
  ['.bob', undefined, 'a leading dot means nothing to an ACL'],
  ['bob-', undefined, 'a hyphen is harmless at the end'],
  ['anyone1', undefined, 'only begins like a reserved word'],
  ['owner@example.org', undefined, 'the reserved word is the whole login only'],
  ['a'.repeat(LONGEST_LOGIN), undefined, 'as long as allowed'],
  ['a'.repeat(LONGEST_LOGIN + 1), 'too-long', 'one more'],
  ['a'.repeat(300), 'too-long', 'much more'],
  ['', 'empty', 'nobody'],
  ['anyone', 'reserved', 'everybody, RFC 4314 section 2'],
  ['Anyone', 'reserved', 'in any case'],
  ['anonymous', 'reserved', 'whoever has not logged in'],
  ['authenticated', 'reserved', 'Dovecot: everybody who has logged in'],
  ['owner', 'reserved', 'Dovecot: whoever owns the mailbox'],
  ['nil', 'reserved', 'IMAP: no value'],
  ['NIL', 'reserved', 'IMAP: no value'],
  ['administrators', 'reserved', 'Cyrus: the admins'],
  ['-bob', 'negative', 'takes rights from bob'],
  ['-anyone', 'negative', 'takes rights from everybody'],
  ['-', 'negative', 'a bare hyphen'],
  ['$group', 'characters', 'Dovecot: a group'],
  ['#g', 'characters', 'a user or group by number'],
  ['!x', 'characters', 'Dovecot: a group override'],
  ['group:x', 'characters', 'Cyrus: a group'],
  ['group=x', 'characters', 'Dovecot: a group in its files'],
  ['user=bob', 'characters', 'Dovecot: a user in its files'],
  ['a b', 'characters', 'a space ends an atom'],
  ['x\r\ny', 'characters', 'a second IMAP command'],
  ['x\n', 'characters', 'a trailing newline, which many patterns overlook'],
  ['\nx', 'characters', 'a leading one'],
  ['x\u0000', 'characters', 'NUL ends a field of SASL PLAIN'],
  ['\u0000', 'characters', 'NUL alone'],
  ['bob\u0000@example.org', 'characters', 'NUL in the middle: C code sees bob'],
  ['bob*', 'characters', 'a wildcard of doveadm kick'],
  ['b?b', 'characters', 'another one'],
  ['b%b', 'characters', 'a variable of Dovecot, a wildcard of LIST'],
  ['bob"', 'characters', 'ends a quoted string'],
  ["b'ob", 'characters', 'ends an SQL string'],
  ['b\\ob', 'characters', 'escapes the next character'],
  ['b/ob', 'characters', 'another directory'],
  ['b,ob', 'characters', 'separates values of a map'],
  ['(bob)', 'characters', 'an IMAP list'],
  ['{3}', 'characters', 'an IMAP literal'],
  ['bøb', 'characters', 'not ASCII'],
  ['bоb', 'characters', 'a Cyrillic letter that looks like an o'],
  ['é', 'characters', 'not ASCII'],
  ['ſam', 'characters', 'a letter whose upper case is an ASCII S'],
  ['\u212Aim', 'characters', 'KELVIN SIGN: its lower case is an ASCII k'],
  ['\ud800', 'characters', 'half a surrogate pair'],
  ['Bob', 'upper-case', 'another user on some servers, nobody in a sender map'],
  ['BOB@EXAMPLE.ORG', 'upper-case', 'all of it'],
];

t.test('every login by its fault', async (t) => {
  for (const [login, fault, why] of TABLE) {
    t.equal(identifierFault(login), fault, `${JSON.stringify(login.slice(0, 40))}: ${why}`);
  }
});

t.test('every reserved word is refused, whatever its case', async (t) => {
  for (const word of RESERVED) {
    t.equal(identifierFault(word), 'reserved', word);
    t.equal(identifierFault(word.toUpperCase()), 'reserved', word.toUpperCase());
  }
});

t.test('every fault is described, each differently', async (t) => {
  const faults = new Set(TABLE.flatMap(([, fault]) => (fault === undefined ? [] : [fault])));
  t.equal(faults.size, 6, 'the table has each of them');
  t.equal(new Set([...faults].map(describeFault)).size, faults.size);
});

const hostileCharacters = fc.constantFrom(
  ...'abz019._@+-',
  ...'AZ#$!: %*?[]^{}()"\'\\/,=~\r\n\t\u0000\u007fé\u00a0ſ\u212a🙂',
);
const somewhatReserved = fc
  .tuple(fc.constantFrom('', '-', 'a', ' '), fc.constantFrom(...RESERVED), fc.constantFrom('', '\u0000', '\n', 's'))
  .map((parts) => parts.join(''));
const logins = fc.oneof(
  fc.string({ unit: fc.constantFrom(...'abz019._@+-'), maxLength: 30 }),
  fc.string({ unit: hostileCharacters, maxLength: 8 }),
  fc.string({ unit: fc.constantFrom('a', '-', 'é'), minLength: 250, maxLength: 258 }),
  fc.string({ unit: 'binary', maxLength: 6 }),
  somewhatReserved,
  fc.constantFrom(...TABLE.map(([login]) => login)),
);

t.test('the database refuses exactly the same logins, whoever writes them and where', async (t) => {
  const verdicts = loginVerdicts(t);
  const agree = (login: string) => {
    const expected = identifierFault(login) === undefined;
    for (const { where, accepts } of verdicts) {
      if (accepts(login) !== expected) throw new Error(`${where}: ${JSON.stringify(login)} should be ${expected}`);
    }
  };
  for (const [login, , why] of TABLE) t.doesNotThrow(() => agree(login), why);
  fc.assert(fc.property(logins, agree), { numRuns: 2000 });
});
