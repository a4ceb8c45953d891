#!/usr/bin/env node
/** The `mandat` command. */
import { CommanderError } from 'commander';
import { EXIT } from './exit.ts';
import { type Output, openOutput } from './output.ts';
import { buildProgram } from './program.ts';
import { report } from './runner.ts';

/** commander has said on standard error what is wrong; a script that asked for JSON gets it there too. */
function usage(out: Output, { message }: CommanderError): number {
  if (out.json) {
    const said = message.replace(/^error: /, '');
    out.result({ error: { code: 'config', rule: null, message: said, hint: 'see "mandat --help"' } }, '');
  }
  return EXIT.usage;
}

// Whoever reads us may have seen enough, as `head` has.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

const program = buildProgram();
try {
  await program.parseAsync();
} catch (error) {
  const out = openOutput(program.opts().json === true);
  if (!(error instanceof CommanderError)) process.exitCode = report(out, error);
  else process.exitCode = error.exitCode === 0 ? EXIT.done : usage(out, error);
}
