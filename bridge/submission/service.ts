/** The filter as the configuration has it, on databases of its own: it needs no sidecar. */
import type { Logger } from 'pino';
import type { Config } from '../../config/schema.ts';
import { Failure } from '../failure.ts';
import { policyOf } from '../policy.ts';
import { openDelegationDb } from '../store/delegation-db.ts';
import { openClock } from '../store/facts.ts';
import { dataFiles } from '../store/files.ts';
import { openStateDb } from '../store/state-db.ts';
import { openAuthority } from './authority.ts';
import { doorOf, hostAndPort } from './door.ts';
import { type Filter, type FilterOptions, startFilter } from './filter.ts';

export type Seams = Pick<FilterOptions, 'extraRecipients' | 'observe'>;

export async function startSubmission(config: Config, log: Logger, seams: Seams = {}): Promise<Filter> {
  const { submission } = config;
  if (submission === undefined) {
    throw new Failure('config', '[submission] is not configured', `add the section to ${config.file}`);
  }
  const files = dataFiles(config.dataDir);
  const table = openDelegationDb(files.delegations);
  const watched = openDelegationDb(files.delegations);
  const state = openStateDb(files.state);
  const close = async () => {
    await table.close();
    await watched.close();
    await state.close();
  };
  try {
    const clock = await openClock(state);
    const policy = policyOf(config);
    const door = doorOf(config);
    if (door.kind === 'port')
      log.warn('[submission] listen is a port: every user of this machine may send through it as anybody');
    const filter = await startFilter({
      door,
      reinject: hostAndPort(submission.reinject),
      authority: openAuthority(table, watched, state, clock, () => policy),
      rules: submission,
      log,
      ...seams,
    });
    log.info({ listen: submission.listen, reinject: submission.reinject }, 'filtering submissions');
    return {
      close: async () => {
        await filter.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}
