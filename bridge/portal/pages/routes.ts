/** All pages, in one place: behind the sign-in, in the order in which their paths are looked at. */
import type { Hono } from 'hono';
import { html } from 'hono/html';
import { failureOf } from '../../shared/failure.ts';
import { formOf } from '../behind-sign-in.ts';
import type { PortalEnv, PortalSite, SignedIn } from '../context.ts';
import { offeredAgain } from '../door-page.ts';
import { BUTTONS } from '../words.ts';
import { mountAudit } from './admin/audit.ts';
import { mountExplain } from './admin/explain.ts';
import { mountHeld } from './admin/held.ts';
import { mountOverview } from './admin/overview.ts';
import { mountAccount } from './delegate/account.ts';
import { mountActivation } from './delegate/activate.ts';
import { mountMailClient } from './delegate/mail-client.ts';
import { fault, inWords } from './form.ts';
import { openOnce } from './once.ts';
import { mountAdding } from './owner/add.ts';
import { mountChanges } from './owner/change.ts';
import { mountMailboxContact } from './owner/contact.ts';
import { mountFollowing } from './owner/follow.ts';
import { mountHistory } from './owner/history.ts';
import { mountMailbox } from './owner/mailbox.ts';
import { mountMailboxes } from './owner/mailboxes.ts';
import { page, wordsOf } from './page.ts';
import { ACCOUNT, ADMIN, MAILBOXES } from './paths.ts';

/** `app`: its context has the person, the language, the form's token and as whom they act. */
export function mountPages(app: Hono<PortalEnv>, { log }: Pick<PortalSite, 'log'>): void {
  const once = openOnce();
  app.get('/', (c) => {
    const home = homeOf(c.get('person'));
    if (home !== undefined) return c.redirect(home, 303);
    const words = wordsOf(c);
    return page(c, {
      title: words.site,
      place: 'none',
      status: 403,
      body: html`<h1>${words.site}</h1><p>${words.nobody}</p>`,
    });
  });
  mountMailboxes(app);
  mountMailbox(app);
  mountAdding(app, once);
  mountChanges(app, once);
  mountFollowing(app);
  mountHistory(app);
  mountMailboxContact(app);
  mountAccount(app);
  mountActivation(app);
  mountMailClient(app);
  mountOverview(app);
  mountExplain(app);
  mountAudit(app);
  mountHeld(app, once);
  app.notFound((c) => {
    const words = wordsOf(c);
    return page(c, { title: words.notFound, place: 'none', status: 404, body: html`<h1>${words.notFound}</h1>` });
  });
  app.onError(async (error, c) => {
    const { code, message, hint, rule } = failureOf(error);
    log.error(
      { ...(code === 'internal' ? { err: error } : {}), code, rule, hint, path: c.req.path },
      `portal: ${message}`,
    );
    const words = wordsOf(c);
    const { text, status } = inWords(words, error);
    const form = status === 503 && c.req.method === 'POST' && c.get('csrf') ? await formOf(c, '') : undefined;
    const again = form === undefined ? '' : offeredAgain(c, form, BUTTONS[c.get('language')].again);
    return page(c, {
      title: words.wrong,
      place: 'none',
      status,
      body: html`<h1>${words.site}</h1>${fault(words, text)}${again}`,
    });
  });
}

function homeOf({ roles }: SignedIn): string | undefined {
  if (roles.owner) return MAILBOXES;
  if (roles.delegate) return ACCOUNT;
  return roles.admin === 'none' ? undefined : ADMIN;
}
