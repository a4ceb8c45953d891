/** The owner's second address for notices. R24 */
import type { Hono } from 'hono';
import { html } from 'hono/html';
import { mailboxContactOf, setMailboxContact } from '../../../acting/mailbox-contact.ts';
import { address as addressTyped } from '../../../acting/typed.ts';
import type { PortalEnv } from '../../context.ts';
import { done, faultList, field, mendable, typedIn } from '../form.ts';
import { csrfField, type Html, type PortalContext, page, wordsOf } from '../page.ts';
import { mailboxPath, withQuery } from '../paths.ts';
import { mailboxPathPattern } from './follow.ts';
import { crumb, notTheirs } from './mailbox.ts';
import { type Desk, deskAt } from './whose.ts';

type Shown = { readonly address: string; readonly language: string };

export function mountMailboxContact(app: Hono<PortalEnv>): void {
  const at = mailboxPathPattern('/contact');
  app.get(at, async (c) => {
    const desk = await deskAt(c);
    if (desk === undefined || desk.admin) return notTheirs(c);
    const now = await mailboxContactOf(desk.acting, desk.mailbox.address);
    return contactPage(c, desk, { address: now.address ?? '', language: now.language ?? '' });
  });
  app.post(at, async (c) => {
    const desk = await deskAt(c);
    if (desk === undefined || desk.admin) return notTheirs(c);
    const typed = await typedIn(c);
    const { address: mailbox } = desk.mailbox;
    const [address, language] = [typed('address'), typed('language')];
    try {
      await setMailboxContact(desk.acting, mailbox, {
        address: address === '' ? null : addressTyped(address),
        language: language === 'fr' || language === 'en' ? language : null,
      });
      return c.redirect(withQuery(mailboxPath(mailbox, '/contact'), { saved: 'yes' }), 303);
    } catch (error) {
      return contactPage(c, desk, { address, language }, mendable(wordsOf(c), error).text);
    }
  });
}

function contactPage(c: PortalContext, desk: Desk, { address, language }: Shown, fault?: string) {
  const all = wordsOf(c);
  const words = all.owner;
  const choice = (value: string, text: string): Html =>
    html`<option value="${value}"${value === language ? html` selected` : ''}>${text}</option>`;
  const saved = fault === undefined && c.req.query('saved') === 'yes';
  const body = html`${crumb(c, desk, true)}<h1>${words.contactTitle}</h1>${faultList(all, { address: fault })}${saved ? done(words.contactSaved) : ''}
<form class="card" method="post" action="${mailboxPath(desk.mailbox.address, '/contact')}">${csrfField(c)}<p>${words.contactLead}</p>
${field({ name: 'address', label: words.contactAddress, type: 'email', value: address, hint: all.optional, fault, autocomplete: 'email' })}
<div class="field"><label for="language">${words.contactLanguage}</label><select id="language" name="language">${choice('', words.siteLanguage)}${choice('fr', words.french)}${choice('en', words.english)}</select></div>
<div class="tools"><button class="button">${all.save}</button><a class="button plain" href="${mailboxPath(desk.mailbox.address)}">${all.cancel}</a></div></form>`;
  return page(c, { title: words.contactTitle, place: 'mailboxes', body, status: fault === undefined ? 200 : 422 });
}
