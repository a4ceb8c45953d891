/**
 * The proof of a cut, the same for every way of cutting: the server's list of open sessions is looked at again until none of those from
 * before is in it. What the order itself was answered proves nothing. R49.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '../shared/failure.ts';

/** So long after a cut a session may still be there; one that is busy ends when its command does. */
export const LIMIT_MS = 5000;

/** Pauses between two looks: a process that is ending is named for a moment. */
const FIRST_PAUSE_MS = 10;
const LONGEST_PAUSE_MS = 320;

/** The rule of the {@link Failure} that says that a session goes on. */
export const SESSION_GOES_ON = 'SESSION_GOES_ON';

/** What is left of `before`, once nothing is or `until` (by performance.now) has passed. `stillOpen` looks, and says which of them are there. */
export async function leftOf<Session>(
  before: readonly Session[],
  until: number,
  stillOpen: (left: readonly Session[]) => Promise<readonly Session[]>,
): Promise<readonly Session[]> {
  let left = before;
  for (let pause = FIRST_PAUSE_MS; left.length > 0; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
    left = await stillOpen(left);
    if (left.length === 0 || performance.now() > until) break;
    await delay(pause);
  }
  return left;
}

/** `by` was told to end them; `which` names them, as the server does. */
export function goesOn(login: string, by: string, which: readonly string[], remedy: string): Failure {
  const one = which.length === 1;
  return new Failure(
    'retry',
    `${one ? 'a session' : `${which.length} sessions`} of ${login} that ${by} was told to end ${one ? 'goes' : 'go'} on (${which.join('; ')})`,
    remedy,
    { rule: SESSION_GOES_ON },
  );
}
