/** Whom to delegate to: an identifier, or at least two criteria; the first 50. R18 to R22 */
import { html } from 'hono/html';
import { inRole } from '../../../acting/known-people.ts';
import { RPPS_PORTAL, searchPeople } from '../../../acting/people.ts';
import type { Found, Person } from '../../../directory/search.ts';
import { field, inWords, type Typed } from '../form.ts';
import { type Html, type PortalContext, wordsOf } from '../page.ts';
import { mailboxPath, withQuery } from '../paths.ts';
import { cell, headRow } from '../table.ts';
import type { Desk } from './whose.ts';

const CRITERIA = ['lastName', 'firstName', 'profession', 'postalCode', 'city'] as const;

/** What was looked for and how it went; `person`: exactly one, by their identifier. */
export interface Sought {
  readonly person?: Person;
  readonly found?: Found;
  /** Beside the field that it is about: the identifier, else the criteria. */
  readonly fault?: string;
}

export async function sought(c: PortalContext, { acting }: Desk, typed: Typed): Promise<Sought> {
  const identifier = typed('identifier');
  const criteria = Object.fromEntries(CRITERIA.map((name) => [name, typed(name) || undefined]));
  try {
    if (identifier !== '') {
      const found = await searchPeople(acting, { identifier });
      const [person] = found.people;
      return person === undefined ? { found } : { person };
    }
    if (c.req.query('search') === undefined) return {};
    return { found: await searchPeople(acting, criteria) };
  } catch (error) {
    return { fault: inWords(wordsOf(c), error).text };
  }
}

/** The field that a fault is about: the number that was typed, else the criteria from the first on. */
export const faultyOf = (typed: Typed) => (typed('identifier') === '' ? CRITERIA[0] : 'identifier');

export function searchForms(c: PortalContext, { mailbox }: Desk, typed: Typed, { found, fault }: Sought): Html {
  const words = wordsOf(c).owner;
  const here = mailboxPath(mailbox.address, '/add');
  const byNumber = typed('identifier') !== '';
  return html`<form class="card" method="get" action="${here}"><p>${words.directLead}</p>
${field({ name: 'identifier', label: words.identifier, hint: words.identifierHint, value: typed('identifier'), mode: 'numeric', required: true, autocomplete: 'off', fault: byNumber ? fault : undefined })}
<button class="button">${words.go}</button></form>
${byNumber && found ? results(c, mailbox.address, found) : ''}
<form class="card" method="get" action="${here}"><input type="hidden" name="search" value="yes"><h2>${words.searchTitle}</h2>
<p id="search-lead">${words.searchLead}</p>${!byNumber && fault ? html`<p class="fault" id="search-fault">${fault}</p>` : ''}
<fieldset aria-describedby="search-lead${!byNumber && fault ? ' search-fault' : ''}"><div class="pair">${CRITERIA.map((name) => field({ name, label: words[name], value: typed(name), type: 'search', autocomplete: 'off' }))}</div></fieldset>
<button class="button">${words.search}</button></form>
${!byNumber && found ? results(c, mailbox.address, found) : ''}`;
}

function results(c: PortalContext, mailbox: string, { people, total }: Found): Html {
  const words = wordsOf(c).owner;
  if (people.length === 0)
    return html`<div class="note wait" role="status"><p><strong>${words.nobodyFound}</strong> ${words.portal}<a href="${RPPS_PORTAL}" rel="noreferrer">${words.portalName}</a>.</p></div>`;
  const heads = [
    words.identifier,
    words.firstName,
    words.lastName,
    words.profession,
    words.postalCode,
    words.city,
    words.actions,
  ];
  return html`<section class="card" aria-labelledby="results"><div role="status"><h2 id="results">${words.found(people.length, total)}</h2></div>
<table class="cards" role="table" aria-labelledby="results">${headRow(heads)}
<tbody role="rowgroup">${people.map((one) => resultRow(c, mailbox, one))}</tbody></table></section>`;
}

function resultRow(c: PortalContext, mailbox: string, person: Person): Html {
  const words = wordsOf(c).owner;
  const { identifier, firstName, lastName, postalCode, city } = person;
  const apart = (label: string, value: string | null) => cell(label, html`<bdi>${value ?? ''}</bdi>`);
  const name = `${firstName} ${lastName}`;
  return html`<tr role="row"><th scope="row" role="rowheader" data-label="${words.identifier}">${identifier}</th>
${apart(words.firstName, firstName)}${apart(words.lastName, lastName)}${apart(words.profession, inRole(person))}${apart(words.postalCode, postalCode)}${apart(words.city, city)}
<td role="cell" class="acts"><a class="button small" href="${withQuery(mailboxPath(mailbox, '/add'), { identifier })}" aria-label="${words.of(words.choose, name)}">${words.choose}</a></td></tr>`;
}
