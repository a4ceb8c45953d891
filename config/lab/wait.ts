import { setTimeout as delay } from 'node:timers/promises';

/**
 * Asks until the answer is neither undefined nor false, at short growing intervals; throws after limitMs.
 * @param what named in the error, and the diagnosis (a log's tail, say) after it
 */
export async function waitFor<T>(
  what: string,
  limitMs: number,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  diagnosis: () => string = () => '',
): Promise<T> {
  const until = Date.now() + limitMs;
  for (let pause = 5; ; pause = Math.min(pause * 1.5, 100)) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > until) throw new Error(`not within ${limitMs} ms: ${what}\n${diagnosis()}`.trimEnd());
    await delay(pause);
  }
}
