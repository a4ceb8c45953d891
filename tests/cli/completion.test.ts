/** Completion scripts, run by the shells they are for. */
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { builtMandat } from './built.ts';
import { ran } from './commands.ts';

const script = async (shell: string) => (await ran([...(await builtMandat()), 'completion', shell])).stdout;
const installed = (shell: string) => spawnSync(shell, ['-c', 'true']).status === 0;

t.test('bash', async (t) => {
  const file = path.join(t.testdir({}), 'mandat.bash');
  writeFileSync(file, await script('bash'));
  /** What Tab offers after these words; the last one is begun. */
  const offered = (...words: string[]) => {
    const line = ['mandat', ...words];
    const quoted = line.map((word) => `'${word}'`).join(' ');
    const said = spawnSync(
      'bash',
      [
        '--norc',
        '-c',
        `source '${file}'; COMP_WORDS=(${quoted}); COMP_CWORD=${line.length - 1}; _mandat; printf '%s\\n' "\${COMPREPLY[@]}"`,
      ],
      { encoding: 'utf8', cwd: path.dirname(file) },
    );
    t.equal(said.stderr, '');
    return said.stdout
      .split('\n')
      .filter((word) => word !== '')
      .sort();
  };
  t.match(spawnSync('bash', ['--norc', '-c', `source '${file}'; complete -p mandat`], { encoding: 'utf8' }), {
    stdout: 'complete -F _mandat mandat\n',
  });
  const cases: readonly (readonly [words: readonly string[], offered: readonly string[], why: string])[] = [
    [['gr'], ['grant'], 'a command'],
    [['re'], ['restore', 'resume', 'revoke'], 'several'],
    [['--js'], ['--json'], 'an option before the command'],
    [['--json', 'ver'], ['verify'], 'a command behind an option'],
    [['--config', 'grant', 'suspe'], ['suspend'], "a file's name is no command"],
    [['mailbox', 'a'], ['add', 'alias'], 'a command below a command'],
    [['mailbox', 'alias', ''], ['--help', 'add', 'remove'], 'two below'],
    [['grant', 'alice@lab.test', 'bob', '--e'], ['--ends'], "a command's option, behind its arguments"],
    [['audit', '--mailbox', 'list', '--ch'], ['--check'], "an option's value is no command"],
    [['completion', ''], ['--help', 'bash', 'fish', 'zsh'], 'what an argument may be'],
    [['mailbox', 'add', 'x@lab.test', '--kind', ''], ['APP', 'CAB', 'ORG', 'PER'], 'what an option may be'],
    [['delegate', 'set', 'bob', '--state', 'a'], ['active'], 'the beginning of it'],
    [['grant', '--from', 'mandat.b'], ['mandat.bash'], 'a file'],
    [['--config', 'mandat.b'], ['mandat.bash'], 'the configuration'],
    [['nothing', 'gr'], ['grant'], 'an unknown word does not hide the commands'],
    [['grant', 'xyz'], [], 'nothing begins so'],
  ];
  for (const [words, expected, why] of cases) t.same(offered(...words), expected, why);
  const commands = offered('');
  for (const command of ['init', 'mailbox', 'explain', 'history', 'doctor', 'completion', 'man'])
    t.ok(commands.includes(command), command);
});

for (const shell of ['zsh', 'fish'] as const) {
  t.test(shell, { skip: installed(shell) ? false : `${shell} is not installed` }, async (t) => {
    const file = path.join(t.testdir({}), `mandat.${shell}`);
    writeFileSync(file, await script(shell));
    const said = spawnSync(shell, ['-n', file], { encoding: 'utf8' });
    t.match(said, { status: 0, stderr: '' });
  });
}

t.test('fish', { skip: installed('fish') ? false : 'fish is not installed' }, async (t) => {
  const file = path.join(t.testdir({}), 'mandat.fish');
  writeFileSync(file, await script('fish'));
  const cases: readonly (readonly [line: string, offered: readonly string[], why: string])[] = [
    ['gr', ['grant'], 'a command'],
    ['mailbox a', ['add', 'alias'], 'a command below a command'],
    ['mailbox alias ', ['add', 'remove'], 'two below'],
    ['mailbox alias add --k', [], 'not the options of another command of that name'],
    ['mailbox add x@lab.test --k', ['--kind'], 'but its own'],
    ['--config grant suspe', ['suspend'], "a file's name is no command"],
    ['completion ', ['bash', 'fish', 'zsh'], 'what an argument may be'],
    ['mailbox add x@lab.test --kind ', ['APP', 'CAB', 'ORG', 'PER'], 'what an option may be'],
  ];
  for (const [line, expected, why] of cases) {
    const said = spawnSync('fish', ['--no-config', '-c', `source '${file}'; complete -C 'mandat ${line}'`], {
      encoding: 'utf8',
    });
    t.match(said, { status: 0, stderr: '' });
    const offered = said.stdout.split('\n').flatMap((one) => one.split('\t')[0] || []);
    t.same(offered.sort(), expected, why);
  }
});

t.test('fish: a line for each command and option, its text quoted', async (t) => {
  const lines = (await script('fish')).split('\nend\n').at(-1)?.trimEnd().split('\n') ?? [];
  for (const line of lines) if (!/^complete -c mandat( -f)?( -n '[^']+') (-a|-l) .*$/.test(line)) t.fail(line);
  t.ok(lines.some((line) => line.includes("-a grant -d '")));
  t.ok(lines.some((line) => line.includes("-l kind -x -a 'PER ORG APP CAB'")));
  const odd = lines.filter((line) => line.replaceAll("\\'", '').split("'").length % 2 === 0);
  t.same(odd, [], 'each quote is closed');
});

t.test('another shell: 2, naming those there are', async (t) => {
  t.match(await ran([...(await builtMandat()), 'completion', 'tcsh']), {
    status: 2,
    stdout: '',
    stderr: /bash, zsh, fish/,
  });
});
