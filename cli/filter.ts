import type { Command } from 'commander';
import { hurryStores } from '../bridge/configured/stores.ts';
import { keepOpen } from '../bridge/safeguards/replaced-files.ts';
import { failureOf } from '../bridge/shared/failure.ts';
import { dataFiles } from '../bridge/store/files/data-files.ts';
import type { FromFilter, ToFilter } from '../bridge/submission/filter-child.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { EXIT, type ExitStatus } from './exit.ts';
import { hearSignals, untilAskedToStop } from './foreground.ts';
import { openLog } from './log.ts';
import type { Runner } from './runner.ts';

export function filterCommand(program: Command, run: Runner): void {
  program
    .command('filter')
    .description(
      'the submission filter alone, in the foreground; "mandat run" starts one itself, unless [submission] process is "unit"',
    )
    .action(run(({ config }) => filtering(config, process.channel === undefined ? undefined : parent())));
}

/** Its own watchdog asks no more than that the event loop turns: each message has its time limits. */
const FILTERING = { alive: () => [], line: () => 'filtering submissions' };

/** The sidecar that has started this process. */
interface Parent {
  say(what: FromFilter): void;
  onReread(reread: () => void): void;
  /** Resolves when it is gone, however it ended. */
  readonly gone: Promise<undefined>;
}

async function filtering(config: Config, sidecar: Parent | undefined): Promise<ExitStatus> {
  const failed = (error: unknown) => {
    const { code, message, hint } = failureOf(error);
    sidecar?.say({ kind: 'failed', code, message, hint });
  };
  const signals = hearSignals();
  try {
    const { startFilterProcess } = await import('../bridge/submission/filter-process.ts'); // the mail libraries take their time to load
    const { openSupervisor } = await import('../bridge/health/supervisor.ts');
    const log = openLog(config.log.level);
    const { delegations, state, submissions } = dataFiles(config.dataDir);
    const filter = await keepOpen(config, log, [delegations, state, submissions], async (given) => {
      const { reload, close } = await startFilterProcess(given, process.env, log, sidecar !== undefined);
      return { reload, stop: close };
    });
    const supervisor = sidecar === undefined ? openSupervisor(process.env, FILTERING, log) : undefined;
    const reload = async (next: Config) => {
      await filter.reload(next);
      log.info(sidecar === undefined ? 'configuration reread' : 'configuration reread by the submission filter');
    };
    sidecar?.onReread(() => {
      Promise.resolve()
        .then(() => reload(loadConfig({ path: config.file, env: process.env, cwd: process.cwd() })))
        .then(() => sidecar.say({ kind: 'reread' }), failed);
    });
    sidecar?.say({ kind: 'listening' });
    const asked = untilAskedToStop(config, log, signals, reload, supervisor);
    const failure = await Promise.race([asked, filter.ended, ...(sidecar === undefined ? [] : [sidecar.gone])]);
    await supervisor?.stopping();
    await hurryStores(config);
    await filter.stop();
    if (failure !== undefined) throw failure;
    return EXIT.done;
  } catch (error) {
    failed(error);
    throw error;
  } finally {
    if (process.connected) process.disconnect(); // or it would keep this process alive
  }
}

function parent(): Parent {
  return {
    say: (what) => {
      if (process.connected) process.send?.(what, undefined, undefined, () => {}); // who is gone hears nothing
    },
    onReread: (reread) => {
      process.on('message', (message: ToFilter) => {
        if (message === 'reread') reread();
      });
    },
    gone: new Promise((resolve) => process.once('disconnect', () => resolve(undefined))),
  };
}
