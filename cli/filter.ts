import type { Command } from 'commander';
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
        const filter = await startKeptSubmission(config, process.env, log);
        await untilAskedToStop(config, log, async (next) => {
          await filter.reload(next);
          log.info('configuration reread');
        });
        await filter.close();
        return EXIT.done;
      }),
    );
}
