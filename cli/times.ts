/** Times as people read them: in the policy's zone, to the second, with the offset, so that every command takes what another has shown. */
import { DateTime, Info, Settings } from 'luxon';

/** Digits and offsets are all that is shown: asking the system for its language would take longer than all the rest of a short command. */
Settings.defaultLocale = 'en';

/** The last instant that can be written: without an end. */
export const NEVER = '9999-12-31T23:59:59.999Z';

export function shownTime(instant: string | null | undefined, timezone: string): string {
  if (instant === null || instant === undefined) return '-';
  if (instant === NEVER) return 'never';
  return (
    shownFast(instant, timezone) ?? DateTime.fromISO(instant, { zone: timezone }).toFormat("yyyy-MM-dd'T'HH:mm:ssZZ")
  );
}

/** As the table has them. */
const UTC = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,3})?Z$/;

/** The same of most instants, without taking them apart: a list may have two million. Undefined: of this one not. */
function shownFast(instant: string, timezone: string): string | undefined {
  if (!UTC.test(instant)) return undefined;
  const ms = Date.parse(instant);
  if (Number.isNaN(ms) || new Date(ms).toISOString().slice(0, 19) !== instant.slice(0, 19)) return undefined; // there is no such day
  const offset = Info.normalizeZone(timezone).offset(ms);
  const local = new Date(ms + offset * 60_000);
  if (!Number.isInteger(offset) || Number.isNaN(local.getTime())) return undefined;
  const text = local.toISOString();
  if (text.length !== 24) return undefined; // a year of more than four digits
  const [hours, minutes] = [Math.floor(Math.abs(offset) / 60), Math.abs(offset) % 60];
  const two = (value: number) => String(value).padStart(2, '0');
  return `${text.slice(0, 19)}${offset < 0 ? '-' : '+'}${two(hours)}:${two(minutes)}`;
}

export function shownDuration(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}
