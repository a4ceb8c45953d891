/** In the shared table: which state.db has worked it off last, and up to which version (foreign-state.ts). */
import { whileUnchanged } from '../unchanged.ts';
import type { DelegationDb } from './delegation-db.ts';
import type { Query } from './delegation-types.ts';

export interface WorkedOff {
  readonly stateId: string;
  readonly version: number;
}

const NAME = 'worked_off';

export async function workedOff({ query }: Pick<DelegationDb, 'query'>): Promise<WorkedOff | undefined> {
  const row = await query.selectFrom('settings').select('value').where('name', '=', NAME).executeTakeFirst();
  const [, stateId, version] = /^([0-9a-f-]{36}) (\d{1,16})$/.exec(row?.value ?? '') ?? [];
  return stateId === undefined ? undefined : { stateId, version: Number(version) };
}

/** The same outside of any transaction: each pass asks at its end. */
export const markAsSeen = whileUnchanged((db: DelegationDb, _: 'mark') => workedOff(db));

/** Writes only where it says something new. */
export async function markWorkedOff(table: DelegationDb, stateId: string, version: number): Promise<void> {
  const there = await markAsSeen(table, 'mark');
  if (there?.stateId === stateId && there.version >= version) return;
  await table.write({ actor: 'mandat' }, (query) => setMark(query, stateId, version));
}

/** In a write transaction that is open. */
export async function setMark(query: Query, stateId: string, version: number): Promise<void> {
  await query.deleteFrom('settings').where('name', '=', NAME).execute();
  await query
    .insertInto('settings')
    .values({ name: NAME, value: `${stateId} ${version}` })
    .execute();
}
