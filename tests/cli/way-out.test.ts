/** Everything that is said leaves by one way, and is harmless there: on the screen, in JSON, in a file, in the log. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { cell } from '../../bridge/shared/csv-cell.ts';
import { escapedJson, escapedText, oneLine, shownText } from '../../bridge/shared/harmless-text.ts';
import { complaint, jsonOf } from '../../cli/output.ts';
import { EVIL_TEXT, OBEYED } from './evil.ts';

t.test('nobody writes past it', async (t) => {
  /** output.ts is the way out; progress.ts moves the cursor, with words of ours; log.ts and main.ts have the streams in hand; precompile.ts silences them. */
  const allowed = [
    'cli/output.ts',
    'cli/progress.ts',
    'cli/log.ts',
    'cli/main.ts',
    'cli/precompile.ts',
    'cli/confirm.ts',
  ];
  for (const room of ['cli', 'bridge', 'acl', 'config']) {
    for (const name of readdirSync(room, { recursive: true, encoding: 'utf8' })) {
      const file = path.join(room, name);
      if (!name.endsWith('.ts') || file.startsWith('config/lab/') || allowed.includes(file)) continue;
      t.notMatch(readFileSync(file, 'utf8'), /process\.std(?:out|err)\.write|\bconsole\./, file);
    }
  }
});

t.test('texts and documents', async (t) => {
  for (const whole of [oneLine, escapedText]) t.notMatch(whole(EVIL_TEXT), OBEYED);
  t.equal(shownText('a\nb'), 'a\nb', 'our own line ends');
  const document = { [EVIL_TEXT]: [EVIL_TEXT, { deeper: `\u{e0041}${EVIL_TEXT}\ud800` }] };
  for (const indent of [undefined, 2]) {
    const json = jsonOf(document, indent);
    t.same(JSON.parse(json), document, 'nothing is lost');
    t.notMatch(json.replaceAll('\n', ''), OBEYED);
  }
  t.match(jsonOf('\u202e'), '\\u202e');
  t.equal(escapedJson('{"a": "é\u200d😀"}\n'), '{"a": "é\u200d😀"}\n', 'what is to be seen stays');
  t.equal(complaint('mandat: x\nmandat: y\n  z'), 'mandat: x\n        mandat: y\n  z', 'no message within a message');
});

t.test('a cell of a spreadsheet', async (t) => {
  const cases: readonly (readonly [value: string | number | null, shown: string, why: string])[] = [
    [null, '', 'nothing'],
    [-5, '-5', 'a number'],
    ['plain', 'plain', 'a word'],
    ['a,"b"', '"a,""b"""', 'RFC 4180'],
    ['=cmd()', "'=cmd()", 'a formula'],
    ['  =cmd()', "'  =cmd()", 'behind blanks'],
    ['\uff1dcmd()', "'\uff1dcmd()", 'in wide form'],
    ['+1', "'+1", 'another sign'],
    ['@x', "'@x", 'and another'],
    ['\t=x', "'\\u0009=x", 'behind a tab'],
    ['x;=cmd()', `"x;'=cmd()"`, 'where a semicolon begins a cell'],
    ['x;-1;y', `"x;'-1;y"`, 'not every semicolon'],
    ['a\r\nb', 'a\\u000d\\u000ab', 'one line an entry'],
    ['\u202e\x1b[2J', '\\u202e\\u001b[2J', 'what a terminal obeys'],
  ];
  for (const [value, shown, why] of cases) t.equal(cell(value), shown, why);
});

t.test('the log', async (t) => {
  const program = `import { openLog } from ${JSON.stringify(path.resolve('cli/log.ts'))};
    openLog('info').warn({ mailbox: process.argv.at(-1) }, process.argv.at(-1));`;
  const script = path.join(t.testdir({}), 'logs.mts');
  const { writeFileSync } = await import('node:fs');
  writeFileSync(script, program);
  const said = execFileSync('sh', ['-c', 'exec "$@" 2>&1', 'sh', process.execPath, '--import=tsx', script, EVIL_TEXT], {
    encoding: 'utf8',
  });
  t.notMatch(said.trimEnd(), OBEYED);
  t.match(JSON.parse(said), { msg: EVIL_TEXT, mailbox: EVIL_TEXT });
});
