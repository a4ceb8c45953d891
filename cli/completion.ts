import { Argument, type Command } from 'commander';
import { bash } from './completion/bash.ts';
import { fish } from './completion/fish.ts';
import { zsh } from './completion/zsh.ts';
import { type CommandDefinition, definitions } from './definitions.ts';
import { printed } from './output.ts';

const SCRIPTS = { bash, zsh, fish } as const;
type Shell = keyof typeof SCRIPTS;

/** Needs no configuration, so that it works before there is one. */
export function completionCommand(program: Command): void {
  program
    .command('completion')
    .description('print a completion script, for example: mandat completion bash > /etc/bash_completion.d/mandat')
    .addArgument(new Argument('<shell>', 'which shell').choices(Object.keys(SCRIPTS)))
    .action((shell: Shell) => {
      printed(completion(definitions(program), shell));
    });
}

export function completion(commands: readonly CommandDefinition[], shell: Shell): string {
  return SCRIPTS[shell](commands);
}
