/** Why each delegation of a mailbox is in force or not: every condition as it stands, and what would change it. Asks the mail server. */
import type { Hono } from 'hono';
import { html } from 'hono/html';
import { type Condition, named } from '../../../../acl/policy.ts';
import { outOfForce, stateBySeen } from '../../../acting/delegation-states.ts';
import { explained } from '../../../acting/site-status.ts';
import type { Explanation } from '../../../questions/explain.ts';
import { failureOf } from '../../../shared/failure.ts';
import type { PortalEnv } from '../../context.ts';
import { fault, inWords, typedInQuery } from '../form.ts';
import { stateIn } from '../owner/state-shown.ts';
import { addressShown, type Html, type PortalContext, page, wordsOf } from '../page.ts';
import { ADMIN, mailboxPath } from '../paths.ts';
import { headRow } from '../table.ts';
import { CONDITIONS_FR } from '../words/conditions-fr.ts';
import { called } from '../words/words.ts';
import { closed, entrance, upToAdmin } from './entrance.ts';

export function mountExplain(app: Hono<PortalEnv>): void {
  app.get(`${ADMIN}/explain`, async (c) => {
    const here = entrance(c);
    if (here === undefined) return closed(c);
    const words = wordsOf(c);
    const mailbox = typedInQuery(c)('mailbox');
    const title = words.admin.explainTitle(mailbox);
    try {
      const { delegations, others, trouble } = await explained(here.acting, mailbox, undefined);
      const body = html`${upToAdmin(c)}<h1>${addressShown(title)}</h1>
${trouble === null ? '' : html`<div class="note wait"><p>${trouble.code === 'refused' ? words.admin.otherServer : words.owner.unreachable}</p></div>`}
${delegations.length === 0 ? html`<div class="card"><p>${words.admin.nobody}</p></div>` : delegations.map((one) => oneCard(c, one))}
${others.length === 0 ? '' : html`<div class="note wait"><p>${words.admin.others(others.length)}</p></div>`}
<p><a class="button plain" href="${mailboxPath(mailbox)}">${words.owner.delegationsOf(mailbox)}</a></p>`;
      return page(c, { title, place: 'administration', body });
    } catch (error) {
      if (failureOf(error).code === 'internal') throw error;
      const { text, status } = inWords(words, error);
      return page(c, {
        title,
        place: 'administration',
        status,
        body: html`${upToAdmin(c)}<h1>${addressShown(title)}</h1>${fault(words, text)}`,
      });
    }
  });
}

/** How a condition stands, and what would change it, in the language of whoever reads. */
function said(c: PortalContext, { mailbox, identifier, login }: Explanation, one: Condition) {
  const { why, holds, sentence, remedy } = one;
  const { codes } = wordsOf(c);
  const french = c.get('language') === 'fr' ? CONDITIONS_FR[why] : undefined;
  const names = { mailbox, delegate: identifier ?? login };
  return {
    how: holds ? (french?.kept ?? sentence) : called(codes.reasons, why),
    remedy: french === undefined || holds ? remedy : named(french.remedy, names),
  };
}

/** As the other pages have it. Who has no row is on their way out, or held. */
function standing({ inForce, phase, conditions, held }: Explanation) {
  const reason = conditions.find(({ holds }) => !holds)?.why ?? null;
  const withoutRow = held === null ? 'ended' : 'waiting';
  const outside = reason === null ? withoutRow : outOfForce(reason);
  return { state: inForce ? stateBySeen(phase) : outside, reason, startsAt: null, endsAt: null };
}

function oneCard(c: PortalContext, explanation: Explanation): Html {
  const { identifier, login, conditions, failure, held } = explanation;
  const { admin: words } = wordsOf(c);
  const { text, tone } = stateIn({ words: wordsOf(c), time: String }, standing(explanation));
  const name = identifier ?? login;
  const row = (one: Condition) => {
    const { how, remedy } = said(c, explanation, one);
    return html`<tr role="row"><td role="cell" data-label="${words.condition}">${how}</td>
<td role="cell" data-label="${words.holds}"><span class="state ${one.holds ? 'good' : 'bad'}">${one.holds ? words.holds : words.fails}</span></td><td role="cell" data-label="${words.remedy}">${remedy}</td></tr>`;
  };
  return html`<section class="card" aria-label="${name}"><div class="head"><h2>${name}</h2><span class="state ${tone}">${text}</span></div>
<p class="lead">${login}</p>${failure === null ? '' : html`<div class="note bad"><p>${words.causes[failure.code]}</p><p lang="en">${failure.message}</p></div>`}${held === null ? '' : html`<div class="note wait"><p lang="en">${held}</p></div>`}
${conditions.length === 0 ? '' : html`<table class="cards" role="table" aria-label="${words.conditions}">${headRow([words.condition, words.holds, words.remedy])}<tbody role="rowgroup">${conditions.map(row)}</tbody></table>`}</section>`;
}
