/**
 * Waiting for a server that may be slow to answer, without keeping anything from anybody: what is waited for, and since when, is noted for
 * `status` and `explain`; when the rows change meanwhile, or revokes find no place, the pass is over and the question is dropped.
 */
import { setTimeout as delay } from 'node:timers/promises';
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
  const over = new AbortController();
  const since = clock.now();
  let told = false;
  const answer = ask(dropped.signal);
  const watching = async (): Promise<never> => {
    for (let waited = LOOK_MS; ; waited += LOOK_MS) {
      await delay(LOOK_MS, undefined, { signal: over.signal });
      await pass.stillCurrent();
      if (pass.crowded()) throw new Superseded();
      if (waited < SLOW_MS || told) continue;
      told = true;
      await noteSlowAnswer(state, { mailboxId: pass.mailboxId, mailbox: pass.address, what, since });
    }
  };
  const watch = watching();
  try {
    return await Promise.race([answer, watch]);
  } catch (error) {
    dropped.abort();
    throw error;
  } finally {
    over.abort();
    for (const one of [answer, watch]) one.catch(() => {}); // whichever came second
    if (told) await forgetSlowAnswer(state, pass.mailboxId);
  }
}
