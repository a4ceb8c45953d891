/** A mailbox and its delegations. R17, R25 */
import type { Hono } from 'hono';
import { html } from 'hono/html';
import { delegationsOf } from '../../../acting/delegation-states.ts';
import { knownPeople } from '../../../acting/known-people.ts';
import type { PortalEnv } from '../../context.ts';
import { fault } from '../form.ts';
import { addressShown, type Html, notYours, type PortalContext, page, wordsOf } from '../page.ts';
import { ADMIN, MAILBOXES, mailboxPath, withQuery } from '../paths.ts';
import { delegationTable, removalDialog } from './delegation-table.ts';
import { followBanner, followedIn, mailboxPathPattern } from './follow.ts';
import { type Desk, deskAt, ownerIdentifier } from './whose.ts';

export function mountMailbox(app: Hono<PortalEnv>): void {
  app.get(mailboxPathPattern(), async (c) => {
    const desk = await deskAt(c);
    return desk === undefined ? notTheirs(c) : mailboxPage(c, desk);
  });
}

export function notTheirs(c: PortalContext) {
  const words = wordsOf(c);
  return notYours(c, { title: words.notFound, text: words.notYours, place: 'mailboxes', status: 404 });
}

/** `refused`: what was asked for and not done, said above the table as it stands now. */
export async function mailboxPage(
  c: PortalContext,
  desk: Desk,
  refused?: { text: string; status: 403 | 404 | 409 | 422 | 500 | 503 },
) {
  const words = wordsOf(c);
  const { mailbox, acting } = desk;
  const delegations = await delegationsOf(acting, { mailbox: mailbox.address });
  const people = await knownPeople(
    acting,
    delegations.map(({ delegate }) => delegate),
  );
  const rows = delegations.flatMap((delegation) => {
    const person = people.get(delegation.delegate.identifier);
    return person === undefined ? [] : [{ delegation, person }];
  });
  const change = refused === undefined ? followedIn(c, mailbox.address) : undefined;
  const body = html`${crumb(c, desk)}
<h1>${addressShown(mailbox.address)}</h1>
${desk.admin ? html`<p class="lead">${words.admin.ownedBy(ownerIdentifier(mailbox))}</p>` : ''}
${refused === undefined ? '' : fault(words, refused.text)}
${change === undefined ? '' : await followBanner(c, desk, change, delegations)}
<section class="card" aria-labelledby="delegations">
<div class="head"><h2 id="delegations">${words.owner.delegations}</h2><span class="lead">${words.owner.count(rows.length, mailbox.limit)}</span>${adding(c, desk)}</div>
${whyOff(c, desk)}
${desk.admin ? '' : html`<p class="lead">${words.owner.lead}</p>`}
${rows.length === 0 ? html`<p>${desk.admin ? words.admin.nobody : words.owner.nobodyYet}</p>` : delegationTable(c, desk, rows)}
</section>
<p class="tools"><a class="button plain" href="${mailboxPath(mailbox.address, '/history')}">${words.owner.history}</a>
${desk.admin ? html`<a class="button plain" href="${withQuery(`${ADMIN}/explain`, { mailbox: mailbox.address })}">${words.admin.explain}</a>` : html`<a class="button plain" href="${mailboxPath(mailbox.address, '/contact')}">${words.owner.contact}</a>`}</p>
${desk.mayAct && !desk.admin && rows.length > 0 ? removalDialog(c, desk) : ''}`;
  return page(c, {
    title: words.owner.delegationsOf(mailbox.address),
    place: desk.admin ? 'administration' : 'mailboxes',
    body,
    status: refused?.status ?? 200,
  });
}

export function crumb(c: PortalContext, { admin, mailbox }: Desk, deeper = false): Html {
  const words = wordsOf(c);
  const up = admin ? { at: ADMIN, text: words.administration } : { at: MAILBOXES, text: words.mailboxes };
  return html`<p class="crumb"><a href="${up.at}">${up.text}</a>${deeper ? html` › <a href="${mailboxPath(mailbox.address)}">${mailbox.address}</a>` : ''}</p>`;
}

function adding(c: PortalContext, { mailbox, mayAct }: Desk): Html | string {
  const words = wordsOf(c).owner;
  if (!mayAct) return '';
  if (mailbox.closed === null)
    return html`<a class="button" href="${mailboxPath(mailbox.address, '/add')}">${words.add}</a>`;
  return html`<button type="button" class="button" aria-disabled="true" aria-describedby="why-off">${words.add}</button>`;
}

/** R25: in red, where the guide has it; a full mailbox is no error. */
function whyOff(c: PortalContext, { mailbox: { closed, limit } }: Desk): Html | string {
  const words = wordsOf(c).owner;
  if (closed === null) return '';
  if (closed === 'limit') return html`<div class="note" id="why-off"><p>${words.full(limit)}</p></div>`;
  return html`<div class="note bad" id="why-off"><p><strong>${words.closed[closed]}</strong></p></div>`;
}
