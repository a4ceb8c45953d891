/** What runs in the foreground until it is asked to stop. */
import type { Logger } from 'pino';
import type { Supervisor } from '../bridge/health/supervisor.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';

/** What the process is told by, of which it doesn't die from when this was made. What comes early is obeyed when there is somebody to obey it. */
export interface Signals {
  /** SIGTERM or SIGINT. A second one of a kind ends the process at once. */
  readonly asked: Promise<void>;
  /** SIGHUP. */
  rereadBy(reread: () => void): void;
}

/** To be called before anything is started: a reload or an end in the middle of a start waits for it, and leaves nothing half open. */
export function hearSignals(): Signals {
  let early = false;
  let obey = () => {
    early = true;
  };
  process.on('SIGHUP', () => obey());
  const asked = new Promise<void>((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => resolve());
  });
  return {
    asked,
    rereadBy: (reread) => {
      obey = reread;
      if (early) reread();
    },
  };
}

/**
 * Resolves at SIGTERM or SIGINT. At SIGHUP the configuration is reread, one time after the other; what can't be read changes nothing.
 * `supervisor`: told now that it is ready, and when a rereading begins and is over.
 */
export async function untilAskedToStop(
  config: Config,
  log: Logger,
  signals: Signals,
  reload: (config: Config) => Promise<void>,
  supervisor?: Pick<Supervisor, 'ready' | 'reloading'>,
): Promise<void> {
  const { file: path } = config;
  let last = Promise.resolve(supervisor?.ready());
  signals.rereadBy(() => {
    log.info({ file: path }, 'SIGHUP: rereading the configuration'); // it may take a while
    last = last
      .then(() => supervisor?.reloading())
      .then(() => reload(onSameDatabase(config, loadConfig({ path, env: process.env, cwd: process.cwd() }))))
      .catch((error: Error) =>
        log.error({ err: error.message }, 'the configuration could not be reread: the old one stays'),
      )
      .then(() => supervisor?.ready());
  });
  await signals.asked;
  log.info('asked to stop');
}

/** What is open stays open: half in the one and half in the other nobody could follow it. */
function onSameDatabase({ database, server }: Config, next: Config): Config {
  if (next.database !== database) throw new Error('"database" has changed, which takes a restart');
  if (next.server.name !== server.name) throw new Error('[server] name has changed, which takes a restart');
  return next;
}
