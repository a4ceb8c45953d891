import type { CommandDefinition } from '../definitions.ts';
import { fileOptions, knownPaths, leadingOptions, valueBranches } from './words.ts';

export function bash(commands: readonly CommandDefinition[]): string {
  const branches = commands.map((command) => {
    const files = command.file ? ' files=yes' : '';
    return `    '${command.path}') words='${wordsAfter(command)}'${files} ;;`;
  });
  return `# bash completion for mandat
_mandat() {
  local word path='' words='' files=no index
  local before=\${COMP_WORDS[COMP_CWORD-1]} begun=\${COMP_WORDS[COMP_CWORD]}
  for ((index = 1; index < COMP_CWORD; index++)); do
    word=\${COMP_WORDS[index]}
    case $word in ${leadingOptions(commands).join('|')}) ((index++)); continue ;; -*) continue ;; esac
    case "\${path:+$path }$word" in
      ${knownPaths(commands)}) path="\${path:+$path }$word" ;;
    esac
  done
  case $before in
    ${fileOptions(commands)}) COMPREPLY=($(compgen -f -- "$begun")); return ;;
  esac
  case $path in
${branches.join('\n')}
  esac
  case "$path $before" in
${valueBranches(commands, (choices) => `words='${choices.join(' ')}' files=no`)}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$begun"))
  [ $files = no ] || COMPREPLY+=($(compgen -f -- "$begun"))
}
complete -F _mandat mandat
`;
}

/** What may follow a command: its subcommands, what its argument may be, and its options. */
function wordsAfter({ subcommands, choices, options }: CommandDefinition): string {
  return [...subcommands, ...choices, ...options.flatMap(({ flags }) => flags), '--help'].join(' ');
}
