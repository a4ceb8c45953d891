/**
 * A delegation table from the past (yesterday's copy put back, or another one in its place) would bring back what has been revoked
 * since. It is recognised by its epoch and version, and obeyed only where it takes away, until somebody accepts it.
 */
import type { DelegationDb } from './store/delegation-db.ts';
import { fact, setFact } from './store/facts.ts';
import type { StateDb } from './store/state-db.ts';

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

/** Also of a pass that came to no good end: what it took away must not come back either. */
async function lastVersionSeen(state: StateDb): Promise<number> {
  const { inForce, failed } = await state.query
    .selectFrom('outcomes')
    .select(({ fn }) => [
      fn.max<number | null>('in_force_version').as('inForce'),
      fn.max<number | null>('failed_version').as('failed'),
    ])
    .executeTakeFirstOrThrow();
  return Math.max(Number((await fact(state, 'version')) ?? 0), inForce ?? 0, failed ?? 0);
}

export async function rememberVersion(table: DelegationDb, state: StateDb): Promise<void> {
  await setFact(state, 'epoch', await epochOf(table));
  await setFact(state, 'version', String(await versionOf(table)));
}

/** From now on the table is obeyed in full. Returns false when it was already. */
export async function acceptRestored(state: StateDb): Promise<boolean> {
  const held = (await fact(state, 'restored')) === 'held';
  await setFact(state, 'restored', 'accepted');
  // Its ids go on from where that table left off: whom they are of now is new, or comes back.
  if (held) await setFact(state, 'told-from', '0');
  return held;
}

async function epochOf(table: DelegationDb): Promise<string> {
  const row = await table.query.selectFrom('settings').select('value').where('name', '=', 'epoch').executeTakeFirst();
  return row?.value ?? '';
}

/** The table's version now: it grows with every change. */
export async function versionOf(table: DelegationDb): Promise<number> {
  return (await table.query.selectFrom('counters').select('version').executeTakeFirstOrThrow()).version;
}
