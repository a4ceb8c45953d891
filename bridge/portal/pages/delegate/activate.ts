/** Activation in the guide's order: who they are, the contact address, the terms, the code. Cancel writes nothing. R38 to R45 */
import type { Hono } from 'hono';
import { html } from 'hono/html';
import { activateAccount, cancelAccountRequest, confirmAccount } from '../../../acting/accounts.ts';
import type { PortalEnv } from '../../context.ts';
import { checkbox, fault, faultList, field, mendable, typedIn } from '../form.ts';
import { csrfField, type PortalContext, page, wordsOf } from '../page.ts';
import { ACCOUNT } from '../paths.ts';
import { timeText } from '../times.ts';
import { accountSaying } from './account.ts';
import { identityFacts, notOpen, termsLinks } from './parts.ts';
import { type OwnAccount, ownAccount } from './whose-account.ts';

interface Form {
  readonly contact: string;
  readonly accepted: boolean;
  readonly faults?: { readonly all?: string; readonly contact?: string; readonly accept?: string };
}

export function mountActivation(app: Hono<PortalEnv>): void {
  app.get(`${ACCOUNT}/activate`, async (c) => {
    const own = await ownAccount(c);
    if (own === undefined) return notOpen(c);
    if (own.view.holder.state !== 'pending' || own.view.terms === null) return c.redirect(ACCOUNT, 303);
    return activatePage(c, own, { contact: '', accepted: false });
  });
  app.post(`${ACCOUNT}/activate`, async (c) => {
    const own = await ownAccount(c);
    if (own === undefined) return notOpen(c);
    const typed = await typedIn(c);
    const form = { contact: typed('contact'), accepted: typed('accept') === 'yes' };
    if (!form.accepted) return activatePage(c, own, { ...form, faults: { accept: wordsOf(c).delegate.mustAccept } });
    try {
      const { contact } = form;
      const asked = { contact, terms: typed('version'), language: c.get('language') };
      await activateAccount(own.acting, own.identifier, asked);
      return c.redirect(`${ACCOUNT}/code`, 303);
    } catch (error) {
      const { text, rule } = mendable(wordsOf(c), error);
      return activatePage(c, own, { ...form, faults: rule === 'MANDAT_CONTACT' ? { contact: text } : { all: text } });
    }
  });
  mountCode(app);
}

function mountCode(app: Hono<PortalEnv>): void {
  app.get(`${ACCOUNT}/code`, async (c) => {
    const own = await ownAccount(c);
    if (own === undefined) return notOpen(c);
    return own.view.waiting === null ? c.redirect(ACCOUNT, 303) : codePage(c, own);
  });
  app.post(`${ACCOUNT}/code`, async (c) => {
    const own = await ownAccount(c);
    if (own === undefined) return notOpen(c);
    const code = (await typedIn(c))('code');
    try {
      const { activated } = await confirmAccount(own.acting, own.identifier, code);
      return c.redirect(accountSaying(activated ? 'activated' : 'contactChanged'), 303);
    } catch (error) {
      // How many tries are left is another number now.
      return codePage(c, (await ownAccount(c)) ?? own, { code, fault: mendable(wordsOf(c), error).text });
    }
  });
  app.post(`${ACCOUNT}/cancel`, async (c) => {
    const own = await ownAccount(c);
    if (own === undefined) return notOpen(c);
    await cancelAccountRequest(own.acting, own.identifier);
    return c.redirect(accountSaying('cancelled'), 303);
  });
}

function activatePage(c: PortalContext, own: OwnAccount, { contact, accepted, faults = {} }: Form) {
  const all = wordsOf(c);
  const words = all.delegate;
  const { holder, terms } = own.view;
  const body = html`<h1>${words.activateTitle}</h1>${faults.all === undefined ? '' : fault(all, faults.all)}${faultList(all, { contact: faults.contact, accept: faults.accept })}
<p>${words.activateLead}</p>
<section class="card" aria-labelledby="identity"><h2 id="identity">${words.identityTitle}</h2>${identityFacts(c, own)}
<dl class="facts"><dt>${words.given}</dt><dd>${holder.delegated.join(', ')}</dd></dl><p class="hint">${words.wrongIdentity}</p></section>
<form class="card" method="post" action="${ACCOUNT}/activate">${csrfField(c)}<input type="hidden" name="version" value="${terms?.version ?? ''}"><h2>${words.contactTitle}</h2><p>${words.contactLead}</p>
${field({ name: 'contact', label: words.address, type: 'email', hint: words.addressHint, required: true, value: contact, fault: faults.contact, autocomplete: 'email' })}
<p>${words.terms}</p>${termsLinks(c, own)}
${checkbox({ name: 'accept', label: words.acceptTerms, checked: accepted, required: true, fault: faults.accept })}
<div class="tools"><button class="button">${words.validate}</button><a class="button plain" href="${ACCOUNT}">${all.cancel}</a></div></form>`;
  return page(c, {
    title: words.activateTitle,
    place: 'account',
    body,
    status: Object.keys(faults).length > 0 ? 422 : 200,
  });
}

function codePage(c: PortalContext, own: OwnAccount, wrong?: { code: string; fault: string }) {
  const all = wordsOf(c);
  const words = all.delegate;
  const { waiting } = own.view;
  const until = waiting === null ? '' : timeText(waiting.until, own.acting.config.policy.timezone, c.get('language'));
  const body = html`<h1>${words.codeTitle}</h1>${faultList(all, { code: wrong?.fault })}
<div class="card">${waiting === null ? '' : html`<p><bdi>${words.codeSent(waiting.contact, until)}</bdi></p>`}
<form method="post" action="${ACCOUNT}/code">${csrfField(c)}
${field({ name: 'code', label: words.code, mode: 'numeric', required: true, autocomplete: 'one-time-code', value: wrong?.code ?? '', fault: wrong?.fault, hint: waiting === null ? '' : words.codeTries(waiting.tries) })}
<button class="button">${words.validate}</button></form></div>
<form class="tools" method="post" action="${ACCOUNT}/cancel">${csrfField(c)}<span class="lead">${words.again}</span><button class="button plain">${all.cancel}</button></form>`;
  return page(c, { title: words.codeTitle, place: 'account', body, status: wrong === undefined ? 200 : 422 });
}
