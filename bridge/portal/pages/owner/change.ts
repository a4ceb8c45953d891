/** Suspending, resuming, removing; a removal asks first, and so does all that an administrator does for an owner. R4, R14, R48, R53 */
import type { Hono } from 'hono';
import { html } from 'hono/html';
import {
  type Changed,
  delegationOf,
  resumeDelegation,
  revokeDelegation,
  suspendDelegation,
} from '../../../acting/delegations.ts';
import { fullName, knownPeople } from '../../../acting/known-people.ts';
import { noteRefusal } from '../../../acting/refusals.ts';
import type { Acting } from '../../../acting/site.ts';
import type { PortalEnv } from '../../context.ts';
import { faultList, field, mendable, typedIn } from '../form.ts';
import { type Once, onceField } from '../once.ts';
import { csrfField, type PortalContext, page, wordsOf } from '../page.ts';
import { mailboxPath } from '../paths.ts';
import { followPath, mailboxPathPattern } from './follow.ts';
import { crumb, mailboxPage, notTheirs } from './mailbox.ts';
import { actsFor, type Desk, deskAt } from './whose.ts';

type What = 'suspend' | 'resume' | 'remove';
type Pair = { readonly mailbox: string; readonly delegate: string };

const DOES: Readonly<Record<What, (acting: Acting, pair: Pair) => Promise<Changed>>> = {
  suspend: suspendDelegation,
  resume: resumeDelegation,
  remove: revokeDelegation,
};

export function mountChanges(app: Hono<PortalEnv>, once: Once): void {
  for (const what of ['suspend', 'resume', 'remove'] as const) {
    app.get(mailboxPathPattern(`/${what}`), async (c) => {
      const desk = await deskAt(c);
      return desk === undefined ? notTheirs(c) : asking(c, desk, what, c.req.query('delegate') ?? '');
    });
    app.post(mailboxPathPattern(`/${what}`), async (c) => {
      const desk = await deskAt(c);
      if (desk === undefined) return notTheirs(c);
      const typed = await typedIn(c);
      const pair = { mailbox: desk.mailbox.address, delegate: typed('delegate') };
      try {
        const acting = actsFor(c, desk, typed('behalf'));
        const change = await once(c, `${typed('once')}${pair.delegate}`, () => DOES[what](acting, pair));
        return c.redirect(followPath(change), 303);
      } catch (error) {
        await noteRefusal(desk.acting, error, what === 'remove' ? 'revoke' : what);
        return refused(c, desk, what, pair.delegate, error, typed('behalf'));
      }
    });
  }
}

async function refused(c: PortalContext, desk: Desk, what: What, delegate: string, error: unknown, behalf: string) {
  const words = wordsOf(c);
  const { text, rule, status } = mendable(words, error);
  if (rule === 'ON_BEHALF') return asking(c, desk, what, delegate, { behalf, fault: words.admin.onBehalfWrong });
  return mailboxPage(c, desk, { text: status === 404 ? words.owner.gone : text, status });
}

/** The question, as a page of its own. Cancel leads back and leaves all as it is. */
async function asking(
  c: PortalContext,
  desk: Desk,
  what: What,
  delegate: string,
  wrong?: { behalf: string; fault: string },
) {
  const all = wordsOf(c);
  const { owner: words, admin } = all;
  const { mailbox, acting, mayAct } = desk;
  if (!mayAct) return mailboxPage(c, desk, { text: all.admin.reads, status: 403 });
  const row = await delegationOf(acting, { mailbox: mailbox.address, delegate }).catch(() => undefined);
  if (row === undefined) return mailboxPage(c, desk, { text: words.gone, status: 404 });
  const person = (await knownPeople(acting, [row.delegate])).get(row.delegate.identifier) ?? row.delegate;
  const title = what === 'remove' ? words.removeTitle : words.of(words[what], fullName(person));
  const back = mailboxPath(mailbox.address);
  const body = html`${crumb(c, desk, true)}<h1><bdi>${title}</bdi></h1>
${faultList(all, { behalf: wrong?.fault })}
<div class="card">${what === 'remove' ? html`<p><strong><bdi>${words.removeAsk(fullName(person), mailbox.address)}</bdi></strong></p>` : ''}
<p>${what === 'remove' ? words.removeEffect : what === 'suspend' ? words.suspendEffect : ''}</p>
<form method="post" action="${mailboxPath(mailbox.address, `/${what}`)}">${csrfField(c)}${onceField()}<input type="hidden" name="delegate" value="${row.delegate.identifier}">
${desk.admin ? field({ name: 'behalf', label: admin.onBehalf, hint: admin.onBehalfHint, required: true, value: wrong?.behalf ?? '', fault: wrong?.fault }) : ''}
<div class="tools"><button class="button${what === 'resume' ? '' : ' danger'}">${words[what]}</button><a class="button plain" href="${back}">${all.cancel}</a></div></form></div>`;
  return page(c, {
    title,
    place: desk.admin ? 'administration' : 'mailboxes',
    body,
    status: wrong === undefined ? 200 : 422,
  });
}
