import type { Command } from 'commander';
import { EXIT } from './exit.ts';
import { untilAskedToStop } from './foreground.ts';
import { openLog } from './log.ts';
import type { Runner } from './runner.ts';

export function runCommand(program: Command, run: Runner): void {
  program
    .command('run')
    .description('the sidecar, in the foreground: SIGTERM ends it, SIGHUP rereads the configuration')
    .action(
      run(async ({ config }) => {
        const { startSidecar } = await import('../bridge/sidecar.ts'); // loaded here: it makes every other command slower to start
        const log = openLog(config.log.level);
        const sidecar = await startSidecar(config, process.env, log);
        const failure = await Promise.race([untilAskedToStop(config, log, sidecar.reload), sidecar.ended]);
        await sidecar.stop();
        if (failure !== undefined) throw failure; // so that whoever started it starts it again
        return EXIT.done;
      }),
    );
}
