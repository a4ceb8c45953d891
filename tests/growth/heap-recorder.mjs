/**
 * Loaded into a process of mandat before anything else (node --expose-gc --import): at each SIGUSR2 it collects what is garbage, and appends how many
 * bytes live, a line each, to the file that MANDAT_HEAP names.
 */
import { appendFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';

process.on('SIGUSR2', async () => {
  for (let time = 0; time < 3; time++) {
    globalThis.gc();
    await turn(); // what waits to be told that something is gone lets go of more
  }
  const { heapUsed, external } = process.memoryUsage();
  appendFileSync(process.env.MANDAT_HEAP ?? '/dev/null', `${heapUsed + external}\n`);
});
