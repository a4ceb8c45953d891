import t from 'tap';
import { tally } from '../../.ci/tally.ts';

const file = (name: string, body: string, end = `ok 1 - ${name} # time=1ms`) =>
  `# Subtest: ${name}\n${body.replace(/^(?=.)/gm, '    ')}\n${end}\n`;

t.test('counts leaves, and what failed without one', async (t) => {
  const cases: readonly [tap: string, passed: number, failed: number, skipped: number, why: string][] = [
    [file('a', 'ok 1 - x\nok 2 - y\n1..2'), 2, 0, 0, 'assertions of a file'],
    [
      file('a', '# Subtest: s\n    ok 1 - x\n    1..1\nok 1 - s # time=1ms\n1..1'),
      1,
      0,
      0,
      'a subtest is not counted again',
    ],
    [
      file('a', '# Subtest: s\n    not ok 1 - x\n    1..1\nnot ok 1 - s\n1..1', 'not ok 1 - a'),
      0,
      1,
      0,
      'nor its failure',
    ],
    [file('a', 'ok 1 - x\n1..1', 'not ok 1 - a'), 1, 1, 0, 'a crash after its last assertion'],
    [file('a', '1..0 # no tests found', 'not ok 1 - a'), 0, 1, 0, 'a crash before its first'],
    [file('a', 'ok 1 - x # SKIP why\nnot ok 2 - y # TODO later\nok 3 - z\n1..3'), 1, 0, 2, 'skipped and to do'],
    [
      file('a', 'ok 1 - x\n  ---\n  source: |\n    ok 2 - no\n  not ok 3\n  ...\n1..1'),
      1,
      0,
      0,
      'diagnostics look like points',
    ],
  ];
  for (const [tap, passed, failed, skipped, why] of cases)
    t.match(tally(`TAP version 14\n1..1\n${tap}`), { passed, failed, skipped, broken: [] }, why);
});

t.test('what failed is named with where it is', async (t) => {
  const inner = '# Subtest: s\n    ok 1 - x\n    not ok 2 - y\n    1..2\nnot ok 1 - s\nnot ok 2 - z\n1..2';
  const crashed = file('b', 'ok 1 - x\n1..1', 'not ok 2 - b');
  t.same(tally(`TAP version 14\n${file('a', inner, 'not ok 1 - a')}${crashed}1..2\n`).failures, [
    'a > s > y',
    'a > z',
    'b',
  ]);
});

t.test('what failed is named with what was found and what was wanted', async (t) => {
  const differs = (found: string, more = '') =>
    `not ok 1 - x\n  ---\n  compare: ===\n  diff: |\n    --- expected\n    +++ actual\n    @@ -1,1 +1,1 @@\n    -250\n    +${found}\n${more}  at:\n    fileName: a\n    -no\n  ...\n1..1`;
  const failures = (body: string) => tally(`TAP version 14\n1..1\n${file('a', body, 'not ok 1 - a')}`).failures;
  t.same(failures(differs('451')), ['a > x -250 +451']);
  t.same(
    failures(differs('451', '     same\n    -not ok 7\n')),
    ['a > x -250 +451 -not ok 7'],
    'it may look like a point',
  );
  t.match(failures(differs('4'.repeat(1000))), [/^a > x -250 \+4{100,400}…$/]);
  t.same(failures('not ok 1 - x\n  ---\n  source: |\n    -no\n  ...\n1..1'), ['a > x'], 'a source is no difference');
});

t.test('files that were skipped whole are counted, one each', async (t) => {
  const skipped = (n: number) => `ok ${n} - tests/servers/${n}.test.ts # SKIP no debian13 on this machine\n`;
  const all = tally(`TAP version 14\n${skipped(1)}${skipped(2)}1..2\n`);
  t.same(all, { passed: 0, failed: 0, skipped: 2, failures: [], broken: [] });
  t.same(tally(`TAP version 14\n${skipped(1)}1..2\n`).broken, ['1 of 2 test files reported'], 'all of them');
});

t.test('a run that proves nothing', async (t) => {
  const ok = file('a', 'ok 1 - x\n1..1');
  const cases: readonly [tap: string, why: string][] = [
    ['', 'no output at all'],
    ['TAP version 14\n1..0\n', 'no file'],
    [`1..2\n${ok}`, 'a file is missing'],
    [ok, 'cut before its plan'],
    [`1..1\n${file('a', '1..0', 'ok 1 - a # SKIP no tests found')}`, 'a file without a test'],
    [`1..1\n${file('a', 'ok 1 - x\nBail out! why')}`, 'bailed out'],
  ];
  for (const [tap, why] of cases) t.not(tally(tap).broken.length, 0, why);
});
