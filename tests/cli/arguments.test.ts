import { InvalidArgumentError } from 'commander';
import fc from 'fast-check';
import t from 'tap';
import { identifierFault } from '../../acl/identifier.ts';
import { Failure } from '../../bridge/shared/failure.ts';
import { address, instant, login, seconds } from '../../cli/arguments.ts';

/** The rule that refuses, or what it became. */
function outcome(work: () => string): string {
  try {
    return work();
  } catch (error) {
    if (error instanceof Failure) return error.rule ?? error.code;
    throw error;
  }
}

const LOGINS: readonly (readonly [typed: string, becomes: string, why: string])[] = [
  ['bob@lab.test', 'bob@lab.test', 'an address'],
  ['bob', 'bob', 'a name without domain is a login too'],
  ['Bob@LAB.Test', 'bob@lab.test', 'folded'],
  ['b.o_b+x-1@lab.test', 'b.o_b+x-1@lab.test', 'all that is allowed'],
  ['810000000000', '810000000000', 'a number'],
  ['x'.repeat(254), 'x'.repeat(254), 'the longest'],
  ['x'.repeat(255), 'MANDAT_LOGIN', 'one more'],
  ['', 'MANDAT_LOGIN', 'nothing'],
  ['anyone', 'MANDAT_LOGIN', 'everybody'],
  ['Anyone', 'MANDAT_LOGIN', 'in any case'],
  ['authenticated', 'MANDAT_LOGIN', 'everybody with a password'],
  ['anonymous', 'MANDAT_LOGIN', 'everybody without one'],
  ['owner', 'MANDAT_LOGIN', "Dovecot's word for the owner"],
  ['administrators', 'MANDAT_LOGIN', "Courier's word"],
  ['nil', 'MANDAT_LOGIN', "IMAP's word for nothing"],
  ['NIL', 'MANDAT_LOGIN', 'in any case'],
  ['-bob@lab.test', 'MANDAT_LOGIN', 'a negative entry'],
  ['$group', 'MANDAT_LOGIN', 'a group for Dovecot'],
  ['!group', 'MANDAT_LOGIN', 'the same'],
  ['group:x', 'MANDAT_LOGIN', 'a group for Cyrus'],
  ['#all', 'MANDAT_LOGIN', 'a comment in a file'],
  ['a b', 'MANDAT_LOGIN', 'two words on the wire'],
  [' bob', 'MANDAT_LOGIN', 'not trimmed in silence'],
  ['bob\n', 'MANDAT_LOGIN', 'a line end at the end'],
  ['x\r\ny', 'MANDAT_LOGIN', 'two lines on the wire'],
  ['x\0y', 'MANDAT_LOGIN', 'what comes after it would be lost'],
  ['a"b', 'MANDAT_LOGIN', 'Cyrus writes it and cannot open the mailbox any more'],
  ['a\\b', 'MANDAT_LOGIN', 'the same'],
  ['a*', 'MANDAT_LOGIN', 'a pattern for kick and LIST'],
  ['a%b', 'MANDAT_LOGIN', 'a variable for Dovecot'],
  ['rené@lab.test', 'MANDAT_LOGIN', 'not ASCII'],
  ['\u212Aarl@lab.test', 'MANDAT_LOGIN', 'the Kelvin sign is no k, though its lower case is one'],
  ['bоb@lab.test', 'MANDAT_LOGIN', 'a Cyrillic o'],
];

t.test('logins and identifiers', async (t) => {
  for (const [typed, becomes, why] of LOGINS)
    t.equal(
      outcome(() => login(typed)),
      becomes,
      `${why}: ${JSON.stringify(typed.slice(0, 30))}`,
    );
});

