/** zsh's own completion, with what each command and option is for; in $fpath as _mandat, or sourced after compinit. */
import { type CommandDefinition, child } from '../definitions.ts';
import { fileOptions, knownPaths, leadingOptions, valueBranches } from './words.ts';

export function zsh(commands: readonly CommandDefinition[]): string {
  const branches = commands.map((command) => {
    const words = [
      ...command.subcommands.map((name) => described(name, child(commands, command, name)?.description ?? '')),
      ...command.choices.map((choice) => described(choice, '')),
    ];
    const options = command.options.flatMap(({ flags, description }) =>
      flags.map((flag) => described(flag, description)),
    );
    const files = command.file ? ' files=yes' : '';
    return `    '${command.path}') offered=(${words.join(' ')}) options=(${options.join(' ')})${files} ;;`;
  });
  // Neither $path nor $words may be a name of ours: the first is PATH to zsh, the second what stands on the line.
  return `#compdef mandat
# zsh completion for mandat
_mandat() {
  local word at='' files=no index before=\${words[CURRENT-1]}
  local -a offered options
  for ((index = 2; index < CURRENT; index++)); do
    word=\${words[index]}
    case $word in (${leadingOptions(commands).join('|')}) ((index++)); continue ;; (-*) continue ;; esac
    case "\${at:+$at }$word" in
      (${knownPaths(commands)}) at="\${at:+$at }$word" ;;
    esac
  done
  case $before in
    (${fileOptions(commands)}) _files; return ;;
  esac
  case "$at $before" in
${valueBranches(commands, (choices) => `compadd -- ${choices.join(' ')}; return`)}
  esac
  case $at in
${branches.join('\n')}
  esac
  options+=('--help:display help for command')
  _describe -t commands command offered
  _describe -o -t options option options
  [[ $files = no ]] || _files
}
if [[ $funcstack[1] = _mandat ]]; then _mandat "$@"; else compdef _mandat mandat; fi
`;
}

/** As _describe(1) wants it: a colon ends the word. */
function described(word: string, description: string): string {
  const text = description === '' ? word.replaceAll(':', '\\:') : `${word.replaceAll(':', '\\:')}:${description}`;
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
