import type { Command } from 'commander';
import { keepOpen } from '../bridge/replaced.ts';
import { dataFiles } from '../bridge/store/files.ts';
import type { Config } from '../config/schema.ts';
import { EXIT } from './exit.ts';
import { untilAskedToStop } from './foreground.ts';
import { openLog } from './log.ts';
import type { Runner } from './runner.ts';

export function filterCommand(program: Command, run: Runner): void {
  program
    .command('filter')
    .description(
      'the submission filter alone, in the foreground; "mandat run" has it too, where [submission] is configured',
    )
    .action(
      run(async ({ config }) => {
        const { startKeptSubmission } = await import('../bridge/submission/bookkeeping.ts'); // the mail libraries take their time to load
        const log = openLog(config.log.level);
        const { delegations, state, submissions } = dataFiles(config.dataDir);
        const filter = await keepOpen(config, log, [delegations, state, submissions], async (given) => {
          const { reload, close } = await startKeptSubmission(given, process.env, log);
          return { reload, stop: close };
        });
        const reload = async (next: Config) => {
          await filter.reload(next);
          log.info('configuration reread');
        };
        const failure = await Promise.race([untilAskedToStop(config, log, reload), filter.ended]);
        await filter.stop();
        if (failure !== undefined) throw failure;
        return EXIT.done;
      }),
    );
}
