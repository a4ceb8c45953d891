/** How the service is, as `mandat status` says it: what needs somebody first. R3 */
import { html } from 'hono/html';
import type { SiteStatus } from '../../../acting/site-status.ts';
import { isSilent, standsBy } from '../../../acting/status/processes.ts';
import type { Status } from '../../../acting/status/status.ts';
import { addressShown, type Html, type PortalContext, wordsOf } from '../page.ts';
import { ADMIN, mailboxPath } from '../paths.ts';
import { cell, headRow } from '../table.ts';
import { shownAt, timeText } from '../times.ts';
import { called } from '../words/words.ts';
import type { Entrance } from './entrance.ts';

interface Said {
  readonly text: string;
  readonly tone: 'good' | 'wait' | 'bad';
  /** As the sidecar noted it, in its own language. */
  readonly noted?: string | undefined;
}

export function statusCard(c: PortalContext, { acting, mayAct }: Entrance, site: SiteStatus): Html {
  const { admin: words, look } = wordsOf(c);
  const { timezone } = acting.config.policy;
  const held = site.servers.reduce((all, one) => all + one.held, 0);
  return html`<section class="card" aria-labelledby="status"><h2 id="status">${words.statusTitle}</h2>
${said(c, site, timezone).map(({ text, tone, noted }) => html`<div class="note ${tone}"><p>${text}</p>${noted === undefined ? '' : html`<p lang="en">${noted}</p>`}</div>`)}
${held === 0 ? '' : html`<div class="note wait"><p>${words.heldIn(held)}</p>${mayAct ? html`<p><a class="button" href="${ADMIN}/held">${words.heldLet}</a></p>` : ''}</div>`}
${servers(c, site, timezone)}
${figures(c, site.own, timezone)}
${troubles(c, site.own, timezone)}
<p><a href="${ADMIN}">${look}</a></p></section>`;
}

/** What holds for all of the service, in sentences. */
function said(c: PortalContext, site: SiteStatus, timezone: string): readonly Said[] {
  const { admin: words, codes } = wordsOf(c);
  const { own } = site;
  const time = (instant: string) => timeText(instant, timezone, c.get('language'));
  const works = own.workers?.works ?? null;
  const bad = (text: string, noted?: string): Said => ({ text, tone: 'bad', noted });
  const standBy = standsBy(own.sidecar, own.workers);
  const sidecar = (): Said => {
    if (isSilent(own.sidecar, own.workers)) return bad(words.sidecarSilent);
    if (works !== null && (standBy || !site.running)) return { text: words.sidecarElsewhere(works.host), tone: 'good' };
    return site.running && !standBy ? { text: words.sidecarRuns, tone: 'good' } : bad(words.sidecarStopped);
  };
  const filters = own.filter?.filters.filter(({ running }) => !running) ?? [];
  const all = [
    sidecar(),
    ...(site.paused === null ? [] : [{ text: words.pausedSince(time(site.paused.since)), tone: 'wait' as const }]),
    ...(site.restored ? [bad(codes.reasons['table-from-the-past'])] : []),
    ...(site.withdrawnSince === null ? [] : [bad(words.withdrawn)]),
    ...(own.foreignState === null ? [] : [bad(words.foreignState, own.foreignState)]),
    ...(own.rulesChanged.length === 0
      ? []
      : [bad(words.rulesChanged, own.rulesChanged.map(({ object }) => object).join(', '))]),
    ...(own.trailBroken === null ? [] : [bad(words.trailBroken, own.trailBroken)]),
    ...(own.trace?.enabled && own.trace.trouble !== null ? [bad(words.traceTrouble, own.trace.trouble)] : []),
    ...(own.filter === null || own.filter.running !== null
      ? []
      : [bad(words.filterStopped, own.filter.trouble?.message)]),
    ...filters.map(({ name }) => bad(words.filterGone(name))),
    ...(own.outbox.failed === 0
      ? []
      : [bad(words.noticesFailed(own.outbox.failed), own.outbox.lastError ?? undefined)]),
    ...(own.outdated === null ? [] : [{ text: words.outdated, tone: 'wait' as const, noted: own.outdated }]),
  ];
  const isWell = !site.needsSomebody && all.every(({ tone }) => tone === 'good');
  return isWell ? [...all, { text: words.allWell, tone: 'good' }] : all;
}

