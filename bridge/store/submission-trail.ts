/** What the submission filter has noted goes into the sealed trail: by the sidecar, and nobody else. */
import type { Instant } from '../../acl/policy.ts';
import { append } from './audit.ts';
import { fact, setFact } from './facts.ts';
import type { StateDb } from './state-db.ts';
import type { SubmissionStore } from './submissions.ts';

/** How long it is remembered what became of a copy: twice as long as Postfix tries by default (maximal_queue_lifetime). */
export const COPY_DAYS = 10;

/**
 * The highest event taken, and of which file, is remembered in the same transaction as the entries made of them, so a crash before
 * they are deleted doubles none. Old copies are forgotten with them.
 */
export async function drainSubmissions(
  from: SubmissionStore,
  state: StateDb,
  key: Buffer,
  now: Instant,
): Promise<number> {
  const events = from.events();
  const last = events.at(-1);
  if (last === undefined) return 0;
  const [epoch, drained] = ((await fact(state, 'submissions-drained')) ?? '').split(' ');
  const fresh = events.filter(({ id }) => epoch !== from.epoch || id > Number(drained));
  if (fresh.length > 0) {
    await state.write(async (query) => {
      await append({ query }, key, fresh);
      await setFact({ query }, 'submissions-drained', `${from.epoch} ${last.id}`);
    });
  }
  from.forget(last.id, new Date(Date.parse(now) - COPY_DAYS * 86_400_000).toISOString());
  return fresh.length;
}
