import { type CommandDefinition, child } from '../definitions.ts';
import { leadingOptions } from './words.ts';

export function fish(commands: readonly CommandDefinition[]): string {
  const lines = commands.flatMap((command) => {
    const when = ` -n ${quote(`__mandat_at "${command.path}"`)}`;
    return [
      // Files are offered where one is wanted, and nowhere else.
      ...(command.file ? [] : [`complete -c mandat -f${when}`]),
      ...command.subcommands.map((name) => {
        const description = child(commands, command, name)?.description ?? '';
        return `complete -c mandat -f${when} -a ${name} -d ${quote(description)}`;
      }),
      ...command.options.map((option) => `complete -c mandat${when}${flag(option)} -d ${quote(option.description)}`),
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
    else if contains -- $word ${leadingOptions(commands).join(' ')}
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

function flag({ flags, choices, value }: CommandDefinition['options'][number]): string {
  const long = flags.find((name) => name.startsWith('--'))?.slice(2) ?? '';
  const short = flags.find((name) => /^-[^-]$/.test(name))?.slice(1);
  const name = ` -l ${long}${short === undefined ? '' : ` -s ${short}`}`;
  if (choices.length > 0) return `${name} -x -a ${quote(choices.join(' '))}`;
  return name + (value === 'file' ? ' -r -F' : value === 'word' ? ' -x' : '');
}

const quote = (text: string) => `'${text.replace(/[\\']/g, '\\$&')}'`;
