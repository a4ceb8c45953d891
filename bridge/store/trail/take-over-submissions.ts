/** What the submission filter has noted goes into the sealed trail: by the sidecar, and nobody else. */
import type { Instant } from '../../../acl/delegation-facts.ts';
import { type GiveWay, giveBack, PORTION_ROWS } from '../../shared/portions.ts';
import { fact } from '../state/facts.ts';
import type { StateDb } from '../state/state-db.ts';
import type { SubmissionStore } from '../submissions/submission-db.ts';
import { sealPortion } from './sealing.ts';

/** How long it is remembered what became of a copy: twice as long as Postfix tries by default (maximal_queue_lifetime). */
export const COPY_DAYS = 10;

/**
 * In portions. The highest event taken, and of which file, is remembered in the same transaction as the entries made of them, so a crash
 * before they are deleted doubles none. Old copies are forgotten with them.
 */
export async function drainSubmissions(
  from: SubmissionStore,
  state: StateDb,
  key: Buffer,
  now: Instant,
  giveWay: GiveWay = giveBack,
): Promise<number> {
  let sealed = 0;
  for (;;) {
    const events = await from.events(PORTION_ROWS);
    const value = await fact(state, 'submissions-drained');
    const [epoch, drained] = (value ?? '').split(' ');
    const fresh = events.filter(({ id }) => epoch !== from.epoch || id > Number(drained));
    const count = await sealPortion(
      state,
      key,
      fresh,
      { name: 'submissions-drained', value },
      ({ id }) => `${from.epoch} ${id}`,
    );
    if (count === undefined) continue; // another has taken these over
    const last = fresh[count - 1] ?? events.at(-1);
    if (last === undefined) return sealed;
    sealed += count;
    if (!(await giveWay())) return sealed;
    await from.forget(last.id);
    if (events.length < PORTION_ROWS && last === events.at(-1)) break;
    if (!(await giveWay())) return sealed;
  }
  const before = new Date(Date.parse(now) - COPY_DAYS * 86_400_000).toISOString();
  while ((await from.forgetCopies(before, PORTION_ROWS)) === PORTION_ROWS && (await giveWay()));
  return sealed;
}
