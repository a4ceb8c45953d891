import { setTimeout as delay } from 'node:timers/promises';

/** How many times as long each limit is: more than once where much else goes on, as in the whole suite (.ci/suite.ts). A limit ends what hangs, and measures nothing. */
const PATIENCE = Number(process.env.LAB_PATIENCE ?? 1);

/**
 * Asks until the answer is neither undefined nor false, at short growing intervals, up to a second for a question that costs as much: the
 * machine is there for what is waited for. Throws after limitMs, also where one of the questions has no answer until then.
 * @param what named in the error, and the diagnosis (a log's tail, say) after it
 */
export async function waitFor<T>(
  what: string,
  limitMs: number,
  ask: () => Promise<T | undefined | false> | T | undefined | false,
  diagnosis: () => string = () => '',
): Promise<T> {
  const until = Date.now() + limitMs * PATIENCE;
  for (let pause = 5; ; pause = Math.min(pause * 1.5, 100)) {
    const began = performance.now();
    const asked = ask();
    const answer = asked instanceof Promise ? await answered(what, limitMs, asked, diagnosis) : asked;
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > until) throw late(what, limitMs, diagnosis);
    await delay(Math.max(pause, Math.min(performance.now() - began, 1000)));
  }
}

/** A look that takes as long as this beyond the limit has no answer: one that has begun may still find what it looks for. */
export const GRACE_MS = 30_000;

const answered = <T>(what: string, limitMs: number, asked: Promise<T>, diagnosis: () => string) =>
  within(`${what}; the last look has not come back`, limitMs + GRACE_MS, asked, diagnosis);

/** What is awaited, or an error that says what it was when it hasn't come after limitMs. Nothing is ended: that is the caller's. */
export async function within<T>(
  what: string,
  limitMs: number,
  awaited: Promise<T>,
  diagnosis: () => string = () => '',
): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(late(what, limitMs, diagnosis)), limitMs * PATIENCE);
  });
  return Promise.race([awaited, limit]).finally(() => clearTimeout(timer));
}

function late(what: string, limitMs: number, diagnosis: () => string): Error {
  return new Error(`not within ${limitMs * PATIENCE} ms: ${what}\n${diagnosis()}`.trimEnd());
}
