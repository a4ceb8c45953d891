/** Adding a delegate: who, from when to when, and what the owner answers for. R16, R18 to R25 */
import type { Hono } from 'hono';
import { html } from 'hono/html';
import { grantDelegation } from '../../../acting/delegations.ts';
import { inRole } from '../../../acting/known-people.ts';
import { noteRefusal } from '../../../acting/refusals.ts';
import { RESPONSIBILITY, RESPONSIBILITY_VERSION } from '../../../acting/responsibility.ts';
import { Failure } from '../../../shared/failure.ts';
import type { PortalEnv } from '../../context.ts';
import { checkbox, fault, faultList, field, inWords, type Typed, typedIn, typedInQuery } from '../form.ts';
import { type Once, onceField } from '../once.ts';
import { csrfField, type Html, type PortalContext, page, wordsOf } from '../page.ts';
import { mailboxPath } from '../paths.ts';
import { dayEdge } from '../times.ts';
import { followPath, mailboxPathPattern } from './follow.ts';
import { crumb, mailboxPage, notTheirs } from './mailbox.ts';
import { faultyOf, type Sought, searchForms, sought } from './person-search.ts';
import { actsFor, type Desk, deskAt } from './whose.ts';

type Faults = Readonly<Partial<Record<'starts' | 'ends' | 'acknowledge' | 'behalf' | 'all', string>>>;
type Status = 200 | 403 | 404 | 409 | 422 | 500 | 503;

export function mountAdding(app: Hono<PortalEnv>, once: Once): void {
  app.get(mailboxPathPattern('/add'), async (c) => {
    const desk = await deskAt(c);
    if (desk === undefined) return notTheirs(c);
    // A mailbox to which nobody can be added says so itself, and a reader adds nobody.
    if (desk.mailbox.closed !== null || !desk.mayAct) return c.redirect(mailboxPath(desk.mailbox.address), 303);
    return addPage(c, desk, typedInQuery(c), {}, 200);
  });
  app.post(mailboxPathPattern('/add'), async (c) => {
    const desk = await deskAt(c);
    if (desk === undefined) return notTheirs(c);
    const typed = await typedIn(c);
    const faults = faultsOf(c, desk, typed);
    if (Object.keys(faults).length > 0) return addPage(c, desk, typed, faults, 422);
    try {
      const acting = actsFor(c, desk, typed('behalf'));
      const { timezone } = acting.config.policy;
      const day = (name: 'starts' | 'ends', edge: 'start' | 'end') =>
        typed(name) === '' ? undefined : dayEdge(typed(name), edge, timezone);
      const change = await once(c, typed('once'), () =>
        grantDelegation(acting, {
          mailbox: desk.mailbox.address,
          delegate: typed('identifier'),
          startsAt: day('starts', 'start'),
          endsAt: day('ends', 'end'),
          acknowledged: typed('acknowledge') === 'yes' ? RESPONSIBILITY_VERSION : undefined,
        }),
      );
      return c.redirect(followPath(change), 303);
    } catch (error) {
      await noteRefusal(desk.acting, error, 'grant');
      return refused(c, desk, typed, error);
    }
  });
}

function faultsOf(c: PortalContext, { acting }: Desk, typed: Typed): Faults {
  const words = wordsOf(c).owner;
  const { timezone } = acting.config.policy;
  const odd = (name: string) => typed(name) !== '' && dayEdge(typed(name), 'start', timezone) === undefined;
  return {
    ...(odd('starts') ? { starts: words.badDay } : {}),
    ...(odd('ends') ? { ends: words.badDay } : {}),
    ...(acting.config.grant.acknowledge && typed('acknowledge') !== 'yes'
      ? { acknowledge: words.mustAcknowledge }
      : {}),
  };
}

