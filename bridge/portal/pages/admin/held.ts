/** Withdrawals that the guard holds back: seen one by one, and let go after a question. */
import type { Hono } from 'hono';
import { html } from 'hono/html';
import { heldWithdrawals, letHeldGo, markOf } from '../../../acting/held-waves.ts';
import { Failure } from '../../../shared/failure.ts';
import type { PortalEnv } from '../../context.ts';
import { done, fault, inWords, typedIn } from '../form.ts';
import { type Once, onceField } from '../once.ts';
import { csrfField, type PortalContext, page, wordsOf } from '../page.ts';
import { ADMIN, withQuery } from '../paths.ts';
import { closed, type Entrance, entrance, upToAdmin } from './entrance.ts';

const HELD = `${ADMIN}/held`;

export function mountHeld(app: Hono<PortalEnv>, once: Once): void {
  app.get(HELD, async (c) => {
    const here = entrance(c);
    return here === undefined ? closed(c) : heldPage(c, here);
  });
  app.post(HELD, async (c) => {
    const here = entrance(c);
    if (here === undefined || !here.mayAct) return closed(c);
    const typed = await typedIn(c);
    try {
      await once(c, typed('once'), () => letHeldGo(here.acting, typed('seen')));
      return c.redirect(withQuery(HELD, { done: 'yes' }), 303);
    } catch (error) {
      const words = wordsOf(c);
      const changed = error instanceof Failure && error.rule === 'HELD_OTHERWISE';
      return heldPage(c, here, changed ? words.admin.heldOtherwise : inWords(words, error).text);
    }
  });
}

async function heldPage(c: PortalContext, { acting, mayAct }: Entrance, wrong?: string) {
  const all = wordsOf(c);
  const words = all.admin;
  const held = await heldWithdrawals(acting);
  const said = wrong === undefined && c.req.query('done') === 'yes';
  const asks = html`<form method="post" action="${HELD}">${csrfField(c)}${onceField()}<input type="hidden" name="seen" value="${markOf(held)}"><p><strong>${words.heldAsk}</strong></p>
<div class="tools"><button class="button danger">${words.heldGo}</button><a class="button plain" href="${ADMIN}">${all.cancel}</a></div></form>`;
  const body = html`${upToAdmin(c)}<h1>${words.heldTitle}</h1>${wrong === undefined ? '' : fault(all, wrong)}${said ? done(words.heldDone) : ''}
<section class="card">${held.length === 0 ? html`<p>${words.heldNone}</p>` : html`<p>${words.heldLead(held.length)}</p><ul class="list">${held.map(({ mailbox, login }) => html`<li>${mailbox} · ${login}</li>`)}</ul>${mayAct ? asks : html`<p>${words.reads}</p>`}`}</section>`;
  return page(c, { title: words.heldTitle, place: 'administration', body, status: wrong === undefined ? 200 : 409 });
}
