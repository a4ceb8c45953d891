/** One call of the `mandat` command, from its arguments to the exit status. */
import { CommanderError } from 'commander';
import { EXIT } from './exit.ts';
import { readOutline } from './outline.ts';
import { type Output, openOutput } from './output.ts';
import { buildProgram, outlinedProgram } from './program.ts';

/** Runs what the arguments (without the program's name) ask for. The exit status is left in `process.exitCode`. */
export async function invoke(args: readonly string[]): Promise<void> {
  const outline = readOutline();
  const program = outline === undefined ? await buildProgram() : outlinedProgram(outline, args);
  try {
    await program.parseAsync(args, { from: 'user' });
  } catch (error) {
    const out = openOutput(program.opts().json === true);
    if (!(error instanceof CommanderError)) process.exitCode = (await import('./runner.ts')).report(out, error);
    else process.exitCode = error.exitCode === 0 ? EXIT.done : usage(out, error);
  }
}

/** commander has said on standard error what is wrong; a script that asked for JSON gets it there too. */
function usage(out: Output, { message }: CommanderError): number {
  if (out.json) {
    const said = message.replace(/^error: /, '');
    out.result({ error: { code: 'config', rule: null, message: said, hint: 'see "mandat --help"' } }, '');
  }
  return EXIT.usage;
}
