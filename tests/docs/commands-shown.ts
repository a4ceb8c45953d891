/** Commands of mandat as pages show them, compared with their definitions: that they exist, with each option and each word that they take. */
import type { CommandDefinition } from '../../cli/definitions.ts';

/** What stands before a command on a line of a shell. */
const BEFORE = String.raw`(?:^|[;&|(]|\$\(|\bsudo(?: -u \S+| -\S+| \w+=\S+)*|\brunuser -u \S+ --|\bexec|\btime|\bwatch|\bthen|\bdo)\s*`;
const PROGRAM = String.raw`(?:\/\S*\/)?mandat(?= )`;
const SHOWN = new RegExp(`${BEFORE}(?:\\$ |# )?${PROGRAM}(?<rest>[^;&|<>)]*(?:<[a-z.-]+>[^;&|<>)]*)*)`, 'g');

/** The commands on a line of a block; what is a comment there is none. */
export function commandsOn(line: string): readonly string[] {
  return [...line.matchAll(SHOWN)].map(({ groups }) => (groups?.rest ?? '').trim());
}

/** The words of a command as a shell would have them, up to a comment; brackets around what may be left out fall away. */
export function wordsOf(command: string): readonly string[] {
  const words = [...command.matchAll(/(?:"[^"]*"|'[^']*'|[^\s"'])+/g)].map(([word]) => word);
  const end = words.findIndex((word) => word.startsWith('#'));
  return (end === -1 ? words : words.slice(0, end))
    .map((word) => word.replace(/^\[+(?!\.\.\.)|\]+(?:\.\.\.)?$/g, '').replace(/["']/g, ''))
    .filter((word) => !/^(?:\.\.\.|\||…|\\|options)?$/.test(word));
}

/** What is wrong with it; undefined where the program would take it. `whole`: it stands as it is to be typed, with all that it needs. */
export function faultOf(
  words: readonly string[],
  commands: ReadonlyMap<string, CommandDefinition>,
  whole: boolean,
): string | undefined {
  const root = commands.get('');
  if (root === undefined) return 'no commands';
  let at = root;
  let given = 0;
  const queue = [...words];
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (word.startsWith('-') && word !== '-') {
      // `--all|--undo`: one of them
      for (const flag of word.split(/[|/](?=--)/)) {
        const [name = ''] = flag.split('=');
        if (name === '--help' || name === '-h') return undefined;
        const option =
          [...at.options, ...root.options].find(({ flags }) => flags.includes(name)) ?? ofDefault(at, commands, name);
        if (option === undefined) return `no option ${name} of mandat ${at.path}`;
        if (option.value === undefined || flag.includes('=')) continue;
        const value = queue[0];
        if (value === undefined || (value.startsWith('--') && whole)) {
          if (whole && option.shown.includes('<')) return `${name} of mandat ${at.path} needs a value`;
          continue;
        }
        if (!wordFits(value, option.choices, option.shown))
          return `${name} of mandat ${at.path} is one of ${option.choices.join(', ')}`;
        queue.shift();
      }
      continue;
    }
    const below = commands.get(at.path === '' ? word : `${at.path} ${word}`);
    if (below !== undefined && given === 0) {
      at = below;
      continue;
    }
    if (isPlaceholder(word) && at.path === '' && !whole) return undefined; // `mandat COMMAND`
    if (!at.acts) return `no command mandat ${[at.path, word].filter(Boolean).join(' ')}`;
    given++;
    const argument =
      at.arguments[given - 1] ?? (at.arguments.at(-1)?.shown.includes('...') ? at.arguments.at(-1) : undefined);
    if (argument === undefined) return `mandat ${at.path} takes no ${word}`;
    if (!wordFits(word, argument.choices, argument.shown))
      return `${argument.shown} of mandat ${at.path} is one of ${argument.choices.join(', ')}`;
  }
  if (whole && !at.acts && !hasDefault(at, commands)) return `mandat ${at.path} is not a whole command`;
  const needed = at.arguments.filter(({ shown }) => shown.startsWith('<')).length;
  return whole && given < needed ? `mandat ${at.path} needs ${at.arguments[given]?.shown}` : undefined;
}

/** `MAILBOX`, `<file>`, `$name`: what the reader puts in. */
const isPlaceholder = (word: string) => /^(?:[A-Z][A-Z0-9_:.*/-]*|<.*>|\$.*)$/.test(word);

/** `KIND` stands for what `<kind>` may be, also where that is written in capitals. */
function wordFits(word: string, choices: readonly string[], shown: string): boolean {
  const inCapitals = choices.some((one) => /^[A-Z]+$/.test(one));
  const meant = isPlaceholder(word) && (!inCapitals || shown.includes(`<${word.toLowerCase()}>`));
  return choices.length === 0 || meant || word.split('|').every((one) => choices.includes(one));
}

/** `mandat audit` is `mandat audit list`. */
const hasDefault = ({ path }: CommandDefinition, commands: ReadonlyMap<string, CommandDefinition>) =>
  commands.get(`${path} list`)?.description.includes(`"mandat ${path}"`) === true;

function ofDefault(at: CommandDefinition, commands: ReadonlyMap<string, CommandDefinition>, name: string) {
  if (!hasDefault(at, commands)) return undefined;
  return commands.get(`${at.path} list`)?.options.find(({ flags }) => flags.includes(name));
}
