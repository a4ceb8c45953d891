/** The command and its options, all of them; what runs it is main.ts. */
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { accountCommand } from './account.ts';
import { adoptCommand } from './adopt.ts';
import { auditCommand } from './audit.ts';
import { backupCommand } from './backup.ts';
import { completionCommand } from './completion.ts';
import { delegateCommand } from './delegate.ts';
import { directoryCommand } from './directory.ts';
import { doctorCommand } from './doctor.ts';
import { domainCommand } from './domain.ts';
import { EXIT_HELP } from './exit.ts';
import { explainCommand } from './explain.ts';
import { filterCommand } from './filter.ts';
import { grantCommand } from './grant.ts';
import { initCommand } from './init.ts';
import { listCommand } from './list.ts';
import { mailboxCommand } from './mailbox.ts';
import { manCommand } from './man.ts';
import { noticesCommand } from './notices.ts';
import { complained, printed } from './output.ts';
import { pauseCommand } from './pause.ts';
import { restoreCommand } from './restore.ts';
import { revokeCommand } from './revoke.ts';
import { runCommand } from './run.ts';
import { pathOf, runner } from './runner.ts';
import { sendModeCommand } from './send-mode.ts';
import { setupCommand } from './setup.ts';
import { standInCommand } from './stand-in.ts';
import { statusCommand } from './status.ts';
import { suspendCommand } from './suspend.ts';
import { syncCommand } from './sync.ts';
import { uninstallCommand } from './uninstall.ts';
import { verifyCommand } from './verify.ts';
import { whoCommand } from './who.ts';
import { withdrawCommand } from './withdraw.ts';

const COMMANDS = [
  setupCommand,
  initCommand,
  mailboxCommand,
  domainCommand,
  delegateCommand,
  accountCommand,
  directoryCommand,
  grantCommand,
  revokeCommand,
  suspendCommand,
  pauseCommand,
  sendModeCommand,
  listCommand,
  runCommand,
  filterCommand,
  standInCommand,
  statusCommand,
  syncCommand,
  verifyCommand,
  doctorCommand,
  explainCommand,
  noticesCommand,
  auditCommand,
  whoCommand,
  backupCommand,
  restoreCommand,
  adoptCommand,
  withdrawCommand,
  uninstallCommand,
  completionCommand,
  manCommand,
];

export function buildProgram(): Command {
  const program = new Command('mandat')
    .description('mailbox delegation on real mail servers: a row in a table becomes IMAP access and the right to send')
    .version(version())
    .option('--config <file>', 'configuration file')
    .option(
      '--as <actor>',
      'who acts: owner:ID, delegate:ID or admin:NAME; the user at the keyboard, as an admin, by default',
    )
    .option('--json', 'one JSON document on standard output')
    .addHelpText('after', `\n${EXIT_HELP}`);
  const run = runner(program);
  for (const command of COMMANDS) command(program, run);
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

/** package.json lies beside dist/, and beside cli/ in a checkout. */
function version(): string {
  for (const place of ['../package.json', '../../package.json']) {
    try {
      const { name, version: found } = JSON.parse(readFileSync(new URL(place, import.meta.url), 'utf8'));
      if (name === 'mandat') return found;
    } catch {
      // not there: the other place
    }
  }
  return 'unknown';
}
