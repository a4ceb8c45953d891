import type { Command } from 'commander';
import { version } from '../bridge/shared/version.ts';
import { type CommandDefinition, definitions } from './definitions.ts';
import { EXIT_HELP } from './exit.ts';
import { printed } from './output.ts';

/** `mandat man > mandat.1`; docs/mandat.1 is its output, and a test fails when that is stale. */
export function manCommand(program: Command): void {
  program
    .command('man')
    .description('print the manual page, for example: mandat man | man -l -')
    .action(() => {
      printed(manPage(definitions(program), version().number));
    });
}

export function manPage(commands: readonly CommandDefinition[], version: string): string {
  const [program, ...rest] = commands;
  if (program === undefined) return '';
  const lines = [
    `.TH MANDAT 1 "" "mandat ${version}" "User Commands"`,
    '.SH NAME',
    `mandat \\- ${escaped(program.description)}`,
    '.SH SYNOPSIS',
    '.B mandat',
    '[\\fB\\-\\-config\\fR \\fIfile\\fR] [\\fB\\-\\-json\\fR] \\fIcommand\\fR ...',
    '.SH OPTIONS',
    ...program.options.flatMap(option),
    '.SH COMMANDS',
    ...rest.filter(({ acts }) => acts).flatMap(command),
    '.SH EXIT STATUS AND CONFIGURATION',
    '.nf',
    ...EXIT_HELP.split('\n').map(escaped),
    '.fi',
  ];
  return `${lines.join('\n')}\n`;
}

function command({ path, usage, description, options }: CommandDefinition): readonly string[] {
  return [
    `.SS "mandat ${escaped([path, usage].filter(Boolean).join(' '))}"`,
    escaped(description),
    ...options.flatMap(option),
  ];
}

function option({ shown, description }: CommandDefinition['options'][number]): readonly string[] {
  return ['.TP', `\\fB${escaped(shown)}\\fR`, ...(description === '' ? [] : [escaped(description)])];
}

/** roff reads a leading dot or quote as a request, a backslash as an escape, and a bare hyphen as a hyphen. */
function escaped(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/, '\\&$1');
}
