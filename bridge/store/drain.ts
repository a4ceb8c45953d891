/**
 * Taking over what the triggers have noted in the shared table. Whoever writes that table writes its events too, so each is judged on the way:
 * what carries our MAC is as it says; a grant, a revoke or a change that goes with a row seen to have changed happened, by whom is a claim; all
 * else is a claim as a whole.
 */
import { type GiveWay, giveBack, PORTION_ROWS } from '../giving-way.ts';
import { sealPortion } from './audit.ts';
import type { DelegationDb } from './delegation-db.ts';
import { fact } from './facts.ts';
import { type Judge, judgeOf } from './judging.ts';
import { isFirstLook, noteSeen } from './rows-seen.ts';
import type { StateDb } from './state-db.ts';
import { isVouched } from './vouched.ts';

/**
 * Moves the events over, in portions. The highest event taken is remembered in the same transaction as the entries made of them, so a
 * crash before they are deleted from the table doubles none.
 */
export async function drainEvents(
  table: DelegationDb,
  state: StateDb,
  key: Buffer,
  giveWay: GiveWay = giveBack,
): Promise<number> {
  let sealed = 0;
  const first = await isFirstLook(state);
  for (;;) {
    const drained = Number((await fact(state, 'drained')) ?? 0);
    const { events, fresh } = await table.read(async (query) => {
      const all = await query.selectFrom('events').selectAll().orderBy('id').limit(PORTION_ROWS).execute();
      const later = all.filter(({ id }) => id > drained);
      const judge: Judge = await judgeOf(query, state, later, first);
      return { events: all, fresh: later.map((event) => ({ ...event, ...judge(event, isVouched(key, event)) })) };
    });
    const count = await sealPortion(
      state,
      key,
      fresh,
      ({ id }) => ['drained', String(id)],
      (query, those) =>
        noteSeen(
          query,
          those.flatMap(({ seen }) => seen),
        ),
    );
    const last = fresh[count - 1] ?? events.at(-1);
    if (last === undefined) return sealed;
    sealed += count;
    if (!(await giveWay())) return sealed;
    await table.write({ actor: 'mandat' }, (query) => query.deleteFrom('events').where('id', '<=', last.id).execute());
    if (events.length < PORTION_ROWS && last === events.at(-1)) return sealed;
    if (!(await giveWay())) return sealed;
  }
}
