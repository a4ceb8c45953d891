/**
 * The commands as plain data, for --help, --version, completion and man: what they say needs no line of what the commands do. The build writes
 * it beside the program (.ci/build.ts); a checkout has none and loads every command instead.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Argument, type Command, Option } from 'commander';

export interface Outline {
  readonly name: string;
  readonly description: string;
  /** `[options] <mailbox>` */
  readonly usage: string;
  /** What its parent takes when no word of its own is typed. */
  readonly isDefault: boolean;
  readonly arguments: readonly {
    /** `<mailbox>`, `[id...]` */
    readonly shown: string;
    readonly description: string;
    readonly choices: readonly string[] | null;
  }[];
  readonly options: readonly {
    readonly flags: string;
    readonly description: string;
    readonly choices: readonly string[] | null;
    readonly standard: string | number | boolean | null;
    readonly mandatory: boolean;
    readonly hidden: boolean;
  }[];
  readonly commands: readonly Outline[];
}

/** Beside cli/main.js. */
export const OUTLINE_FILE = 'outline.json';

/** Of every command below the program. Undefined in a checkout. */
export function readOutline(): readonly Outline[] | undefined {
  let text: string;
  try {
    text = readFileSync(path.join(import.meta.dirname, OUTLINE_FILE), 'utf8');
  } catch {
    return undefined;
  }
  return JSON.parse(text);
}

export function outlineOf(command: Command): Outline {
  return {
    name: command.name(),
    description: command.description(),
    usage: command.usage(),
    isDefault: defaultOf(command.parent) === command.name(),
    arguments: command.registeredArguments.map((argument) => ({
      shown: shown(argument),
      description: argument.description,
      choices: argument.argChoices ?? null,
    })),
    options: command.options.map(({ flags, description, argChoices, defaultValue, mandatory, hidden }) => ({
      flags,
      description,
      choices: argChoices ?? null,
      standard: defaultValue ?? null,
      mandatory,
      hidden,
    })),
    commands: command.commands.map(outlineOf),
  };
}

/** Puts it below `parent` again; whatever of it is called in earnest calls `act`. What words may be, beyond choices, is `act`'s to look at. */
export function sketch(parent: Command, outline: Outline, act: () => Promise<void>): void {
  const command = parent.command(outline.name, { isDefault: outline.isDefault }).description(outline.description);
  command.usage(outline.usage);
  for (const { shown, description, choices } of outline.arguments) {
    const argument = new Argument(shown, description);
    command.addArgument(choices === null ? argument : argument.choices(choices));
  }
  for (const { flags, description, choices, standard, mandatory, hidden } of outline.options) {
    const option = new Option(flags, description).makeOptionMandatory(mandatory).hideHelp(hidden);
    if (choices !== null) option.choices(choices);
    if (standard !== null) option.default(standard);
    command.addOption(option);
  }
  for (const below of outline.commands) sketch(command, below, act);
  // As `acts` in definitions.ts.
  if (outline.commands.length === 0 || outline.arguments.length > 0) command.action(act);
}

function shown(argument: Argument): string {
  const name = argument.variadic ? `${argument.name()}...` : argument.name();
  return argument.required ? `<${name}>` : `[${name}]`;
}

/** commander has no question for it. */
function defaultOf(parent: Command | null): string | undefined {
  return (parent as unknown as { readonly _defaultCommandName?: string } | null)?._defaultCommandName;
}
