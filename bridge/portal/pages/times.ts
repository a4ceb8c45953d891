/** Instants as people read them: in their language, in the site's time zone. */
import { html } from 'hono/html';
import { DateTime } from 'luxon';
import type { Language } from '../context.ts';

/** 29 nov. 2026, 18:04 */
export function timeText(instant: string, zone: string, language: Language): string {
  const time = DateTime.fromISO(instant, { zone }).setLocale(language === 'fr' ? 'fr' : 'en-GB');
  return time.isValid ? time.toLocaleString(DateTime.DATETIME_MED) : instant;
}

/** The day stays in one piece where a column is narrow. */
export function shownAt(instant: string, zone: string, language: Language) {
  const [day, hour] = timeText(instant, zone, language).split(', ');
  return html`<time datetime="${instant}"><span class="whole">${day}${hour === undefined ? '' : ','}</span> ${hour ?? ''}</time>`;
}

/** A day as a date field gives it, as the instant of its start or its end in that zone. Undefined: there is no such day, or the table has no year for it. */
export function dayEdge(day: string, edge: 'start' | 'end', zone: string): string | undefined {
  const form = /^\d{4}-\d{2}-\d{2}$/.test(day) || undefined;
  const time = form && DateTime.fromISO(day, { zone });
  if (!time?.isValid) return undefined;
  const instant = (edge === 'start' ? time.startOf('day') : time.endOf('day')).toUTC().toISO();
  return instant !== null && /^\d{4}-/.test(instant) ? instant : undefined;
}
