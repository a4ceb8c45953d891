/** The command with its commands and options; what runs it is main.ts. */
import type { Command } from 'commander';
import { COMMANDS } from './commands.ts';
import { completionCommand } from './completion.ts';
import { framed } from './frame.ts';
import { manCommand } from './man.ts';
import { type Outline, sketch } from './outline.ts';

/** `only`: a command's first word; everything it takes to load the others is left out. */
export async function buildProgram(only?: string): Promise<Command> {
  const files = COMMANDS.filter(({ names }) => only === undefined || names.includes(only));
  const [{ runner }, ...defined] = await Promise.all([import('./runner.ts'), ...files.map(({ load }) => load())]);
  return framed((program) => {
    const run = runner(program);
    for (const define of defined) define(program, run);
  });
}

/** They tell of the others, and need nothing but their outline. */
const TELLING: Readonly<Record<string, (program: Command) => void>> = {
  completion: completionCommand,
  man: manCommand,
};

/** The same by its outline: loads nothing until a command is called, and then that one. `args`: as typed. */
export function outlinedProgram(outline: readonly Outline[], args: readonly string[]): Command {
  return framed((program) => {
    for (const one of outline) {
      const tell = TELLING[one.name];
      if (tell !== undefined) tell(program);
      else
        sketch(program, one, async () => {
          const real = await buildProgram(one.name);
          await real.parseAsync(args, { from: 'user' });
        });
    }
  });
}