function servers(c: PortalContext, { servers: all }: SiteStatus, timezone: string): Html {
  const { admin: words } = wordsOf(c);
  // With files nothing is known of the service but what the first line says.
  const tells = all.some(({ works }) => works !== undefined);
  const heads = [
    words.server,
    ...(tells ? [words.service] : []),
    words.mailboxes,
    words.inForce,
    words.pending,
    words.failing,
  ];
  const service = ({ works, filters }: SiteStatus['servers'][number]) => {
    const silent = (since: string) => words.serviceSilent(timeText(since, timezone, c.get('language')));
    const is = works == null ? words.serviceStopped : works.alive ? words.serviceRuns : silent(works.lastSeen);
    const down = filters.filter(({ running }) => !running).map(({ name }) => name);
    return html`<span class="state ${works?.alive === true ? 'good' : 'bad'}">${is}</span>${down.length === 0 ? '' : html` <span class="state bad">${words.filtersDown(down.join(', '))}</span>`}`;
  };
  return html`<table class="cards" role="table" aria-label="${words.facts}">${headRow(heads)}<tbody role="rowgroup">
${all.map((one) => row([words.server, one.server], ...(tells ? [[words.service, service(one)] as const] : []), [words.mailboxes, one.mailboxes], [words.inForce, one.inForce], [words.pending, one.waiting], [words.failing, one.failing]))}
</tbody></table>`;
}

function figures(c: PortalContext, own: Status, timezone: string): Html {
  const { admin: words } = wordsOf(c);
  const time = (instant: string | null | undefined) =>
    instant == null ? '–' : shownAt(instant, timezone, c.get('language'));
  const { outbox, otherEntries: others, kept } = own;
  const facts: readonly (readonly [string, unknown])[] = [
    ...(own.oldest === null ? [] : [[words.oldest, time(own.oldest)] as const]),
    [words.nextDue, time(own.nextDue)],
    [words.lastSweep, time(own.lastSweep)],
    [words.lastBackup, time(kept.backup?.at)],
    ...(outbox.waiting === 0 ? [] : [[words.noticesWaiting, outbox.waiting] as const]),
    ...(others.entries === 0 ? [] : [[words.otherAccess, words.others(others.entries)] as const]),
  ];
  return html`<dl class="facts">${facts.map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

/** What is wrong with single mailboxes, and whom somebody has to tell. Of each the first. */
function troubles(c: PortalContext, own: Status, timezone: string): Html {
  const { admin: words } = wordsOf(c);
  const time = (instant: string | null) => (instant === null ? '–' : shownAt(instant, timezone, c.get('language')));
  const at = (address: string) => html`<a href="${mailboxPath(address)}">${addressShown(address)}</a>`;
  const why = (code: string, message: string) =>
    html`${called(words.causes, code)} <span class="why" lang="en">${message}</span>`;
  const told = (code: string, message: string) =>
    html`${called(words.noticed, code)} <span class="why" lang="en">${message}</span>`;
  const list = (id: string, title: string, heads: readonly string[], rows: readonly Html[], more: number) =>
    rows.length === 0
      ? ''
      : html`<h3 id="${id}">${title}</h3><table class="cards" role="table" aria-labelledby="${id}">${headRow(heads)}<tbody role="rowgroup">
${rows}</tbody></table>${more > 0 ? html`<p>${words.more(more)}</p>` : ''}`;
  const { failures, late, copies, notices, outbox } = own;
  const named = new Set(notices.map(({ mailbox }) => mailbox)).size;
  return html`${list(
    'failing',
    words.failingTitle,
    [words.auditMailbox, words.why, words.again],
    failures.map((one) =>
      row(
        [words.auditMailbox, at(one.mailbox)],
        [words.why, why(one.code, one.message)],
        [words.again, time(one.retryAt)],
      ),
    ),
    own.failing - failures.length,
  )}${list(
    'late',
    words.lateTitle,
    [words.auditMailbox, words.oldest],
    late.map(({ mailbox, since }) =>
      row([words.auditMailbox, mailbox === null ? words.gone : at(mailbox)], [words.oldest, time(since)]),
    ),
    own.lateCount - late.length,
  )}${list(
    'copies',
    words.copiesTitle,
    [words.auditMailbox, words.copies, words.since, words.why],
    copies.map((one) =>
      row(
        [words.auditMailbox, at(one.mailbox)],
        [words.copies, one.count],
        [words.since, time(one.since)],
        [
          words.why,
          html`${one.queued ? words.queued : words.givenUp} <span class="why" lang="en">${one.message}</span>`,
        ],
      ),
    ),
    0,
  )}${list(
    'noticed',
    words.noticedTitle,
    [words.auditMailbox, words.why],
    notices.map((one) => row([words.auditMailbox, at(one.mailbox)], [words.why, told(one.code, one.message)])),
    own.noticed - named,
  )}${list(
    'to-tell',
    words.toTellTitle,
    [words.whom, words.ofWhat, words.auditMailbox],
    outbox.noAddress.map((one) =>
      row(
        [words.whom, html`<bdi>${one.subject}</bdi>`],
        [words.ofWhat, called(words.kinds, one.kind)],
        [words.auditMailbox, one.mailbox === null ? '–' : at(one.mailbox)],
      ),
    ),
    outbox.noAddressCount - outbox.noAddress.length,
  )}`;
}

function row(first: readonly [string, unknown], ...cells: readonly (readonly [string, unknown])[]): Html {
  return html`<tr role="row"><th scope="row" role="rowheader" data-label="${first[0]}">${first[1]}</th>${cells.map(([label, value]) => cell(label, html`<span>${value}</span>`))}</tr>
`;
}
