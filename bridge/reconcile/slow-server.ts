/**
 * Waiting for a server that may be slow to answer, without keeping anything from anybody: what is waited for, and since when, is noted for
 * `status` and `explain`; when the rows change meanwhile, or revokes find no place, the pass is over and the question is dropped.
 */
import { forgetSlowAnswer, noteSlowAnswer } from '../store/state/slow-answers.ts';
import type { Patience } from './driver-interfaces.ts';
import { type Pass, Superseded } from './pass.ts';

/** How often it is looked whether the pass is still wanted. */
const LOOK_MS = 250;
/** An answer that takes so long is told as slow. */
const SLOW_MS = 2000;

/**
 * @param what completes "waits for": the answer that is awaited
 * @param ask is told by `patience` that nobody waits for the answer any more
 */
export async function patiently<T>(pass: Pass, what: string, ask: (patience: Patience) => Promise<T>): Promise<T> {
  const { state, clock } = pass.site;
  const dropped = new AbortController();
  const since = clock.now();
  let over = false;
  let told = false;
  let timer: NodeJS.Timeout | undefined;
  const answer = ask(dropped.signal);
  // A timer of its own that is taken back: most answers come at once, and a promise that is broken off costs as much as a question.
  const watch = new Promise<never>((_, reject) => {
    const look = async (waited: number) => {
      await pass.stillCurrent();
      if (pass.crowded()) throw new Superseded();
      if (waited >= SLOW_MS && !told && !over) {
        told = true;
        await noteSlowAnswer(state, { mailboxId: pass.mailboxId, mailbox: pass.address, what, since });
      }
      again(waited + LOOK_MS);
    };
    const again = (waited: number) => {
      if (!over) timer = setTimeout(() => void look(waited).catch(reject), LOOK_MS);
    };
    again(LOOK_MS);
  });
  try {
    return await Promise.race([answer, watch]);
  } catch (error) {
    dropped.abort();
    throw error;
  } finally {
    over = true;
    clearTimeout(timer);
    for (const one of [answer, watch]) one.catch(() => {}); // whichever came second
    if (told) await forgetSlowAnswer(state, pass.mailboxId);
  }
}
