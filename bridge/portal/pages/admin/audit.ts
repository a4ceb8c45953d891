/** The audit trail, filtered; as a page and as a file. That it was taken is in the trail. */
import type { Hono } from 'hono';
import { html } from 'hono/html';
import { type HistoryEntry, historyOf, MOST_HISTORY } from '../../../acting/history.ts';
import { cell } from '../../../shared/csv-cell.ts';
import { noteEvent } from '../../../store/table/events.ts';
import type { PortalEnv } from '../../context.ts';
import { faultList, field, type Typed, typedInQuery } from '../form.ts';
import { historyTable } from '../owner/history.ts';
import { type PortalContext, page, wordsOf } from '../page.ts';
import { ADMIN, withQuery } from '../paths.ts';
import { dayEdge } from '../times.ts';
import { closed, type Entrance, entrance, upToAdmin } from './entrance.ts';

const SHOWN = 100;

export function mountAudit(app: Hono<PortalEnv>): void {
  app.get(`${ADMIN}/audit`, async (c) => {
    const here = entrance(c);
    if (here === undefined) return closed(c);
    const typed = typedInQuery(c);
    const entries = await filtered(here, typed, SHOWN);
    return auditPage(c, here, typed, [...entries].reverse());
  });
  app.get(`${ADMIN}/audit.csv`, async (c) => {
    const here = entrance(c);
    if (here === undefined) return closed(c);
    const { acting } = here;
    const entries = await filtered(here, typedInQuery(c), MOST_HISTORY);
    await acting.table((db) =>
      noteEvent(db, acting.writer, { action: 'audit-export', detail: { entries: entries.length } }),
    );
    return c.body(csvOf(entries), 200, {
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': 'attachment; filename="audit.csv"',
      'cache-control': 'no-store',
    });
  });
}

const filtered = ({ acting }: Entrance, typed: Typed, limit: number) =>
  historyOf(acting, {
    mailbox: typed('mailbox') || undefined,
    delegate: typed('delegate') || undefined,
    since: dayEdge(typed('since'), 'start', acting.config.policy.timezone),
    limit,
  });

function auditPage(c: PortalContext, { acting }: Entrance, typed: Typed, entries: readonly HistoryEntry[]) {
  const all = wordsOf(c);
  const { admin: words, owner } = all;
  const asked = {
    mailbox: typed('mailbox') || undefined,
    delegate: typed('delegate') || undefined,
    since: typed('since') || undefined,
  };
  const { timezone } = acting.config.policy;
  const odd = asked.since !== undefined && dayEdge(asked.since, 'start', timezone) === undefined;
  const fault = odd ? owner.badDay : undefined;
  const body = html`${upToAdmin(c)}<h1>${words.auditTitle}</h1>${faultList(all, { since: fault })}
<form class="card" method="get" action="${ADMIN}/audit"><div class="pair">
${field({ name: 'mailbox', label: words.auditMailbox, value: typed('mailbox'), autocomplete: 'off' })}${field({ name: 'delegate', label: words.auditDelegate, value: typed('delegate'), autocomplete: 'off' })}
${field({ name: 'since', label: words.auditSince, type: 'date', value: typed('since'), fault })}</div>
<div class="tools"><button class="button">${words.filter}</button><a class="button plain" href="${withQuery(`${ADMIN}/audit.csv`, asked)}">${words.export}</a></div></form>
<section class="card" aria-label="${words.audit}">${entries.length === 0 ? html`<p>${owner.noHistory}</p>` : historyTable(c, entries, { zone: timezone, admin: true })}</section>`;
  return page(c, { title: words.auditTitle, place: 'administration', body });
}

const COLUMNS = ['at', 'actor', 'onBehalf', 'via', 'action', 'mailbox', 'delegate', 'reason', 'detail'] as const;

export function csvOf(entries: readonly HistoryEntry[]): string {
  const text = (value: unknown) => (value === null || typeof value === 'string' ? value : JSON.stringify(value));
  const lines = entries.map((one) => COLUMNS.map((name) => cell(text(one[name]))).join(','));
  return [COLUMNS.join(','), ...lines, ''].join('\r\n');
}
