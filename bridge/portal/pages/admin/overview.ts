/** What an administrator sees first: how the service is, what is held, and a search by mailbox or person. */
import type { Hono } from 'hono';
import { html } from 'hono/html';
import { delegationsOf, mailboxesOf, type OwnedMailbox } from '../../../acting/delegation-states.ts';
import { type SiteStatus, siteStatus } from '../../../acting/site-status.ts';
import { failureOf } from '../../../shared/failure.ts';
import type { PortalEnv } from '../../context.ts';
import { field, typedInQuery } from '../form.ts';
import { ownerIdentifier } from '../owner/whose.ts';
import { type Html, type PortalContext, page, wordsOf } from '../page.ts';
import { ADMIN, mailboxPath } from '../paths.ts';
import { timeText } from '../times.ts';
import { closed, type Entrance, entrance } from './entrance.ts';

const MOST_FOUND = 50;

export function mountOverview(app: Hono<PortalEnv>): void {
  app.get(ADMIN, async (c) => {
    const here = entrance(c);
    if (here === undefined) return closed(c);
    const { admin: words } = wordsOf(c);
    const query = typedInQuery(c)('q');
    const body = html`<h1>${words.title}</h1>${here.mayAct ? '' : html`<div class="note"><p>${words.reads}</p></div>`}
<form class="card" method="get" action="${ADMIN}" role="search"><h2>${words.searchTitle}</h2>
${field({ name: 'q', label: words.query, hint: words.searchHint, type: 'search', value: query, autocomplete: 'off' })}<button class="button">${words.search}</button></form>
${query === '' ? '' : results(c, await found(here, query))}
${statusCard(c, here, await siteStatus(here.acting))}
<p class="tools"><a class="button plain" href="${ADMIN}/audit">${words.audit}</a></p>`;
    return page(c, { title: words.title, place: 'administration', body });
  });
}

/** Whose address has these letters; whose owner or delegate this is. Each once, by address. */
async function found({ acting }: Entrance, query: string): Promise<readonly OwnedMailbox[]> {
  const byAddress = await mailboxesOf(acting, { part: query.toLowerCase(), limit: MOST_FOUND });
  const byOwner = await mailboxesOf(acting, { owner: query, limit: MOST_FOUND });
  const delegated = await delegationsOf(acting, { delegate: query }).catch((error: unknown) => {
    if (['absent', 'refused'].includes(failureOf(error).code)) return [];
    throw error;
  });
  const all = new Map([...byAddress, ...byOwner].map((one) => [one.address, one]));
  for (const { mailbox } of delegated.slice(0, MOST_FOUND)) {
    if (all.has(mailbox.address)) continue;
    const [one] = await mailboxesOf(acting, { part: mailbox.address, limit: 1 });
    if (one?.address === mailbox.address) all.set(one.address, one);
  }
  return [...all.values()].sort((one, other) => (one.address < other.address ? -1 : 1));
}

function results(c: PortalContext, mailboxes: readonly OwnedMailbox[]): Html {
  const { admin: words, owner } = wordsOf(c);
  return html`<section class="card" aria-labelledby="results"><h2 id="results">${words.results}</h2>
${mailboxes.length === 0 ? html`<p role="status">${words.noResults}</p>` : html`<ul class="list">${mailboxes.map((one) => html`<li><a href="${mailboxPath(one.address)}">${one.address}</a> <span class="lead">${words.ownerIs} ${ownerIdentifier(one)} · ${owner.count(one.delegates, one.limit)}</span></li>`)}</ul>`}</section>`;
}

function statusCard(c: PortalContext, { acting, mayAct }: Entrance, status: SiteStatus): Html {
  const { admin: words, codes, look } = wordsOf(c);
  const { timezone } = acting.config.policy;
  const said = [
    { text: status.running ? words.sidecarRuns : words.sidecarStopped, tone: status.running ? 'good' : 'bad' },
    ...(status.paused === null
      ? []
      : [{ text: words.pausedSince(timeText(status.paused.since, timezone, c.get('language'))), tone: 'wait' }]),
    ...(status.restored ? [{ text: codes.reasons['table-from-the-past'], tone: 'bad' }] : []),
    ...(status.withdrawnSince === null ? [] : [{ text: words.withdrawn, tone: 'bad' }]),
  ];
  const held = status.servers.reduce((all, one) => all + one.held, 0);
  // With files nothing is known of the service but what the first line says.
  const tells = status.servers.some(({ works }) => works !== undefined);
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
  const cell = (label: string, value: unknown) => html`<td role="cell" data-label="${label}">${value}</td>`;
  return html`<section class="card" aria-labelledby="status"><h2 id="status">${words.statusTitle}</h2>
${said.map(({ text, tone }) => html`<div class="note ${tone}"><p>${text}</p></div>`)}
${held === 0 ? '' : html`<div class="note wait"><p>${words.heldIn(held)}</p>${mayAct ? html`<p><a class="button" href="${ADMIN}/held">${words.heldLet}</a></p>` : ''}</div>`}
<table class="cards" role="table" aria-label="${words.facts}"><thead role="rowgroup"><tr role="row">${heads.map((head) => html`<th scope="col" role="columnheader">${head}</th>`)}</tr></thead><tbody role="rowgroup">
${status.servers.map((one) => html`<tr role="row"><th scope="row" role="rowheader" data-label="${words.server}">${one.server}</th>${tells ? cell(words.service, service(one)) : ''}${cell(words.mailboxes, one.mailboxes)}${cell(words.inForce, one.inForce)}${cell(words.pending, one.waiting)}${cell(words.failing, one.failing)}</tr>`)}
</tbody></table><p><a href="${ADMIN}">${look}</a></p></section>`;
}
