#!/usr/bin/env node
/** The `mandat` command. */
import { invoke } from './invoke.ts';

// Whoever reads us may have seen enough, as `head` has.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

void invoke(process.argv.slice(2));
