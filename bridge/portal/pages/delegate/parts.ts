/** What several pages of a delegate show: who they are (R40, R52, R57), what is delegated to them (R46, R47). */
import { html } from 'hono/html';
import { delegationsOf } from '../../../acting/delegation-states.ts';
import { inRole } from '../../../acting/known-people.ts';
import { stateShown } from '../owner/state-shown.ts';
import { type Html, notYours, type PortalContext, wordsOf } from '../page.ts';
import { clientPath } from '../paths.ts';
import { cell, headRow } from '../table.ts';
import { shownAt, timeText } from '../times.ts';
import type { OwnAccount } from './whose-account.ts';

export function notOpen(c: PortalContext) {
  const words = wordsOf(c);
  return notYours(c, { title: words.account, text: words.notYourPage });
}

export function identityFacts(c: PortalContext, { view: { identity } }: OwnAccount): Html {
  const words = wordsOf(c).delegate;
  const { identifier, firstName, lastName } = identity;
  const fact = (name: string, value: string | null) => html`<dt>${name}</dt><dd><bdi>${value ?? '–'}</bdi></dd>`;
  return html`<dl class="facts">${fact(words.identifier, identifier)}${fact(words.lastName, lastName)}${fact(words.firstName, firstName)}${fact(words.profession, inRole(identity))}</dl>`;
}

export async function delegatedTable(c: PortalContext, { acting, identifier }: OwnAccount): Promise<Html> {
  const all = wordsOf(c);
  const words = all.delegate;
  const rows = await delegationsOf(acting, { delegate: identifier });
  if (rows.length === 0) return html`<p>${words.delegatedNone}</p>`;
  const { timezone } = acting.config.policy;
  const toThem = {
    words: all,
    time: (instant: string) => timeText(instant, timezone, c.get('language')),
    reasons: { ...all.codes.reasons, ...all.codes.yourReasons },
  };
  const time = (instant: string | null, none: string) =>
    instant === null ? none : shownAt(instant, timezone, c.get('language'));
  return html`<table class="cards" role="table" aria-label="${words.delegatedTitle}">${headRow([words.mailbox, words.state, words.since, words.until, words.reach])}<tbody role="rowgroup">
${rows.map(
  (
    one,
  ) => html`<tr role="row"><th scope="row" role="rowheader" data-label="${words.mailbox}">${one.mailbox.address}</th>${cell(words.state, stateShown(toThem, one))}
${cell(words.since, time(one.startsAt ?? one.createdAt, ''))}${cell(words.until, time(one.endsAt, words.noEnd))}<td role="cell" class="acts"><a class="button plain small" href="${clientPath(one.mailbox.address)}" aria-label="${words.reachOf(one.mailbox.address)}">${words.reach}</a></td></tr>`,
)}</tbody></table><p class="hint">${words.cannotEnd}</p>`;
}

export function termsLinks(c: PortalContext, { view: { terms } }: OwnAccount): Html | string {
  const words = wordsOf(c).delegate;
  if (terms === null || (terms.url === null && terms.privacyUrl === null)) return '';
  return html`<p>${terms.url === null ? '' : html`<a href="${terms.url}" rel="noreferrer">${words.termsLink}</a>`}
${terms.url === null || terms.privacyUrl === null ? '' : ' · '}${terms.privacyUrl === null ? '' : html`<a href="${terms.privacyUrl}" rel="noreferrer">${words.privacyLink}</a>`}</p>`;
}
