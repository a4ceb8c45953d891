/** What every command has at hand: the options before the command, the configuration, the databases. */
import { userInfo } from 'node:os';
import { type DelegationDb, openDelegationDb, type Writer } from '../bridge/store/delegation-db.ts';
import { type DataFiles, dataFiles } from '../bridge/store/files.ts';
import { isLocked } from '../bridge/store/lock.ts';
import { applySettings } from '../bridge/store/settings.ts';
import { openStateDb, type StateDb } from '../bridge/store/state-db.ts';
import { loadConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import type { Output } from './output.ts';

export interface Session {
  readonly out: Output;
  readonly config: Config;
  readonly files: DataFiles;
  readonly writer: Writer;
  /** Whether a sidecar runs on these databases now. */
  sidecarRuns(): boolean;
  /** Opens the delegation table for the time of the work. */
  table<T>(work: (table: DelegationDb) => Promise<T>): Promise<T>;
  /** The same, to write to it: the rules' settings are those of the configuration. */
  writing<T>(work: (table: DelegationDb) => Promise<T>): Promise<T>;
  state<T>(work: (state: StateDb) => Promise<T>): Promise<T>;
}

export function openSession(out: Output, options: { readonly config?: string | undefined }): Session {
  const config = loadConfig({ path: options.config, env: process.env, cwd: process.cwd() });
  const files = dataFiles(config.dataDir);
  const using = async <D extends { close(): Promise<void> }, T>(database: D, work: (database: D) => Promise<T>) => {
    try {
      return await work(database);
    } finally {
      await database.close();
    }
  };
  return {
    out,
    config,
    files,
    writer: { actor: actor() },
    sidecarRuns: () => isLocked(files.lock),
    table: (work) => using(openDelegationDb(files.delegations), work),
    writing: (work) =>
      using(openDelegationDb(files.delegations), async (table) => {
        await applySettings(table, config);
        return work(table);
      }),
    state: (work) => using(openStateDb(files.state), work),
  };
}

/** Who sits at the keyboard: behind sudo it isn't root. */
function actor(): string {
  return `cli:${process.env.SUDO_USER || userInfo().username}`;
}
