/**
 * Taking over what the triggers have noted in the shared table. Whoever writes that table writes its events too, so each is judged on the way:
 * what carries our MAC is as it says; a grant, a revoke or a change that goes with a row seen to have changed happened, by whom is a claim; all
 * else is a claim as a whole.
 */
import { type GiveWay, giveBack, PORTION_ROWS } from '../../shared/portions.ts';
import { fact, setFact } from '../state/facts.ts';
import type { StateDb } from '../state/state-db.ts';
import type { DelegationDb } from '../table/delegation-db.ts';
import { isVouched } from '../table/vouched-events.ts';
import { type Judge, judgeOf } from './event-judgement.ts';
import { isFirstLook, noteSeen } from './rows-seen.ts';
import { sealPortion } from './sealing.ts';

/** So many are judged at once: about as many as a portion has time to seal. */
const JUDGED_ROWS = 100;

/** So many are sealed before they are brought to the disk, and taken away where they came from. */
const BATCH_ROWS = 10 * PORTION_ROWS;

/**
 * Moves the events over, in portions. The highest event taken is remembered in the same transaction as the entries made of them, so a
 * crash before they are deleted from the table doubles none. `table` and `state` need not wait for the disk at each commit: before anything
 * is deleted, `durable`, on which a commit does, has made one, which brings all before it to the disk as well. Returns how many.
 */
export async function drainEvents(
  table: DelegationDb,
  state: StateDb,
  key: Buffer,
  giveWay: GiveWay = giveBack,
  durable: Pick<StateDb, 'query'> = state,
): Promise<number> {
  let sealed = 0;
  const first = await isFirstLook(state);
  for (let kept = 0; ; ) {
    const value = await fact(state, 'drained');
    const drained = Number(value ?? 0);
    const fresh = await table.read(async (query) => {
      const later = await query
        .selectFrom('events')
        .selectAll()
        .where('id', '>', drained)
        .orderBy('id')
        .limit(JUDGED_ROWS)
        .execute();
      const judge: Judge = await judgeOf(query, state, later, first);
      return later.map((event) => ({ ...event, ...judge(event, isVouched(key, event)) }));
    });
    const count = await sealPortion(
      state,
      key,
      fresh,
      { name: 'drained', value },
      ({ id }) => String(id),
      (query, those) =>
        noteSeen(
          query,
          those.flatMap(({ seen }) => seen),
        ),
    );
    if (count === undefined) continue; // another has taken these over
    sealed += count;
    kept += count;
    const over = count === fresh.length && fresh.length < JUDGED_ROWS;
    if (fresh.length > 0 && !(await giveWay())) return sealed;
    if (over || kept >= BATCH_ROWS) {
      kept = 0;
      if (!(await takeAway(table, state, durable, giveWay))) return sealed;
    }
    if (over) return sealed;
  }
}

/** Those that have been taken over, and those that a crash had left. False: the rest is for another time. */
async function takeAway(
  table: DelegationDb,
  state: StateDb,
  durable: Pick<StateDb, 'query'>,
  giveWay: GiveWay,
): Promise<boolean> {
  const drained = Number((await fact(state, 'drained')) ?? 0);
  const taken = () =>
    table.query
      .selectFrom('events')
      .select('id')
      .where('id', '<=', drained)
      .orderBy('id')
      .limit(PORTION_ROWS)
      .execute();
  let ids = await taken();
  if (ids.length > 0) await setFact(durable, 'drained', String(drained));
  for (; ids.length > 0; ids = await taken()) {
    const last = ids.at(-1)?.id ?? 0;
    await table.write({ actor: 'mandat' }, (query) => query.deleteFrom('events').where('id', '<=', last).execute());
    if (!(await giveWay())) return false;
  }
  return true;
}
