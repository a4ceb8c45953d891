/** The commands as commander knows them, flattened: --help, the completions and the man page say the same because they come from here. */
import type { Argument, Command } from 'commander';

export interface CommandDefinition {
  /** `mailbox alias add`, the program's name left out; empty for the program itself. */
  readonly path: string;
  readonly description: string;
  /** `<mailbox> [delegate]` */
  readonly usage: string;
  /** What its argument may be, where it is one of a few words. */
  readonly choices: readonly string[];
  /** Its argument is a file. */
  readonly file: boolean;
  readonly arguments: readonly {
    /** `<mailbox>`, `[id...]` */
    readonly shown: string;
    readonly description: string;
    readonly choices: readonly string[];
  }[];
  readonly options: readonly {
    readonly flags: readonly string[];
    readonly shown: string;
    readonly description: string;
    readonly choices: readonly string[];
    /** What holds where it is left out, as it is typed; undefined: nothing. */
    readonly default: string | undefined;
    /** What stands behind it, if anything. */
    readonly value: 'file' | 'word' | undefined;
  }[];
  readonly subcommands: readonly string[];
  /** Does something itself, and isn't only what its subcommands stand under. */
  readonly acts: boolean;
}

export function definitions(program: Command): readonly CommandDefinition[] {
  return [define(program, ''), ...below(program, '')];
}

/** What `command` has below it under this name. */
export function child(
  commands: readonly CommandDefinition[],
  { path }: CommandDefinition,
  name: string,
): CommandDefinition | undefined {
  const wanted = path === '' ? name : `${path} ${name}`;
  return commands.find((command) => command.path === wanted);
}

function below(command: Command, path: string): readonly CommandDefinition[] {
  return command.commands.flatMap((child) => {
    const name = path === '' ? child.name() : `${path} ${child.name()}`;
    return [define(child, name), ...below(child, name)];
  });
}

function define(command: Command, path: string): CommandDefinition {
  const given = command.registeredArguments.map((argument) => ({
    shown: shownArgument(argument),
    description: argument.description,
    choices: argument.argChoices ?? [],
  }));
  return {
    path,
    description: command.description(),
    usage: given.map(({ shown }) => shown).join(' '),
    choices: given.flatMap(({ choices }) => choices),
    file: command.registeredArguments.some((argument) => argument.name() === 'file'),
    arguments: given,
    options: command.options
      .filter(({ hidden }) => !hidden)
      .map((option) => ({
        flags: [option.short, option.long].filter((flag): flag is string => flag !== undefined),
        shown: option.flags,
        description: option.description,
        choices: option.argChoices ?? [],
        default: option.negate || option.defaultValue === undefined ? undefined : String(option.defaultValue),
        value: valueBehind(option.flags),
      })),
    subcommands: command.commands.map((child) => child.name()),
    acts: command.commands.length === 0 || command.registeredArguments.length > 0,
  };
}

function shownArgument(argument: Argument): string {
  const name = argument.variadic ? `${argument.name()}...` : argument.name();
  return argument.required ? `<${name}>` : `[${name}]`;
}

function valueBehind(flags: string): 'file' | 'word' | undefined {
  if (/<(file|directory)>/.test(flags)) return 'file';
  return /[<[]/.test(flags) ? 'word' : undefined;
}
