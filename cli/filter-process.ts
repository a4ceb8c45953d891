/** The submission filter that `mandat run` has beside itself, as the configuration wants it: none, its own, or one that somebody else starts. */
import path from 'node:path';
import type { Logger } from 'pino';
import { openState } from '../bridge/configured/stores.ts';
import { failureOf } from '../bridge/shared/failure.ts';
import { type FilterChild, startFilterChild } from '../bridge/submission/filter-child.ts';
import { filterName } from '../bridge/submission/last-filter.ts';
import type { Config } from '../config/schema.ts';

export interface FilterBeside {
  reload(config: Config): Promise<void>;
  stop(): Promise<void>;
}

export async function filterBeside(config: Config, log: Logger): Promise<FilterBeside> {
  const start = (given: Config) => {
    const program = path.resolve(process.argv[1] ?? '');
    return startFilterChild({
      command: [process.execPath, ...process.execArgv, program, '--config', given.file, 'filter'],
      openState: () => openState(given),
      name: filterName(given),
      log,
    });
  };
  let child: FilterChild | undefined = isOurs(config) ? await start(config) : undefined;
  return {
    reload: async (next) => {
      if (child !== undefined && isOurs(next)) return rereadBy(child, log);
      await child?.stop();
      child = undefined;
      if (isOurs(next)) child = await start(next);
    },
    stop: async () => child?.stop(),
  };
}

/** One that hangs keeps the sidecar from nothing. */
async function rereadBy(child: FilterChild, log: Logger): Promise<void> {
  try {
    await child.reread();
  } catch (error) {
    const { code, message, hint } = failureOf(error);
    if (code !== 'retry') throw error;
    log.error({ code, hint }, message);
  }
}

function isOurs({ submission }: Config): boolean {
  return submission?.process === 'child';
}
