/** The delegations of a mailbox as the guide shows them, and what can be done with each. R17 */
import { html } from 'hono/html';
import type { SeenDelegation } from '../../../acting/delegation-states.ts';
import { fullName, type KnownPerson } from '../../../acting/known-people.ts';
import { onceField } from '../once.ts';
import { csrfField, type Html, type PortalContext, wordsOf } from '../page.ts';
import { mailboxPath, withQuery } from '../paths.ts';
import { cell, headRow } from '../table.ts';
import { shownAt, timeText } from '../times.ts';
import { stateShown } from './state-shown.ts';
import type { Desk } from './whose.ts';

export interface Row {
  readonly delegation: SeenDelegation;
  readonly person: KnownPerson;
}

export function delegationTable(c: PortalContext, desk: Desk, rows: readonly Row[]): Html {
  const words = wordsOf(c).owner;
  const heads = [
    words.identifier,
    words.firstName,
    words.lastName,
    words.profession,
    words.state,
    words.since,
    words.until,
    ...(desk.mayAct ? [words.actions] : []),
  ];
  return html`<table class="cards" role="table" aria-label="${words.delegations}">${headRow(heads)}<tbody role="rowgroup">
${rows.map((row) => oneRow(c, desk, row))}
</tbody></table>`;
}

function oneRow(c: PortalContext, desk: Desk, { delegation, person }: Row): Html {
  const all = wordsOf(c);
  const words = all.owner;
  const { timezone } = desk.acting.config.policy;
  const time = (instant: string | null, none = '–') =>
    instant === null ? none : shownAt(instant, timezone, c.get('language'));
  const { startsAt, createdAt, endsAt, inForceSince } = delegation;
  return html`<tr role="row"><th scope="row" role="rowheader" data-label="${words.identifier}">${person.identifier}</th>
${cell(words.firstName, html`<bdi>${person.firstName ?? ''}</bdi>`)}${cell(words.lastName, html`<bdi>${person.lastName ?? ''}</bdi>`)}${cell(words.profession, html`<bdi>${person.profession ?? ''}</bdi>`)}
<td role="cell" data-label="${words.state}" data-state-of="${person.identifier}"><span>${stateShown({ words: all, time: (instant) => timeText(instant, timezone, c.get('language')) }, delegation)}${inForceSince === null ? '' : html`<span class="why" data-from>${words.inForceSince} ${time(inForceSince)}</span>`}</span></td>
${cell(words.since, time(startsAt ?? createdAt))}${cell(words.until, time(endsAt, words.noEnd))}
${desk.mayAct ? html`<td role="cell" class="acts" data-label="${words.actions}">${actions(c, desk, delegation, person)}</td>` : ''}</tr>
`;
}

function actions(c: PortalContext, { mailbox, admin }: Desk, { suspended }: SeenDelegation, person: KnownPerson): Html {
  const { owner: words } = wordsOf(c);
  const { identifier: delegate } = person;
  const verb = suspended ? 'resume' : 'suspend';
  const name = fullName(person);
  const ask = (what: string) => withQuery(mailboxPath(mailbox.address, `/${what}`), { delegate });
  const asks = words.removeAsk(name, mailbox.address);
  return html`<div class="tools">
${
  admin
    ? html`<a class="button plain small" href="${ask(verb)}" aria-label="${words.of(words[verb], name)}">${words[verb]}</a>`
    : html`<form method="post" action="${mailboxPath(mailbox.address, `/${verb}`)}">${csrfField(c)}${onceField()}<input type="hidden" name="delegate" value="${delegate}"><button class="button plain small" aria-label="${words.of(words[verb], name)}">${words[verb]}</button></form>`
}
<a class="button danger small" href="${ask('remove')}" aria-label="${words.of(words.remove, name)}"${admin ? '' : html` data-asks="ask-removal" data-delegate="${delegate}" data-question="${asks}"`}>${words.remove}</a></div>`;
}

/** The question before a removal, on the page itself. R48; without the script the link leads to a page that asks the same (ask.ts). */
export function removalDialog(c: PortalContext, { mailbox }: Desk): Html {
  const all = wordsOf(c);
  return html`<dialog id="ask-removal" aria-labelledby="ask-title"><div class="inside">
<div class="head"><h2 id="ask-title">${all.owner.removeTitle}</h2><form method="dialog"><button class="cross" aria-label="${all.close}">×</button></form></div>
<p><strong><bdi data-question></bdi></strong></p><p>${all.owner.removeEffect}</p>
<div class="tools"><form method="post" action="${mailboxPath(mailbox.address, '/remove')}">${csrfField(c)}${onceField()}<input type="hidden" name="delegate" value=""><button class="button danger">${all.owner.remove}</button></form>
<form method="dialog"><button class="button plain">${all.cancel}</button></form></div>
</div></dialog>`;
}
