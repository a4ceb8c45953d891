/** What an administrator sees first: how the service is, what is held, and a search by mailbox or person. */
import type { Hono } from 'hono';
import { html } from 'hono/html';
import { delegationsOf, mailboxesOf, type OwnedMailbox } from '../../../acting/delegation-states.ts';
import { siteStatus } from '../../../acting/site-status.ts';
import { failureOf } from '../../../shared/failure.ts';
import type { PortalEnv } from '../../context.ts';
import { field, typedInQuery } from '../form.ts';
import { ownerIdentifier } from '../owner/whose.ts';
import { type Html, type PortalContext, page, wordsOf } from '../page.ts';
import { ADMIN, mailboxPath } from '../paths.ts';
import { closed, type Entrance, entrance } from './entrance.ts';
import { statusCard } from './status-card.ts';

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
${mailboxes.length === 0 ? html`<p role="status">${words.noResults}</p>` : html`<ul class="list">${mailboxes.map((one) => html`<li><a href="${mailboxPath(one.address)}">${one.address}</a> <span class="lead">${words.ownedBy(ownerIdentifier(one))} · ${owner.count(one.delegates, one.limit)}</span></li>`)}</ul>`}</section>`;
}
