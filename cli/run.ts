import type { Command } from 'commander';
import type { Sidecar } from '../bridge/daemon.ts';
import { loadConfig } from '../config/load.ts';
import { EXIT } from './exit.ts';
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
        const reload = async (running: Sidecar) => {
          try {
            const path = config.file;
            await running.reload(loadConfig({ path, env: process.env, cwd: process.cwd() }));
          } catch (error) {
            log.error({ err: (error as Error).message }, 'the configuration could not be reread: the old one stays');
          }
        };
        process.on('SIGHUP', () => void reload(sidecar));
        await new Promise<void>((resolve) => {
          process.once('SIGTERM', () => resolve());
          process.once('SIGINT', () => resolve());
        });
        log.info('asked to stop');
        await sidecar.stop();
        return EXIT.done;
      }),
    );
}
