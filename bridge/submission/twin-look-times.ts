/** When to look again for a mail client's own copy, after ours is stored. */
import type { Instant } from '../../acl/delegation-facts.ts';

const MINUTE_MS = 60_000;
/** After the one before: 1, 5 and 15 minutes after ours, and an hour, for whoever comes back to a laptop that was shut. */
const LOOKS_MS = [1, 4, 10, 45].map((minutes) => minutes * MINUTE_MS);
/** After a look that failed; and for how long after the sending that goes on. */
export const LOOK_FAILED_MS = 5 * MINUTE_MS;
export const LOOK_FOR_MS = 24 * 60 * MINUTE_MS;

/** @returns null after the last one */
export function lookAfter(looks: number, now: Date): Instant | null {
  const wait = LOOKS_MS[looks];
  return wait === undefined ? null : new Date(now.getTime() + wait).toISOString();
}
