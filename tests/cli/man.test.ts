import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { builtMandat } from './built.ts';
import { ran } from './commands.ts';

const file = path.resolve(import.meta.dirname, '../../docs/mandat.1');
const printed = async () => (await ran([...(await builtMandat()), 'man'])).stdout;

t.test('docs/mandat.1 is what the program prints', async (t) => {
  t.equal(readFileSync(file, 'utf8'), await printed(), 'stale? npm run docs');
});

t.test('it says what --help says', async (t) => {
  const page = (await printed()).replaceAll('\\-', '-');
  const { stdout } = await ran([...(await builtMandat()), '--help']);
  const commands = [...stdout.matchAll(/^ {2}([a-z]+)(?: |$)/gm)]
    .map(([, name]) => name)
    .filter((name) => name !== 'help');
  t.ok(commands.length >= 15);
  for (const name of commands) t.match(page, new RegExp(`^\\.SS "mandat ${name}[ "]`, 'm'), `${name}`);
  for (const part of ['--atomic', '--dry-run', '$MANDAT_CONFIG', 'mailbox alias add', '0  done']) t.match(page, part);
});

const man = spawnSync('man', ['--version']).status === 0;
t.test('man(1) renders it without a warning', { skip: man ? false : 'man is not installed' }, async (t) => {
  const { status, stdout, stderr } = spawnSync('man', ['--warnings', '-l', file], {
    encoding: 'utf8',
    env: {
      ...process.env,
      LC_ALL: 'C.UTF-8',
      MANWIDTH: '100',
      MANPAGER: 'cat',
      PAGER: 'cat',
      MANROFFOPT: '-c',
      GROFF_NO_SGR: '',
      MAN_KEEP_FORMATTING: '',
    },
  });
  t.match({ status, stderr }, { status: 0, stderr: '' });
  t.match(stdout, /grant \[mailbox\] \[delegate\]/);
  t.match(stdout, /--from <file>/);
});
