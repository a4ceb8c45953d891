/**
 * A database in PostgreSQL that is found to be older than the one last seen while the sidecar runs, or at its start: a replica that was promoted without the
 * last commits. Before anything of it is obeyed it is held: it takes access away and gives none until somebody accepts it (table-from-the-past.ts). Who has
 * lost their sender rule stays out; what the servers have by a row that is lost is taken into the ledger again (adopted-entries.ts).
 */
import type { Config } from '../../config/schema.ts';
import { openState, openTable } from '../configured/stores.ts';
import { publishesAs, senderMap } from '../sender/configured-outputs.ts';
import { copyAll } from '../sender/postgres-rules.ts';
import { dataFiles } from '../store/files/data-files.ts';
import { lastSeen, writeLastSeen } from '../store/postgres/last-seen.ts';
import { sharedRules } from '../store/postgres/sender-rules.ts';
import { setFact } from '../store/state/facts.ts';
import type { StateDb } from '../store/state/state-db.ts';
import { leaveWithoutRule } from './shorter-trail.ts';
import { lastVersionSeen, rememberVersion, versionOf } from './table-from-the-past.ts';

/** Rejects where that can't be written: nothing may be read of it then. */
export async function holdOlderDatabase(config: Config): Promise<void> {
  const files = dataFiles(config.dataDir);
  const state = await openState(config, { writes: true });
  try {
    const table = await openTable(config, { writes: true });
    try {
      await publishAnew(config, state);
      await leaveWithoutRule(files.senderDirectory, state, new Date().toISOString());
      // Versions only ever grow, or whoever waits for a change would be answered by the past.
      const seen = lastSeen(files.lastSeen);
      const version = Math.max(await versionOf(table), await lastVersionSeen(state), seen?.version ?? 0) + 1;
      await table.write({ actor: 'mandat' }, (query) => query.updateTable('counters').set({ version }).execute());
      await setFact(state, 'adopting', String(version));
      await rememberVersion(table, state);
      await setFact(state, 'restored', 'held'); // at last: from now on it counts as seen to
      const { value: epoch } = await table.query
        .selectFrom('settings')
        .select('value')
        .where('name', '=', 'epoch')
        .executeTakeFirstOrThrow();
      writeLastSeen(files.lastSeen, { epoch, version, history: seen?.history ?? '' });
    } finally {
      await table.close();
    }
  } finally {
    await state.close();
  }
}

/** Where Postfix asks that database, it has the sender rules of then: those that hold are in the map on this machine. */
async function publishAnew(config: Config, state: StateDb): Promise<void> {
  if (config.senderRules === undefined || !publishesAs(config, 'postfix-pgsql')) return;
  const map = senderMap(config, dataFiles(config.dataDir));
  if (map === undefined) return;
  try {
    await copyAll(map, sharedRules(state, config.server.name));
  } finally {
    map.close();
  }
}
