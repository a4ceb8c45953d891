// docs/reference/commands.md, from the commands as commander knows them.

import { type CommandDefinition, definitions } from '../../cli/definitions.ts';
import { EXIT_HELP } from '../../cli/exit.ts';
import { buildProgram } from '../../cli/program.ts';
import { EXITS, GROUPS } from './command-groups.ts';
import { anchor, code, MADE, page, prose, table } from './markdown.ts';

const defined = definitions(await buildProgram());

/** Those that do something: what only has others below it is none. */
export const commands = (): readonly CommandDefinition[] => defined.filter(({ path, acts }) => path !== '' && acts);

export function commandsPage(): string {
  const [program] = defined;
  const all = commands();
  return page([
    MADE('cli/ (the definitions of the commands) and .ci/manual/'),
    '# The commands',
    `${code('mandat [--config FILE] [--as ACTOR] [--json] COMMAND ...')}. ${code('mandat COMMAND --help')} says the same at the terminal, [docs/mandat.1](../mandat.1) as a manual page.`,
    ...GROUPS.flatMap(({ title, commands: names }) => [
      `**${title}**`,
      table(
        ['command', 'what it does'],
        ofGroup(all, names).map(({ path, description }) => [
          `[${code(path)}](#${anchor(headingOf(path))})`,
          prose(description),
        ]),
      ),
    ]),
    '## Options of every command',
    ...optionsOf(program),
    '## Exit statuses',
    table(
      ['status', 'means'],
      EXIT_STATUSES.map(([status, means]) => [status, prose(means)]),
    ),
    `2 and 5 any command can give: wrong usage or configuration, and a database that is locked. So can 3, where ${code('--as')} names somebody who may not do this. Below each command stands what else it can end with.`,
    ...GROUPS.flatMap(({ title, commands: names }) => [`## ${title}`, ...ofGroup(all, names).flatMap(commandParts)]),
  ]);
}

/** As --help has them: `0`, `done`. */
export const EXIT_STATUSES: readonly (readonly [string, string])[] = [
  ...EXIT_HELP.matchAll(/^ {2}(\d) {2}(.+)$/gm),
].map(([, status = '', means = '']) => [status, means]);

const ofGroup = (all: readonly CommandDefinition[], names: readonly string[]) =>
  names.flatMap((name) => all.filter(({ path }) => path === name || path.startsWith(`${name} `)));

const headingOf = (path: string) => `mandat ${path}`;

function commandParts(command: CommandDefinition): readonly string[] {
  const { path, usage, description, arguments: given } = command;
  const options = command.options.length === 0 ? '' : ' [options]';
  return [
    `### ${headingOf(path)}`,
    prose(sentence(description)),
    `    mandat ${path}${options}${usage === '' ? '' : ` ${usage}`}`,
    ...(given.length === 0
      ? []
      : [
          table(
            ['argument', 'what it is'],
            given.map((one) => [code(one.shown), withChoices(one.description, one.choices)]),
          ),
        ]),
    ...optionsOf(command),
    exitsOf(path),
  ];
}

function optionsOf(command: CommandDefinition | undefined): readonly string[] {
  if (command === undefined || command.options.length === 0) return [];
  return [
    table(
      ['option', 'what it does', 'default'],
      command.options.map(({ shown, description, choices, default: value }) => [
        code(shown),
        withChoices(description, choices),
        value === undefined ? '' : code(value),
      ]),
    ),
  ];
}

function withChoices(description: string, choices: readonly string[]): string {
  const list = choices.length === 0 ? '' : `one of ${choices.map(code).join(', ')}`;
  return [prose(description), list].filter(Boolean).join('; ');
}

function exitsOf(path: string): string {
  const exits = Object.entries(EXITS[path] ?? {});
  if (exits.length === 0) return '';
  return `Exit status ${exits.map(([status, means]) => `**${status}**: ${means}`).join('. ')}.`;
}

const sentence = (text: string) => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
