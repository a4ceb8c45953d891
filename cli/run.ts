import type { Command } from 'commander';
import type { Logger } from 'pino';
import { version } from '../bridge/shared/version.ts';
import { EXIT } from './exit.ts';
import { hearSignals, untilAskedToStop } from './foreground.ts';
import { openLog } from './log.ts';
import type { Runner } from './runner.ts';
import { keepHeapSmall } from './small-heap.ts';

/** All is closed; whoever starts it anew waits for its end. */
const LINGERING_MS = 10_000;

/** A connection that something has left open must not keep the process. */
function endSoon(log: Logger): void {
  setTimeout(() => {
    log.warn({ kept: process.getActiveResourcesInfo() }, 'all is closed, and yet something kept the process: it ends');
    process.exit();
  }, LINGERING_MS).unref();
}

export function runCommand(program: Command, run: Runner): void {
  program
    .command('run')
    .description(
      'the sidecar, in the foreground, and the submission filter and the portal beside it: SIGTERM ends all, SIGHUP makes all reread the configuration',
    )
    .action(
      run(async ({ config }) => {
        keepHeapSmall();
        const signals = hearSignals();
        // Loaded here: it makes every other command slower to start.
        const { startSidecar } = await import('../bridge/sidecar/sidecar.ts');
        const { hurryStores } = await import('../bridge/configured/stores.ts');
        const { filterBeside } = await import('./filter-process.ts');
        const { portalBeside } = await import('./portal-process.ts');
        const { openHealth } = await import('../bridge/health/health.ts');
        const { openSupervisor } = await import('../bridge/health/supervisor.ts');
        const log = openLog(config.log.level);
        const health = await openHealth(config, version().number, log);
        const supervisor = openSupervisor(process.env, health, log);
        const sidecar = await startSidecar(config, process.env, log, health.signs).catch(async (error: unknown) => {
          await health.close();
          endSoon(log);
          throw error;
        });
        const filter = await filterBeside(config, log).catch(async (error: unknown) => {
          await sidecar.stop();
          await health.close();
          throw error;
        });
        const portal = portalBeside(config, log); // nobody's access waits for it
        const asked = untilAskedToStop(
          config,
          log,
          signals,
          async (next) => {
            await filter.reload(next); // first: it waits for no pass
            await sidecar.reload(next);
            await health.reload(next);
            await portal.reload(next);
          },
          supervisor,
        );
        const failure = await Promise.race([asked, sidecar.ended]);
        await supervisor.stopping();
        await hurryStores(config);
        await portal.stop();
        await filter.stop(); // so that what it has noted is taken over
        await sidecar.stop();
        await health.close();
        endSoon(log);
        if (failure !== undefined) throw failure; // so that whoever started it starts it again
        return EXIT.done;
      }),
    );
}
