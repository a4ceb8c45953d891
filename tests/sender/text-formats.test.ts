import fc from 'fast-check';
import t from 'tap';
import type { SenderRule } from '../../acl/desired.ts';
import { type FileFormat, loginsIn, written } from '../../bridge/sender/text-formats.ts';

const FORMATS = ['opensmtpd', 'exim', 'texthash'] as const;
const rule = (address: string, login: string): SenderRule => ({ address, login });
const body = (format: FileFormat, rules: readonly SenderRule[], logins?: readonly string[]) =>
  written(format, rules, logins)
    .text.split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

t.test('one line a key, sorted, each value once', async (t) => {
  const rules = [rule('b@x.y', 'bob'), rule('a@x.y', 'bob'), rule('a@x.y', 'alice@x.y'), rule('a@x.y', 'bob')];
  t.same(body('exim', rules), ['a@x.y: alice@x.y, bob', 'b@x.y: bob']);
  t.same(body('texthash', rules), ['a@x.y alice@x.y,bob', 'b@x.y bob']);
  t.same(body('opensmtpd', rules), ['alice@x.y: a@x.y', 'bob: a@x.y, b@x.y']);
  for (const format of FORMATS) t.same(body(format, []), [], 'nothing is nothing');
});

t.test('logins keep their own address for OpenSMTPD alone', async (t) => {
  const rules = [rule('a@x.y', 'bob@x.y')];
  t.same(body('opensmtpd', rules, ['bob@x.y', 'carol@x.y', 'nobody', '@']), [
    'bob@x.y: a@x.y, bob@x.y',
    'carol@x.y: carol@x.y',
  ]);
  t.same(body('exim', rules, ['carol@x.y']), ['a@x.y: bob@x.y']);
});

t.test('what would be read as syntax is refused, and the rest is written', async (t) => {
  const good = rule('a@x.y', 'bob');
  const rows: readonly (readonly [SenderRule, string])[] = [
    [rule('a@x.y\nceo@x.y', 'bob'), 'a second line'],
    [rule('a@x.y: bob\rceo@x.y', 'bob'), 'and by a carriage return'],
    [rule('a@x.y', 'bob, ceo'), 'a second value'],
    [rule('a@x.y', 'bob\nceo@x.y: bob'), 'a second line behind the value'],
    [rule('a@x.y', ''), 'nobody'],
    [rule('', 'bob'), 'no address'],
    [rule('@', 'bob'), 'everybody, to OpenSMTPD'],
    [rule('a', 'bob'), 'no domain'],
    [rule('a@*', 'bob'), 'a pattern'],
    [rule('a@*.y', 'bob'), 'a pattern of hosts'],
    [rule('#a@x.y', 'bob'), 'a comment'],
    [rule(' a@x.y', 'bob'), 'a continued line'],
    [rule('"a b"@x.y', 'bob'), 'quotes'],
    [rule('A@x.y', 'bob'), 'upper case, which mandat never publishes'],
    [rule('a@x.y', '@'), 'a login without a letter'],
    [rule('é@x.y', 'bob'), 'beyond ASCII'],
    [rule('a@x.y', '$value{x}'), 'an expansion'],
    [rule('file:/etc/passwd@x.y', 'bob'), 'a path'],
  ];
  for (const [bad, why] of rows) {
    for (const format of FORMATS) {
      t.same(written(format, [bad, good]).refused, [bad], `${format}: ${why}`);
      t.same(body(format, [bad, good]), body(format, [good]), `${format}: ${why}`);
    }
  }
  t.same(body('exim', [rule('@x.y', 'bob')]), ['@x.y: bob'], 'a whole domain may be given');
});

t.test('whatever the rules, reading the lines back gives the rules that were not refused', async () => {
  const word = fc.oneof(
    fc.stringMatching(/^[a-z0-9._+-]{1,8}@[a-z0-9.-]{1,8}$/),
    fc.string({ maxLength: 12 }),
    fc.constantFrom('a@x.y', 'a@x.y ', 'b:c@x.y', '@x.y', '\n'),
  );
  const rules = fc.array(fc.record({ address: word, login: word }), { maxLength: 8 });
  const key = ({ address, login }: SenderRule) => `${address}\0${login}`;
  fc.assert(
    fc.property(rules, (rules) => {
      for (const format of FORMATS) {
        const { refused } = written(format, rules);
        const wanted = new Set(rules.filter((one) => !refused.some((bad) => key(bad) === key(one))).map(key));
        const read = body(format, rules).flatMap((line) => {
          const [, from = '', to = ''] = /^(\S+?):? (.*)$/.exec(line) ?? [];
          const pairs = to
            .split(/, ?/)
            .map((value) => (format === 'opensmtpd' ? rule(value, from) : rule(from, value)));
          return pairs.map(key);
        });
        if ([...wanted].sort().join() !== [...read].sort().join()) return false;
      }
      return true;
    }),
  );
});

t.test('the logins in a table of credentials, and nothing else of it', async (t) => {
  const table = '# users\nalice@x.y $6$salt$hash\nBob@x.y:{PLAIN}secret:8:8\n\n  carol@x.y\tx\n:nobody\n';
  t.same(loginsIn(table), ['alice@x.y', 'bob@x.y', 'carol@x.y']);
});
