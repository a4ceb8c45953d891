/** The program around its commands: its own options, and how mistakes in what was typed are told. */
import { Command } from 'commander';
import { versionLine } from '../bridge/shared/version.ts';
import { EXIT_HELP } from './exit.ts';
import { complained, printed } from './output.ts';

/** `fill` puts the commands in. */
export function framed(fill: (program: Command) => void): Command {
  const program = new Command('mandat')
    .description('mailbox delegation on real mail servers: a row in a table becomes IMAP access and the right to send')
    .version(versionLine())
    .option('--config <file>', 'configuration file')
    .option(
      '--as <actor>',
      'who acts: owner:ID, delegate:ID or admin:NAME; the user at the keyboard, as an admin, by default',
    )
    .option('--json', 'one JSON document on standard output')
    .addHelpText('after', `\n${EXIT_HELP}`);
  fill(program);
  everywhere(program, (command) =>
    command
      .exitOverride()
      .configureOutput({ writeOut: printed, writeErr: complained })
      .showHelpAfterError(usageOf(command)),
  );
  return program;
}

/** Settings that commander doesn't hand down to commands of commands. */
function everywhere(command: Command, apply: (command: Command) => void): void {
  apply(command);
  for (const below of command.commands) everywhere(below, apply);
}

/** What is told with a mistake: how this command is called, and where to read on. */
function usageOf(command: Command): string {
  const path = ['mandat', pathOf(command)].filter(Boolean).join(' ');
  const more =
    command.parent === null
      ? '"mandat --help" lists the commands, "mandat COMMAND --help" their options'
      : `"${path} --help" says more`;
  return `Usage: ${path} ${command.usage()}\n(${more})`;
}

/** `mailbox alias add`: never what was typed behind it. */
export function pathOf(command: unknown): string {
  if (!(command instanceof Command) || command.parent === null) return '';
  return `${pathOf(command.parent)} ${command.name()}`.trim();
}
