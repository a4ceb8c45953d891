/** The owner's mailboxes; where there is one, it is shown at once. R2 */
import type { Hono } from 'hono';
import { html } from 'hono/html';
import { mailboxesOf } from '../../../acting/delegation-states.ts';
import type { PortalEnv } from '../../context.ts';
import { page, wordsOf } from '../page.ts';
import { MAILBOXES, mailboxPath } from '../paths.ts';

export function mountMailboxes(app: Hono<PortalEnv>): void {
  app.get(MAILBOXES, async (c) => {
    const words = wordsOf(c);
    const { identifier } = c.get('person');
    const all = await mailboxesOf(c.get('acting')({ kind: 'owner', identifier }));
    const [only] = all;
    if (only !== undefined && all.length === 1) return c.redirect(mailboxPath(only.address), 303);
    const body = html`<h1>${words.mailboxes}</h1>
<p class="lead">${all.length === 0 ? words.nobody : words.owner.mailboxesLead}</p>
${
  all.length === 0
    ? ''
    : html`<div class="card"><ul class="list">
${all.map(({ address, delegates, limit }) => html`<li><a href="${mailboxPath(address)}">${address}</a> <span class="lead">${words.owner.count(delegates, limit)}</span></li>`)}
</ul></div>`
}`;
    return page(c, { title: words.mailboxes, place: 'mailboxes', body });
  });
}
