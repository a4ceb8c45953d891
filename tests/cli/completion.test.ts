/** Completion scripts, run by the shells they are for. */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
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
    [['mailbox', 'alias', ''], ['--help', 'add', 'list', 'remove'], 'two below'],
    [['grant', 'alice@lab.test', 'bob', '--e'], ['--ends'], "a command's option, behind its arguments"],
    [['audit', '--mailbox', 'list', '--ch'], ['--check'], "an option's value is no command"],
    [['completion', ''], ['--help', 'bash', 'fish', 'zsh'], 'what an argument may be'],
    [['mailbox', 'add', 'x@lab.test', '--kind', ''], ['APP', 'CAB', 'ORG', 'PER'], 'what an option may be'],
    [['delegate', 'set', 'bob', '--state', 'a'], ['active'], 'the beginning of it'],
    [['grant', '--from', 'mandat.b'], ['mandat.bash'], 'a file'],
    [['--config', 'mandat.b'], ['mandat.bash'], 'the configuration'],
    [['--as', 'grant', 'suspe'], ['suspend'], 'whoever acts is no command either'],
    [['directory', 'import', 'mandat.b'], ['mandat.bash'], 'an argument that is a file'],
    [['doctor', '--postfix-config', 'mandat.b'], ['mandat.bash'], 'a place'],
    [['nothing', 'gr'], ['grant'], 'an unknown word does not hide the commands'],
    [['grant', 'xyz'], [], 'nothing begins so'],
  ];
  for (const [words, expected, why] of cases) t.same(offered(...words), expected, why);
  const commands = offered('');
  for (const command of ['init', 'mailbox', 'explain', 'history', 'doctor', 'completion', 'man'])
    t.ok(commands.includes(command), command);
});

/** What both shells with descriptions offer, each in its own way: a line that is begun, and what Tab shows. */
const OFFERED: readonly (readonly [line: string, offered: readonly string[], why: string])[] = [
  ['gr', ['grant'], 'a command'],
  ['re', ['restore', 'resume', 'revoke'], 'several'],
  ['mailbox a', ['add', 'alias'], 'a command below a command'],
  ['mailbox alias ', ['add', 'list', 'remove'], 'two below'],
  ['mailbox alias add --k', [], 'not the options of another command of that name'],
  ['mailbox add x@lab.test --k', ['--kind'], 'but its own'],
  ['--config grant suspe', ['suspend'], "a file's name is no command"],
  ['--as grant suspe', ['suspend'], 'nor is whoever acts'],
  ['completion ', ['bash', 'fish', 'zsh'], 'what an argument may be'],
  ['mailbox add x@lab.test --kind ', ['APP', 'CAB', 'ORG', 'PER'], 'what an option may be'],
  ['grant --from peo', ['people.csv'], 'a file'],
  ['--config peo', ['people.csv'], 'the configuration'],
  ['directory import peo', ['people.csv'], 'an argument that is a file'],
  ['grant peo', [], 'and none where a file is of no use'],
  ['grant --note peo', [], 'nor as the value of an option'],
];

t.test('fish', { skip: installed('fish') ? false : 'fish is not installed' }, async (t) => {
  const directory = t.testdir({ 'people.csv': '' });
  const file = path.join(directory, 'mandat.fish');
  writeFileSync(file, await script('fish'));
  t.match(spawnSync('fish', ['-n', file], { encoding: 'utf8' }), { status: 0, stderr: '' });
  const ask = OFFERED.map(([line]) => `complete -C 'mandat ${line}'; echo ==`).join('; ');
  const said = spawnSync('fish', ['--no-config', '-c', `source '${file}'; ${ask}`], {
    encoding: 'utf8',
    cwd: directory,
  });
  t.match(said, { status: 0, stderr: '' });
  for (const [index, [, expected, why]] of OFFERED.entries()) {
    const lines = said.stdout.split('==\n')[index]?.split('\n') ?? [];
    t.same(lines.flatMap((one) => one.split('\t')[0] || []).sort(), expected, why);
  }
});

/**
 * zsh completes at a terminal only, so it gets one (zpty), with a Tab that writes down what would be offered. Found in $fpath,
 * as an administrator installs it: the first Tab loads it, and must not offer nothing for that.
 */
const AT_ZSH = String.raw`
zmodload zsh/zpty
: > offered
zpty at zsh -f -i
zpty -w at 'PS1=; fpath=($PWD $fpath); autoload -Uz compinit; compinit -u -D
  compadd() { [[ " $* " = *" -"[OAD]" "* ]] && { builtin compadd "$@"; return }
    local -a found; builtin compadd -A found "$@"; print -rl -- $found >> offered; return 0 }
  offer() { _main_complete; print :: >> offered; compstate[insert]= compstate[list]= }
  zle -C offer complete-word offer; bindkey "^I" offer; : > ready'
until [[ -e ready ]]; do zpty -r -t at > /dev/null; done
for line in "$@"; do
  zpty -w -n at $'\x15'"mandat $line"$'\t'
  (( asked++ ))
  until (( $(grep -c :: offered 2> /dev/null) == asked )); do zpty -r -t at > /dev/null; done
done
zpty -d at`;

t.test('zsh', { skip: installed('zsh') ? false : 'zsh is not installed' }, async (t) => {
  const directory = t.testdir({ 'people.csv': '' });
  const file = path.join(directory, '_mandat');
  writeFileSync(file, await script('zsh'));
  t.match(spawnSync('zsh', ['-n', file], { encoding: 'utf8' }), { status: 0, stderr: '' });
  const said = spawnSync('zsh', ['-f', '-c', AT_ZSH, 'zsh', ...OFFERED.map(([line]) => line)], {
    encoding: 'utf8',
    cwd: directory,
    timeout: 60_000,
  });
  t.match(said, { status: 0, stderr: '' });
  const offered = readFileSync(path.join(directory, 'offered'), 'utf8').split('::\n');
  for (const [index, [, expected, why]] of OFFERED.entries())
    t.same([...new Set(offered[index]?.split('\n').filter(Boolean))].sort(), expected, why);
  const sourced = `autoload -Uz compinit; compinit -u -D; source '${file}'; print $_comps[mandat]`;
  t.match(
    spawnSync('zsh', ['-f', '-c', sourced], { encoding: 'utf8' }),
    { stdout: '_mandat\n', stderr: '' },
    'sourced',
  );
});

t.test('fish: a line for each command and option, its text quoted', async (t) => {
  const lines = (await script('fish')).split('\nend\n').at(-1)?.trimEnd().split('\n') ?? [];
  const form = /^complete -c mandat( -f -n '[^']+'|( -f)? -n '[^']+' (-a|-l) .*)$/;
  for (const line of lines) if (!form.test(line)) t.fail(line);
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
