/** What runs in the foreground until it is asked to stop. */
import type { Logger } from 'pino';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';

/** Resolves at SIGTERM or SIGINT. At SIGHUP the configuration is reread, one time after the other; what can't be read changes nothing. */
export async function untilAskedToStop(
  { file: path }: Config,
  log: Logger,
  reload: (config: Config) => Promise<void>,
): Promise<void> {
  let last = Promise.resolve();
  process.on('SIGHUP', () => {
    log.info({ file: path }, 'SIGHUP: rereading the configuration'); // it may take a while
    last = last
      .then(() => reload(loadConfig({ path, env: process.env, cwd: process.cwd() })))
      .catch((error: Error) =>
        log.error({ err: error.message }, 'the configuration could not be reread: the old one stays'),
      );
  });
  await new Promise<void>((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
  });
  log.info('asked to stop');
}