const ADDRESSES: readonly (readonly [typed: string, becomes: string, why: string])[] = [
  ['alice@lab.test', 'alice@lab.test', 'as it is'],
  ['Alice@LAB.TEST', 'alice@lab.test', 'folded'],
  ['alice@Münich.example', 'alice@xn--mnich-kva.example', 'an international domain as punycode'],
  ['alice@MÜNICH.example', 'alice@xn--mnich-kva.example', 'folded before it is encoded'],
  ['alice@xn--mnich-kva.example', 'alice@xn--mnich-kva.example', 'punycode already'],
  ['alice@mu\u0308nich.example', 'alice@xn--mnich-kva.example', 'composed'],
  ['alice@café.santé.example', 'alice@xn--caf-dma.xn--sant-epa.example', 'each label'],
  ['alice@xn--a', 'MANDAT_ADDRESS', 'punycode that stands for nothing'],
  ['anyone@lab.test', 'anyone@lab.test', 'with a domain it is one user'],
  ['alice', 'MANDAT_ADDRESS', 'no domain'],
  ['anyone', 'MANDAT_ADDRESS', 'nor here'],
  ['', 'MANDAT_ADDRESS', 'nothing'],
  ['@lab.test', 'MANDAT_ADDRESS', 'nobody'],
  ['alice@', 'MANDAT_ADDRESS', 'nowhere'],
  ['-alice@lab.test', 'MANDAT_ADDRESS', 'its login would be a negative entry'],
  ['a b@lab.test', 'MANDAT_ADDRESS', 'two words'],
  ['"a b"@lab.test', 'MANDAT_ADDRESS', 'quoted, too'],
  ['x\r\ny@lab.test', 'MANDAT_ADDRESS', 'two lines'],
  ['alice@lab\r\n.test', 'MANDAT_ADDRESS', 'a URL parser would swallow them'],
  ['alice@lab.test/x', 'MANDAT_ADDRESS', 'and cut here'],
  ['alice@lab.test?x', 'MANDAT_ADDRESS', 'and here'],
  ['alice@lab.test#x', 'MANDAT_ADDRESS', 'and here'],
  ['alice@%6cab.test', 'MANDAT_ADDRESS', 'and decode this'],
  ['alice@127.1', 'MANDAT_ADDRESS', 'and make 127.0.0.1 of this'],
  ['alice@0x7f.1', 'MANDAT_ADDRESS', 'and of this'],
  ['alice@1', 'MANDAT_ADDRESS', 'and 0.0.0.1 of this'],
  ['alice@[::1]', 'MANDAT_ADDRESS', 'an address literal'],
  ['alice@lab.test:25', 'MANDAT_ADDRESS', 'a port'],
  ['rené@lab.test', 'MANDAT_ADDRESS', 'the local part has no punycode'],
  ['\u212Aarl@lab.test', 'MANDAT_ADDRESS', 'the Kelvin sign'],
  [`${'x'.repeat(245)}@lab.test`, `${'x'.repeat(245)}@lab.test`, 'the longest'],
  [`${'x'.repeat(246)}@lab.test`, 'MANDAT_ADDRESS', 'one more'],
];

t.test('addresses', async (t) => {
  for (const [typed, becomes, why] of ADDRESSES)
    t.equal(
      outcome(() => address(typed)),
      becomes,
      `${why}: ${JSON.stringify(typed.slice(0, 30))}`,
    );
});

t.test('whatever is typed, what comes out is safe and stays as it is', async (t) => {
  const ascii = fc.string({ unit: 'binary-ascii', maxLength: 20 });
  const any = fc.oneof(fc.string({ unit: 'binary' }), fc.string(), ascii);
  const safe = (work: (typed: string) => string) => (typed: string) => {
    const became = outcome(() => work(typed));
    if (/^MANDAT_(LOGIN|ADDRESS)$/.test(became)) return true;
    return identifierFault(became) === undefined && work(became) === became;
  };
  fc.assert(fc.property(any, safe(login)), { numRuns: 2000 });
  fc.assert(
    fc.property(any, any, (local, domain) => safe(address)(`${local}@${domain}`)),
    { numRuns: 2000 },
  );
  t.pass();
});

t.test('a refusal repeats nothing that a terminal would obey', async (t) => {
  for (const typed of ['\x1b[2Jx', 'x\r\ny', '\x9b31m', '\u202egnp.exe', 'x\u200by', 'é'.repeat(300)]) {
    const message = (() => {
      try {
        return login(typed);
      } catch (error) {
        return (error as Error).message;
      }
    })();
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
    t.notMatch(message, /[\x00-\x1f\x7f-\x9f\u200b\u202e]/);
    t.ok(message.length < 300, 'nor more than a line or two');
  }
});

