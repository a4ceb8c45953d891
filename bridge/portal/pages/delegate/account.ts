/** The account as its holder sees it: who they are, where notices go, what they refuse, what is delegated to them. R50 to R57 */
import type { Hono } from 'hono';
import { html } from 'hono/html';
import { acceptTerms, askForContact, refuseMails } from '../../../acting/accounts.ts';
import type { PortalEnv } from '../../context.ts';
import { checkbox, done, fault, faultList, field, mendable, typedIn } from '../form.ts';
import { csrfField, type Html, type PortalContext, page, wordsOf } from '../page.ts';
import { ACCOUNT, withQuery } from '../paths.ts';
import { delegatedTable, identityFacts, notOpen, termsLinks } from './parts.ts';
import { type OwnAccount, ownAccount } from './whose-account.ts';

const SAID = ['contactSame', 'contactChanged', 'newsSaved', 'cancelled', 'activated', 'newTermsAccepted'] as const;
export type Said = (typeof SAID)[number];
export const accountSaying = (said: Said) => withQuery(ACCOUNT, { said });

interface Wrong {
  readonly all?: string;
  readonly contact?: { readonly typed: string; readonly fault: string };
}

export function mountAccount(app: Hono<PortalEnv>): void {
  app.get(ACCOUNT, async (c) => {
    const own = await ownAccount(c);
    return own === undefined ? notOpen(c) : accountPage(c, own);
  });
  app.post(`${ACCOUNT}/contact`, async (c) => {
    const own = await ownAccount(c);
    if (own === undefined) return notOpen(c);
    const contact = (await typedIn(c))('contact');
    try {
      const asked = await askForContact(own.acting, own.identifier, { contact });
      return c.redirect(asked === null ? accountSaying('contactSame') : `${ACCOUNT}/code`, 303);
    } catch (error) {
      return accountPage(c, own, { contact: { typed: contact, fault: mendable(wordsOf(c), error).text } });
    }
  });
  app.post(`${ACCOUNT}/refusals`, async (c) => {
    const own = await ownAccount(c);
    if (own === undefined) return notOpen(c);
    const typed = await typedIn(c);
    const { account } = own.view;
    return doing(c, own, 'newsSaved', async () => {
      const wants = { surveys: typed('surveys') === 'yes', newsletters: typed('newsletters') === 'yes' };
      const { acting, identifier } = own;
      if (wants.surveys !== account.refusesSurveys) await refuseMails(acting, identifier, 'surveys', wants.surveys);
      if (wants.newsletters !== account.refusesNewsletters)
        await refuseMails(acting, identifier, 'newsletters', wants.newsletters);
    });
  });
  app.post(`${ACCOUNT}/terms`, async (c) => {
    const own = await ownAccount(c);
    if (own === undefined) return notOpen(c);
    const typed = await typedIn(c);
    if (typed('accept') !== 'yes') return accountPage(c, own, { all: wordsOf(c).delegate.mustAccept });
    return doing(c, own, 'newTermsAccepted', () => acceptTerms(own.acting, own.identifier, typed('version')));
  });
  // Where a form leads that was sent too late: its page is the account's.
  for (const form of ['contact', 'terms', 'refusals', 'cancel'])
    app.get(`${ACCOUNT}/${form}`, (c) => c.redirect(ACCOUNT, 303));
}

async function doing(c: PortalContext, own: OwnAccount, said: Said, work: () => Promise<unknown>) {
  try {
    await work();
    return c.redirect(accountSaying(said), 303);
  } catch (error) {
    return accountPage(c, own, { all: mendable(wordsOf(c), error).text });
  }
}

