/**
 * A state.db that isn't the one this table was worked off with: a new one in its place, or one from the past. It doesn't know what mandat has put
 * on the servers, so whoever has lost their row would keep their access. What tells: the mark that each pass leaves in the table (settings
 * `worked_off`: whose state, up to which version); without one, mailboxes that nobody waits for any more although this state has worked off none.
 */
import { randomUUID } from 'node:crypto';
import { fact, setFact } from '../store/state/facts.ts';
import type { StateDb } from '../store/state/state-db.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';
import { markWorkedOff, workedOff } from '../store/table/worked-off-mark.ts';
import { lastVersionSeen, versionOf } from './table-from-the-past.ts';

/** The two ways on. */
export const FOREIGN_STATE_HINT =
  'put back the state.db and seal.key that belong to it (stop the sidecar first); or go on: until every mailbox has been looked at once, each entry that is just as mandat writes them is taken for one of its own, and goes where no row gives it';

/** Said until every mailbox has been looked at. */
export const ADOPTING =
  'this state.db has taken the place of the one that the delegation table was worked off with, and not every mailbox has been looked at yet';

/** Why this isn't the table's state; undefined where it is, or is being made so ({@link adoptingFrom}). Only looks. */
export async function foreignState(table: DelegationDb, state: StateDb): Promise<string | undefined> {
  const epoch = await fact(state, 'epoch');
  const last = await lastVersionSeen(state);
  const mark = await workedOff(table);
  const own = await fact(state, 'state-id');
  if (mark !== undefined) {
    if (mark.stateId !== own) return 'another state.db has worked off this delegation table';
    const late = mark.version > last && mark.version <= (await versionOf(table));
    return late ? 'this state.db is older than what it has worked off of the delegation table' : undefined;
  }
  if (epoch !== undefined || (await allPending(table))) return undefined;
  const settled = await table.query
    .selectFrom('mailboxes as m')
    .leftJoin('pending as p', 'p.mailbox_id', 'm.id')
    .select('m.id')
    .where('p.mailbox_id', 'is', null)
    .limit(1)
    .executeTakeFirst();
  return settled === undefined
    ? undefined
    : 'this state.db is new, and the delegation table has been worked off before';
}

/** Whether every mailbox that there ever was is pending, as where nobody has worked it off: ids are given one after the other. */
async function allPending({ query }: DelegationDb): Promise<boolean> {
  const last = async (rows: Promise<readonly { readonly last: number | null }[]>) => (await rows)[0]?.last ?? 0;
  const given = Math.max(
    await last(
      query
        .selectFrom('mailboxes')
        .select(({ fn }) => fn.max<number | null>('id').as('last'))
        .execute(),
    ),
    await last(
      query
        .selectFrom('pending')
        .select(({ fn }) => fn.max<number | null>('mailbox_id').as('last'))
        .execute(),
    ),
  );
  const { count } = await query
    .selectFrom('pending')
    .select(({ fn }) => fn.count<number>('mailbox_id').distinct().as('count'))
    .executeTakeFirstOrThrow();
  return count === given;
}

/** The version that every mailbox has to be looked at anew for, while what is like ours counts as ours; undefined: all of it has been. */
export async function adoptingFrom(state: Pick<StateDb, 'query'>): Promise<number | undefined> {
  const from = Number((await fact(state, 'adopting')) ?? '');
  return from > 0 ? from : undefined;
}

/** At a start: notes what is found, and whose the table is from now on. Returns why it isn't this state's; undefined where it is. */
export async function takeOver(table: DelegationDb, state: StateDb): Promise<string | undefined> {
  const why = await foreignState(table, state);
  const stateId = (await fact(state, 'state-id')) ?? randomUUID();
  await setFact(state, 'state-id', stateId);
  if (why !== undefined) {
    // A version of its own, so that what was recorded of each mailbox before is older.
    const from = Math.max(await versionOf(table), await lastVersionSeen(state)) + 1;
    await table.write({ actor: 'mandat' }, (query) => query.updateTable('counters').set({ version: from }).execute());
    await setFact(state, 'adopting', String(from));
  }
  await markWorkedOff(table, stateId, await lastVersionSeen(state));
  return why;
}
