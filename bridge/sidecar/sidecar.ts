/** The sidecar as `mandat run` has it: the daemon, begun anew when a file of ours has been replaced under it. */
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from '../../config/schema.ts';
import type { Environment } from '../configured/drivers.ts';
import { NO_SIGNS, type Signs } from '../health/signs.ts';
import { type Kept, keepOpen } from '../safeguards/replaced-files.ts';
import { dataFiles } from '../store/files/data-files.ts';
import { SENDER_FILE } from '../store/published/sender-map.ts';
import { startDaemon } from './daemon.ts';
import { followedMap } from './followed-map.ts';
import { keepWorking } from './standing-by.ts';

/**
 * `reload` rereads what the configuration says, and keeps the old one when the new can't be used. `stop` finishes the step in hand and
 * leaves.
 */
export type Sidecar = Kept;

/** `signs`: hear how the work goes. */
export async function startSidecar(
  config: Config,
  env: Environment,
  log: Logger,
  signs: Signs = NO_SIGNS,
): Promise<Sidecar> {
  const files = dataFiles(config.dataDir);
  const map = join(files.senderDirectory, SENDER_FILE);
  if (config.database === undefined) {
    const watched = [files.delegations, files.state, files.lock, files.submissions, map];
    return keepOpen(config, log, watched, (given, moved) => startDaemon(given, env, log, signs, undefined, moved));
  }
  return keepWorking(
    config,
    log,
    signs,
    (given, standing) =>
      keepOpen(given, log, [map], (one, moved) => startDaemon(one, env, log, signs, standing, moved)),
    followedMap(log),
  );
}
