/** Times as people read them: in the policy's zone, to the second, with the offset, so that every command takes what another has shown. */
import { DateTime, Settings } from 'luxon';

/** Digits and offsets are all that is shown: asking the system for its language would take longer than all the rest of a short command. */
Settings.defaultLocale = 'en';

/** The last instant that can be written: without an end. */
export const NEVER = '9999-12-31T23:59:59.999Z';

export function shownTime(instant: string | null | undefined, timezone: string): string {
  if (instant === null || instant === undefined) return '-';
  if (instant === NEVER) return 'never';
  return DateTime.fromISO(instant, { zone: timezone }).toFormat("yyyy-MM-dd'T'HH:mm:ssZZ");
}

export function shownDuration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
