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
        const { startSidecar } = await import('../bridge/daemon.ts'); // loaded here: it makes every other command slower to start
        const log = openLog(config.log.level);
        const sidecar = await startSidecar(config, process.env, log);
        await untilAskedToStop(config, log, sidecar.reload);
        await sidecar.stop();
        return EXIT.done;
      }),
    );
}
