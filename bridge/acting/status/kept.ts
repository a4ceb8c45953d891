/** How much room the data take, and when they were last backed up. */
import path from 'node:path';
import { type DiskUse, diskUse } from '../../store/files/disk-use.ts';
import { SENDER_FILE } from '../../store/published/sender-map.ts';
import { jsonFact } from '../../store/state/facts.ts';
import type { StateDb } from '../../store/state/state-db.ts';
import type { Site } from '../site.ts';

interface LastBackup {
  readonly at: string;
  readonly directory: string;
}

export interface Kept {
  readonly disk: DiskUse;
  /** By "mandat backup"; null where there was none, or the one before a restore. */
  readonly backup: LastBackup | null;
}

export async function keptOf({ files, config }: Site, state: StateDb): Promise<Kept> {
  const senders = config.senderRules === undefined ? undefined : path.join(files.senderDirectory, SENDER_FILE);
  return {
    disk: diskUse(files, senders),
    backup: (await jsonFact<LastBackup>(state, 'backup')) ?? null,
  };
}
