/**
 * A delegation table from the past (yesterday's copy put back, or another one in its place) would bring back what has been revoked
 * since. It is recognised by its epoch and version, and obeyed only where it takes access away, until somebody accepts it.
 */

import { LARGEST } from '../store/migrations/delegation-4.ts';
import { fact, setFact } from '../store/state/facts.ts';
import type { StateDb } from '../store/state/state-db.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';
import { whileUnchanged } from '../store/unchanged.ts';

export type TableAge = 'current' | 'restored';

/** Compares the table with what was last seen of it, and remembers what is seen now. */
export async function tableAge(table: DelegationDb, state: StateDb): Promise<TableAge> {
  if (await isFromThePast(table, state)) {
    await setFact(state, 'restored', 'held');
    await setFact(state, 'drained', '0'); // its audit events count anew: better one twice than one lost
    // Versions only ever grow, or whoever waits for a change would be answered by the past.
    const version = await versionOf(table);
    const lastVersion = await lastVersionSeen(state);
    await table.write({ actor: 'mandat' }, (query) =>
      query
        .updateTable('counters')
        .set({ version: Math.max(version, lastVersion) + 1 })
        .execute(),
    );
  }
  await rememberVersion(table, state);
  return (await fact(state, 'restored')) === 'held' ? 'restored' : 'current';
}

/** Whether the table is another or an older one than was last seen. Only looks. */
export async function isFromThePast(table: DelegationDb, state: StateDb): Promise<boolean> {
  const lastEpoch = await fact(state, 'epoch');
  if (lastEpoch === undefined) return false;
  return lastEpoch !== (await epochOf(table)) || (await versionOf(table)) < (await lastVersionSeen(state));
}

/**
 * Also of a pass that came to no good end: what it took away must not come back either. What can't have been counted (mended-values.ts)
 * doesn't count.
 */
export async function lastVersionSeen(state: StateDb): Promise<number> {
  const highest = async (column: 'in_force_version' | 'failed_version') => {
    const last = state.query.selectFrom('outcomes').select(`${column} as version`).where(column, '<=', LARGEST);
    return (await last.orderBy(column, 'desc').limit(1).executeTakeFirst())?.version ?? 0;
  };
  const [inForce, failed] = [await highest('in_force_version'), await highest('failed_version')];
  const remembered = Number((await fact(state, 'version')) ?? 0);
  return Math.max(remembered <= LARGEST ? remembered : 0, inForce, failed);
}

/** So far a table may have come since it was looked at last; more is no counting of changes. */
const FURTHEST = 2 ** 32;

/** Whether a version can be one that changes have led to. */
export function plausible(version: number, last: number): boolean {
  return version >= 0 && version <= Math.min(LARGEST, last + FURTHEST);
}

export async function rememberVersion(table: DelegationDb, state: StateDb): Promise<void> {
  const [epoch, version] = [await epochOf(table), await versionOf(table)];
  if ((await fact(state, 'epoch')) !== epoch) await setFact(state, 'epoch', epoch);
  if (version > LARGEST) return; // it is mended at the next look
  if ((await fact(state, 'version')) !== String(version)) await setFact(state, 'version', String(version));
}

/**
 * Before anything is taken away that a table of this version doesn't give: whatever becomes of the pass, an older table doesn't give it back. Within the
 * transaction that `db` is.
 */
export async function rememberRevoke(db: Pick<StateDb, 'query'>, version: number): Promise<void> {
  if (version <= LARGEST && Number((await fact(db, 'version')) ?? 0) < version)
    await setFact(db, 'version', String(version));
}

/** From now on the table is obeyed in full. Returns false when it was already. */
export async function acceptRestored(state: StateDb): Promise<boolean> {
  const held = (await fact(state, 'restored')) === 'held';
  await setFact(state, 'restored', 'accepted');
  // Its ids go on from where that table left off: whom they are of now is new, or comes back.
  if (held) await setFact(state, 'told-from', '0');
  return held;
}

const epochOf = (table: DelegationDb): Promise<string> => epoch(table, 'epoch');
const epoch = whileUnchanged(async (table: DelegationDb, _: 'epoch') => {
  const row = await table.query.selectFrom('settings').select('value').where('name', '=', 'epoch').executeTakeFirst();
  return row?.value ?? '';
});

/** The table's version now: it grows with every change. */
export async function versionOf(table: DelegationDb): Promise<number> {
  return version(table, 'version');
}
const version = whileUnchanged(
  async (table: DelegationDb, _: 'version') =>
    (await table.query.selectFrom('counters').select('version').executeTakeFirstOrThrow()).version,
);
