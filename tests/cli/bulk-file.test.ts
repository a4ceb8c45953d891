/** The file of `grant --from` and `revoke --from`: as spreadsheets write it, and with every mistake at once. */
import { truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import t, { type Test } from 'tap';
import { Failure } from '../../bridge/shared/failure.ts';
import { login } from '../../cli/arguments.ts';
import { readDelegations } from '../../cli/csv.ts';

const NOW = '2026-11-23T08:00:00.000Z';

function file(t: Test, content: string | Buffer): string {
  const name = path.join(t.testdir({}), 'many.csv');
  writeFileSync(name, content);
  return name;
}

const read = (name: string, endsAfter?: string) => readDelegations(name, 'Europe/Paris', login, endsAfter);

function mistakes(t: Test, name: string): string {
  try {
    read(name, NOW);
  } catch (error) {
    t.match(error, Failure);
    t.match(error, { code: 'config' });
    return `${(error as Failure).message}\n${(error as Failure).hint}`;
  }
  return 'nothing was wrong with it';
}

t.test('as spreadsheets write it', async (t) => {
  /** content, what is read, why */
  const cases: readonly (readonly [content: string | Buffer, rows: readonly string[], why: string])[] = [
    ['mailbox,delegate\nalice@lab.test,bob\n', ['2 alice@lab.test bob -'], 'the least'],
    ['\ufeffmailbox,delegate\r\nalice@lab.test,bob\r\n', ['2 alice@lab.test bob -'], 'a byte order mark, CRLF'],
    ['mailbox,delegate\nalice@lab.test,bob', ['2 alice@lab.test bob -'], 'no line end at the end'],
    [
      'Delegate;Note;Mailbox\nbob;congés, été;Alice@LAB.test\n',
      ['2 alice@lab.test bob congés, été'],
      'semicolons, another order, upper case, a comma in a note',
    ],
    [
      'mailbox,delegate,note\nalice@lab.test,bob,leave; then back\n',
      ['2 alice@lab.test bob leave; then back'],
      'a semicolon in a note',
    ],
    [
      'mailbox,delegate,note\n"alice@lab.test", bob ,"says ""yes"",\ntwice"\n\n,,\ncarol@lab.test,dan\n',
      ['2 alice@lab.test bob says "yes",\ntwice', '6 carol@lab.test dan -'],
      'quotes, blanks, a note of two lines, empty lines, columns left out at the end',
    ],
  ];
  for (const [content, rows, why] of cases) {
    const found = read(file(t, content), NOW);
    t.same(
      found.map(({ line, mailbox, delegate, note }) => `${line} ${mailbox} ${delegate} ${note ?? '-'}`),
      rows,
      why,
    );
  }
});

t.test('times as at the command line; what is over can be revoked, not granted', async (t) => {
  const name = file(t, 'mailbox,delegate,starts,ends\nalice@lab.test,bob,2019-01-01,2020-06-30\n');
  t.match(read(name), [{ startsAt: '2018-12-31T23:00:00.000Z', endsAt: '2020-06-30T21:59:59.999Z' }]);
  t.match(mistakes(t, name), /line 2: it ends at 2020-06-30.* past/);
});

t.test('all mistakes at once, with their lines', async (t) => {
  const said = mistakes(
    t,
    file(
      t,
      `mailbox,delegate,ends,note
alice@lab.test,bob,,good
alice,bob,,
alice@lab.test,-bob,,

alice@lab.test,dan,2099-02-29,
alice@lab.test,dan,2020-01-01,
alice@lab.test,eve,,"two
lines"
ALICE@lab.test,Bob,,
carol@lab.test,dan,,this, that
carol@lab.test,$staff,2099-12-31T18:00,
`,
    ),
  );
  t.match(said, /many\.csv has 7 mistakes, nothing was written/);
  const lines = said.split('\n').filter((line) => /^ +line/.test(line));
  const expected = [
    /line 3: "alice" is refused as an address/,
    /line 4: "-bob" is refused as a login/,
    /line 6: ends 2099-02-29: there is no such day/,
    /line 7: it ends at 2020-01-01.*past/,
    /line 10: the same pair stands in line 2$/,
    /line 11: 5 values for 4 columns.*quote/,
    /line 12: "\$staff" is refused as a login/,
  ];
  t.equal(lines.length, expected.length);
  for (const [index, pattern] of expected.entries()) t.match(lines[index], pattern);
});

t.test('what is no table', async (t) => {
  const cases: readonly (readonly [content: string | Buffer, says: RegExp, why: string])[] = [
    ['', /"mailbox" is missing, "delegate" is missing/, 'empty'],
    ['alice@lab.test,bob\n', /"alice@lab\.test" is no column.*"mailbox" is missing.*\ncolumns: mailbox,/, 'no header'],
    ['mailbox,delegate,until\n', /"until" is no column/, 'a column nobody knows'],
    ['mailbox,delegate,mailbox\n', /"mailbox" stands there twice/, 'which one?'],
    ['mailbox,delegate\n', /holds no delegation/, 'a header alone'],
    ['mailbox,delegate\nalice@lab.test,"bob\n', /is not a table/, 'a quote that never ends'],
    ['mailbox,\u001b[2J\n', /"\ufffd\[2j" is no column/, 'nothing that a terminal would obey'],
    [
      Buffer.from('mailbox,delegate,note\nalice@lab.test,bob,cong\xe9s\n', 'latin1'),
      /not written in UTF-8\nsave it/,
      'Latin-1',
    ],
    [Buffer.from('\ufeffmailbox,delegate\nalice@lab.test,bob\n', 'utf16le'), /not written in UTF-8/, 'UTF-16'],
  ];
  for (const [content, says, why] of cases) t.match(mistakes(t, file(t, content)), says, why);
  const directory = t.testdir({});
  t.match(mistakes(t, `${directory}/none.csv`), /none\.csv can't be read \(ENOENT\)\ncheck/);
  t.match(mistakes(t, directory), /can't be read \(EISDIR\)/);
});

t.test('a file without end, and mistakes without end', async (t) => {
  const name = file(t, '');
  truncateSync(name, 5 * 1024 ** 3);
  t.match(mistakes(t, name), /larger than 32 MB\ngive it in parts/);
  t.match(mistakes(t, '/dev/zero'), /larger than 32 MB/, 'nor one that tells no size');
  const many = mistakes(t, file(t, `mailbox,delegate\n${'x,y\n'.repeat(100_000)}`));
  t.match(many, /has 100000 mistakes.*\n +line 2: /);
  t.match(many, /\n +and 99800 more/);
  t.equal(many.split('\n').length, 203);
});