/** Beside the field that it is about; where the mailbox itself is closed to it, beside its table. R25 */
function refused(c: PortalContext, desk: Desk, typed: Typed, error: unknown) {
  const words = wordsOf(c);
  if (error instanceof Failure && error.rule === 'ON_BEHALF')
    return addPage(c, desk, typed, { behalf: words.admin.onBehalfWrong }, 422);
  const { text, rule, status } = inWords(words, error);
  if (rule === 'ENDS_IN_THE_PAST' || rule === 'MANDAT_ORDER') return addPage(c, desk, typed, { ends: text }, 422);
  if (rule === 'MANDAT_NOT_ELIGIBLE' || rule === 'MANDAT_NOT_PERSONAL' || rule === 'MANDAT_LIMIT')
    return deskAt(c).then((now) => mailboxPage(c, now ?? desk, { text, status }));
  return addPage(c, desk, typed, { all: text }, status);
}

async function addPage(c: PortalContext, desk: Desk, typed: Typed, faults: Faults, status: Status) {
  const words = wordsOf(c);
  const byLogin = desk.acting.config.identity.scheme === 'login';
  const seen: Sought = byLogin ? {} : await sought(c, desk, typed);
  const known = seen.person !== undefined || (byLogin && typed('identifier') !== '');
  const { all: _, ...fields } = faults;
  const told = known || seen.fault === undefined ? fields : { [faultyOf(typed)]: seen.fault };
  const body = html`${crumb(c, desk, true)}<h1>${words.owner.addTitle}</h1>
${faults.all === undefined ? '' : fault(words, faults.all)}${faultList(words, told)}
${known ? grantForm(c, desk, typed, seen, faults) : html`${searchForms(c, desk, typed, seen)}<p><a href="${mailboxPath(desk.mailbox.address)}">${words.cancel}</a></p>`}`;
  const wrong = status === 200 && seen.fault !== undefined ? 422 : status;
  return page(c, {
    title: words.owner.addTitle,
    place: desk.admin ? 'administration' : 'mailboxes',
    body,
    status: wrong,
  });
}

function grantForm(c: PortalContext, desk: Desk, typed: Typed, { person }: Sought, faults: Faults): Html {
  const { owner: words, admin, cancel } = wordsOf(c);
  const here = mailboxPath(desk.mailbox.address, '/add');
  const identifier = person?.identifier ?? typed('identifier');
  const fact = (name: string, value: string | null) => html`<dt>${name}</dt><dd><bdi>${value ?? '–'}</bdi></dd>`;
  return html`<form method="post" action="${here}">${csrfField(c)}${onceField()}<input type="hidden" name="identifier" value="${identifier}">
<section class="card"><h2>${words.whoTitle}</h2><dl class="facts">${fact(words.identifier, identifier)}
${person === undefined ? '' : html`${fact(words.firstName, person.firstName)}${fact(words.lastName, person.lastName)}${fact(words.profession, inRole(person))}${fact(words.city, [person.postalCode, person.city].filter(Boolean).join(' '))}`}</dl>
<p><a href="${here}">${words.otherPerson}</a></p></section>
<section class="card"><h2>${words.periodTitle}</h2><p class="hint">${words.periodHint(desk.acting.config.policy.timezone)}</p><div class="pair">
${field({ name: 'starts', label: words.starts, type: 'date', value: typed('starts'), fault: faults.starts })}
${field({ name: 'ends', label: words.ends, type: 'date', value: typed('ends'), fault: faults.ends })}</div></section>
<section class="card"><h2>${words.responsibilityTitle}</h2><blockquote>${RESPONSIBILITY[c.get('language')]}</blockquote>
${checkbox({ name: 'acknowledge', label: words.acknowledge, checked: typed('acknowledge') === 'yes', required: desk.acting.config.grant.acknowledge, fault: faults.acknowledge })}
${desk.admin ? field({ name: 'behalf', label: admin.onBehalf, hint: admin.onBehalfHint, required: true, value: typed('behalf'), fault: faults.behalf }) : ''}
<p class="tools"><button class="button">${words.add}</button> <a class="button plain" href="${mailboxPath(desk.mailbox.address)}">${cancel}</a></p></section></form>`;
}
