import { Argument, type Command } from 'commander';
import { type CommandDefinition, definitions } from './definitions.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

/** Needs no configuration, so that it works before there is one. */
export function completionCommand(program: Command): void {
  program
    .command('completion')
    .description('print a completion script, for example: mandat completion bash > /etc/bash_completion.d/mandat')
    .addArgument(new Argument('<shell>', 'which shell').choices(SHELLS))
    .action((shell: Shell) => {
      process.stdout.write(completion(definitions(program), shell));
    });
}

export function completion(commands: readonly CommandDefinition[], shell: Shell): string {
  switch (shell) {
    case 'bash':
      return bash(commands);
    case 'zsh':
      return `#compdef mandat\nautoload -U +X bashcompinit && bashcompinit\n${bash(commands)}`;
    case 'fish':
      return fish(commands);
  }
}

/** What may follow a command: its subcommands, what its argument may be, and its options. */
function words({ subcommands, choices, options }: CommandDefinition): string {
  return [...subcommands, ...choices, ...options.flatMap(({ flags }) => flags), '--help'].join(' ');
}

function bash(commands: readonly CommandDefinition[]): string {
  const cases = commands.map((command) => `    '${command.path}') words='${words(command)}' ;;`);
  const values = commands.flatMap(({ path, options }) =>
    options
      .filter(({ choices }) => choices.length > 0)
      .map(
        ({ flags, choices }) =>
          `    ${flags.map((flag) => `'${path} ${flag}'`).join('|')}) words='${choices.join(' ')}' ;;`,
      ),
  );
  const known = commands.filter(({ path }) => path !== '').map(({ path }) => `'${path}'`);
  return `# bash completion for mandat
_mandat() {
  local word path='' words='' index
  for ((index = 1; index < COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    case $word in --config) ((index++)); continue ;; -*) continue ;; esac
    case "\${path:+$path }$word" in
      ${known.join('|')}) path="\${path:+$path }$word" ;;
    esac
  done
  if [ "\${COMP_WORDS[COMP_CWORD-1]}" = --config ] || [ "\${COMP_WORDS[COMP_CWORD-1]}" = --from ]; then
    COMPREPLY=($(compgen -f -- "\${COMP_WORDS[COMP_CWORD]}"))
    return
  fi
  case $path in
${cases.join('\n')}
  esac
  case "$path \${COMP_WORDS[COMP_CWORD-1]}" in
${values.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _mandat mandat
`;
}

function fish(commands: readonly CommandDefinition[]): string {
  const quote = (text: string) => `'${text.replace(/[\\']/g, '\\$&')}'`;
  const lines = commands.flatMap((command) => {
    const when = ` -n ${quote(`__mandat_at "${command.path}"`)}`;
    return [
      ...command.subcommands.map((name) => {
        const child = commands.find(({ path }) => path === (command.path === '' ? name : `${command.path} ${name}`));
        return `complete -c mandat -f${when} -a ${name} -d ${quote(child?.description ?? '')}`;
      }),
      ...command.options.map(({ flags, description, choices }) => {
        const long = flags.find((flag) => flag.startsWith('--'))?.slice(2) ?? '';
        const values = choices.length === 0 ? '' : ` -x -a ${quote(choices.join(' '))}`;
        return `complete -c mandat${when} -l ${long}${values} -d ${quote(description)}`;
      }),
      ...command.choices.map((choice) => `complete -c mandat -f${when} -a ${choice}`),
    ];
  });
  const known = commands.filter(({ path }) => path !== '').map(({ path }) => quote(path));
  return `# fish completion for mandat
function __mandat_at # is it this command that is being written?
  set -l path ''
  set -l value no
  for word in (commandline -opc)[2..-1]
    if test $value = yes
      set value no
    else if test $word = --config
      set value yes
    else
      set -l longer (string trim -- "$path $word")
      contains -- $longer ${known.join(' ')}; and set path $longer
    end
  end
  test "$path" = "$argv[1]"
end
${lines.join('\n')}
`;
}
