/** Instants as people read them: in their language, in the site's time zone. */
import { html } from 'hono/html';
import { DateTime } from 'luxon';
import type { Language } from '../context.ts';

/** 29 nov. 2026, 18:04 */
export function timeText(instant: string, zone: string, language: Language): string {
  const time = DateTime.fromISO(instant, { zone }).setLocale(language === 'fr' ? 'fr' : 'en-GB');
  return time.isValid ? time.toLocaleString(DateTime.DATETIME_MED) : instant;
}

export const shownAt = (instant: string, zone: string, language: Language) =>
  html`<time datetime="${instant}">${timeText(instant, zone, language)}</time>`;

/** A day as a date field gives it, as the instant of its start or its end in that zone. Undefined: there is no such day. */
export function dayEdge(day: string, edge: 'start' | 'end', zone: string): string | undefined {
  const form = /^\d{4}-\d{2}-\d{2}$/.test(day) || undefined;
  const time = form && DateTime.fromISO(day, { zone });
  if (!time?.isValid) return undefined;
  return (edge === 'start' ? time.startOf('day') : time.endOf('day')).toUTC().toISO() ?? undefined;
}
