/** Notices that another program has committed to the delegation table, wherever it is; and tells of a connection that was lost. */
import type { Logger } from 'pino';
import type { Instant } from '../../acl/delegation-facts.ts';
import type { Config } from '../../config/schema.ts';
import { listenForCommits } from '../configured/stores.ts';
import { failureOf } from '../shared/failure.ts';
import type { Hearing } from '../store/postgres/commits.ts';
import { jsonFact, setJsonFact } from '../store/state/facts.ts';
import type { StateDb } from '../store/state/state-db.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';
import { type Watch, watchTable } from './watch-table.ts';

/** The last time that the connection to the database was lost. While it is, nobody can note that either. */
export interface LastLoss {
  readonly at: Instant;
  readonly back: Instant;
  readonly why: string;
}

export async function lastLoss(state: Pick<StateDb, 'query' | 'server'>): Promise<LastLoss | undefined> {
  return jsonFact<LastLoss>(state, 'database-lost');
}

interface Watched {
  readonly table: DelegationDb;
  readonly state: StateDb;
  /** What is done where the database is older than the one last seen. */
  readonly older: (held: boolean) => Promise<void>;
}

export async function watchCommits(
  config: Config,
  { table, state, older }: Watched,
  log: Logger,
  wake: () => void,
): Promise<Watch> {
  const pollMs = config.schedule.pollIntervalMs;
  let lost: Omit<LastLoss, 'back'> | undefined;
  let losses = 0;
  const hearing: Hearing = {
    wake,
    lost: ({ code, message, hint }) => {
      losses++;
      lost = { at: new Date().toISOString(), why: message };
      log.error({ code, hint }, `${message}; nothing is granted or taken away until it is there again`);
    },
    toMend: ({ code, message, hint }) => {
      lost = { at: new Date().toISOString(), ...lost, why: message };
      log.error({ code, hint }, `${message}; this has to be mended before anything is granted or taken away again`);
    },
    back: () => {
      const loss = { at: '', why: '', ...lost, back: new Date().toISOString() };
      lost = undefined;
      const ms = Date.parse(loss.back) - Date.parse(loss.at);
      log.warn({ since: loss.at, ms }, 'the database is there again: what was committed meanwhile is done now');
      setJsonFact(state, 'database-lost', loss).catch((error: unknown) =>
        log.warn({ reason: failureOf(error).message }, 'that the database was away could not be noted'),
      );
    },
  };
  const listening = await listenForCommits(config, pollMs, hearing, older);
  if (listening === undefined) return watchTable(table, pollMs, wake);
  return { away: listening.away, close: listening.close, database: () => ({ up: lost === undefined, losses }) };
}