async function accountPage(c: PortalContext, own: OwnAccount, wrong: Wrong = {}) {
  const all = wordsOf(c);
  const words = all.delegate;
  const said = SAID.find((one) => one === c.req.query('said'));
  const body = html`<h1>${words.title}</h1>
${wrong.all === undefined ? '' : fault(all, wrong.all)}${faultList(all, { contact: wrong.contact?.fault })}${said === undefined || wrong.all !== undefined ? '' : done(words[said])}
${waits(c, own)}
<section class="card" aria-labelledby="delegated"><h2 id="delegated">${words.delegatedTitle}</h2>${await delegatedTable(c, own)}</section>
<section class="card" aria-labelledby="identity"><h2 id="identity">${words.identityTitle}</h2>${identityFacts(c, own)}<p class="hint">${words.readOnly}</p></section>
${own.view.terms === null || own.view.holder.state === 'pending' ? '' : contactForm(c, own, wrong)}
${newsForm(c, own)}${ownMailbox(c, own)}${termsLinks(c, own)}`;
  const status = wrong.all === undefined && wrong.contact === undefined ? 200 : 422;
  return page(c, { title: words.title, place: 'account', body, status });
}

/** What the account itself waits for, if anything. R43, R45 */
function waits(c: PortalContext, { acting, view: { holder, terms, waiting } }: OwnAccount): Html | string {
  const words = wordsOf(c).delegate;
  if (waiting !== null)
    return html`<div class="note wait"><p>${words.waitingCode(waiting.contact)}</p><p><a class="button" href="${ACCOUNT}/code">${words.typeCode}</a></p></div>`;
  if (holder.state === 'pending' && terms !== null)
    return html`<div class="note wait"><p>${words.activateNow}</p><p><a class="button" href="${ACCOUNT}/activate">${words.activate}</a></p></div>`;
  if (
    terms === null ||
    holder.state !== 'active' ||
    holder.termsVersion === null ||
    holder.termsVersion === terms.version
  )
    return '';
  return html`<section class="note wait" aria-labelledby="new-terms"><h2 id="new-terms">${words.newTermsTitle}</h2><p>${acting.config.accounts?.termsAgain ? words.newTerms : words.newTermsFree}</p>
<form method="post" action="${ACCOUNT}/terms">${csrfField(c)}<input type="hidden" name="version" value="${terms.version}">
${terms.url === null ? '' : html`<p><a href="${terms.url}" rel="noreferrer">${words.termsLink}</a></p>`}${checkbox({ name: 'accept', label: words.acceptTerms, required: true })}<button class="button">${words.validate}</button></form></section>`;
}

function contactForm(c: PortalContext, { view: { account } }: OwnAccount, { contact }: Wrong): Html {
  const all = wordsOf(c);
  const words = all.delegate;
  return html`<form class="card" method="post" action="${ACCOUNT}/contact">${csrfField(c)}<h2>${words.contactTitle}</h2><p>${words.contactLead}</p>
${field({ name: 'contact', label: words.address, type: 'email', hint: words.addressHint, required: true, value: contact?.typed ?? account.contact ?? '', fault: contact?.fault, autocomplete: 'email' })}
<button class="button">${all.save}</button></form>`;
}

function newsForm(c: PortalContext, { view: { account } }: OwnAccount): Html {
  const all = wordsOf(c);
  const words = all.delegate;
  return html`<form class="card" method="post" action="${ACCOUNT}/refusals">${csrfField(c)}<fieldset><legend><h2>${words.newsTitle}</h2></legend>
${checkbox({ name: 'surveys', label: words.surveys, checked: account.refusesSurveys })}${checkbox({ name: 'newsletters', label: words.newsletters, checked: account.refusesNewsletters })}</fieldset>
<button class="button">${all.save}</button></form>`;
}

/** R54: where the site says where that is done, and for whoever has none. */
function ownMailbox(c: PortalContext, { acting, view: { holder } }: OwnAccount): Html | string {
  const url = acting.config.mailClient?.ownMailboxUrl;
  if (url === undefined || holder.ownMailbox !== null) return '';
  const words = wordsOf(c).delegate;
  return html`<section class="card" aria-labelledby="own-mailbox"><h2 id="own-mailbox">${words.ownTitle}</h2><p>${words.ownLead}</p><p><a class="button plain" href="${url}" rel="noreferrer">${words.ownOpen}</a></p></section>`;
}