/** In Europe/Paris unless said otherwise: +01:00 in winter, +02:00 in summer. */
const TIMES: readonly (readonly [typed: string, edge: 'start' | 'end', becomes: string, why: string])[] = [
  ['2026-12-31', 'end', '2026-12-31T22:59:59.999Z', 'a date: to its end, in winter'],
  ['2026-12-31', 'start', '2026-12-30T23:00:00.000Z', 'or from its start'],
  ['2026-07-14', 'end', '2026-07-14T21:59:59.999Z', 'in summer'],
  ['2026-03-28', 'end', '2026-03-28T22:59:59.999Z', 'the day before summer time'],
  ['2026-03-29', 'start', '2026-03-28T23:00:00.000Z', 'a day of 23 hours begins in winter'],
  ['2026-03-29', 'end', '2026-03-29T21:59:59.999Z', 'and ends in summer'],
  ['2026-10-25', 'start', '2026-10-24T22:00:00.000Z', 'a day of 25 hours begins in summer'],
  ['2026-10-25', 'end', '2026-10-25T22:59:59.999Z', 'and ends in winter'],
  ['2028-02-29', 'end', '2028-02-29T22:59:59.999Z', 'a leap year'],
  ['2026-02-29', 'end', 'config', 'not one'],
  ['2100-02-29', 'end', 'config', 'nor that'],
  ['2026-02-30', 'end', 'config', 'no such day'],
  ['2026-13-01', 'end', 'config', 'no such month'],
  ['2026-00-10', 'end', 'config', 'nor that'],
  ['9999-12-31', 'end', '9999-12-31T22:59:59.999Z', 'the last day there is'],
  ['9999-12-31T23:59-05:00', 'end', 'config', 'in the year 10000 of UTC'],
  ['0000-01-01', 'start', 'config', 'in the year -1 of UTC'],
  ['10000-01-01', 'end', 'config', 'five digits'],
  ['2026-12-31T18:00Z', 'end', '2026-12-31T18:00:00.000Z', 'a time'],
  ['2026-12-31T18:00z', 'end', '2026-12-31T18:00:00.000Z', 'in lower case'],
  ['2026-12-31T18:00+01:00', 'end', '2026-12-31T17:00:00.000Z', 'with its zone'],
  ['2026-12-31T18:00+0100', 'end', '2026-12-31T17:00:00.000Z', 'without colon'],
  ['2026-12-31T18:00+01', 'end', '2026-12-31T17:00:00.000Z', 'in hours'],
  ['2026-12-31T18:00:30.1234567-05:30', 'end', '2026-12-31T23:30:30.123Z', 'to the millisecond'],
  ['2026-12-31T24:00Z', 'end', '2027-01-01T00:00:00.000Z', 'midnight at the end of a day'],
  [
    '2026-03-29T02:30+01:00',
    'end',
    '2026-03-29T01:30:00.000Z',
    'an hour that the clock skips is an instant all the same',
  ],
  ['2026-12-31T18:00', 'end', 'config', 'a time without zone: whose?'],
  ['2026-12-31T18:00 Europe/Paris', 'end', 'config', 'a zone by name'],
  ['2026-12-31T18:00+99:00', 'end', 'config', 'no such zone'],
  ['2026-12-31T18:00+01:75', 'end', 'config', 'nor that'],
  ['2026-12-31T25:00Z', 'end', 'config', 'no such hour'],
  ['2026-12-31T18:60Z', 'end', 'config', 'no such minute'],
  ['2026-02-29T18:00Z', 'end', 'config', 'no such day'],
  ['2026-12-31 18:00', 'end', 'config', 'a blank for the T'],
  ['31/12/2026', 'end', 'config', 'a French date'],
  ['2026-W53', 'end', 'config', 'a week'],
  ['2026-365', 'end', 'config', 'a day of the year'],
  ['20261231', 'end', 'config', 'without hyphens'],
  ['tomorrow', 'end', 'config', 'a word'],
  ['', 'end', 'config', 'nothing'],
  ['1798758000', 'end', 'config', 'seconds since 1970'],
  ['2026-12-31\n', 'end', 'config', 'a line end'],
];

t.test('times', async (t) => {
  for (const [typed, edge, becomes, why] of TIMES) {
    const name = `${why}: ${edge} of ${JSON.stringify(typed)}`;
    t.equal(
      outcome(() => instant(typed, edge, 'Europe/Paris', '--ends')),
      becomes,
      name,
    );
  }
  t.equal(
    instant('2026-12-31', 'end', 'Pacific/Auckland', '--ends'),
    '2026-12-31T10:59:59.999Z',
    "another site's zone",
  );
  t.equal(
    instant('2018-11-04', 'start', 'America/Sao_Paulo', '--starts'),
    '2018-11-04T03:00:00.000Z',
    'a day that begins at one',
  );
  t.throws(() => instant('soon\x1b[2J', 'end', 'Europe/Paris', '--ends'), {
    message: '--ends soon\\u001b[2J: this is not a date or a time as ISO 8601 writes them',
    hint: /2026-12-31/,
  });
});

t.test('seconds', async (t) => {
  for (const [typed, value] of [
    ['1', 1],
    ['0.5', 0.5],
    ['86400', 86_400],
  ] as const)
    t.equal(seconds(typed), value);
  for (const typed of ['0', '-1', '86401', '', ' 5', '1e3', '0x10', 'Infinity', 'NaN', '5s', '1,5'])
    t.throws(() => seconds(typed), InvalidArgumentError, JSON.stringify(typed));
});
