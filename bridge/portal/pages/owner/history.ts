/** Who did what in a mailbox's delegations, and what delegates sent for its owner. R3, R4 */
import type { Hono } from 'hono';
import { html } from 'hono/html';
import { type HistoryEntry, mailboxHistory } from '../../../acting/history.ts';
import { fullName, type KnownPerson, knownPeople } from '../../../acting/known-people.ts';
import type { Acting } from '../../../acting/site.ts';
import type { PortalEnv } from '../../context.ts';
import { addressShown, type Html, type PortalContext, page, wordsOf } from '../page.ts';
import { cell, headRow } from '../table.ts';
import { shownAt, timeText } from '../times.ts';
import type { Words } from '../words/shape.ts';
import { called } from '../words/words.ts';
import { factsTold } from './entry-facts.ts';
import { mailboxPathPattern } from './follow.ts';
import { crumb, notTheirs } from './mailbox.ts';
import { deskAt } from './whose.ts';

/** Steps on the way that say no more than what they lead to. */
const STEPS = new Set(['set-entry', 'delete-entry', 'publish', 'withdraw', 'cut', 'subscribe', 'unsubscribe']);

export function mountHistory(app: Hono<PortalEnv>): void {
  app.get(mailboxPathPattern('/history'), async (c) => {
    const desk = await deskAt(c);
    if (desk === undefined) return notTheirs(c);
    const words = wordsOf(c);
    const { mailbox, acting } = desk;
    const entries = (await mailboxHistory(acting, mailbox.address)).filter(({ action }) => !STEPS.has(action));
    const people = await namesIn(acting, entries);
    const title = words.owner.historyTitle(mailbox.address);
    const body = html`${crumb(c, desk, true)}<h1>${addressShown(title)}</h1><p class="lead">${words.owner.historyLead}</p>
<section class="card" aria-label="${words.owner.history}">${entries.length === 0 ? html`<p>${words.owner.noHistory}</p>` : historyTable(c, entries, { zone: acting.config.policy.timezone, people })}</section>`;
    return page(c, { title, place: desk.admin ? 'administration' : 'mailboxes', body });
  });
}

/** Delegates as the directory calls them; who isn't in it, by their identifier alone. */
async function namesIn(acting: Acting, entries: readonly HistoryEntry[]): Promise<People> {
  const ids = new Set(entries.flatMap(({ delegate }) => delegate ?? []));
  return knownPeople(
    acting,
    [...ids].map((identifier) => ({ identifier, firstName: null, lastName: null })),
  );
}

type People = ReadonlyMap<string, KnownPerson>;

interface Shown {
  readonly zone: string;
  readonly people?: People;
  readonly admin?: boolean;
}

export function historyTable(
  c: PortalContext,
  entries: readonly HistoryEntry[],
  { zone, people = new Map(), admin = false }: Shown,
): Html {
  const all = wordsOf(c);
  const words = all.owner;
  const heads = [
    words.when,
    words.who,
    words.what,
    ...(admin ? [all.admin.auditMailbox] : []),
    words.whom,
    words.details,
  ];
  const language = c.get('language');
  const reader = {
    words: all,
    time: (instant: string) => timeText(instant, zone, language),
    number: (value: number) => value.toLocaleString(language === 'fr' ? 'fr' : 'en-GB'),
  };
  const who = (one: HistoryEntry) =>
    admin
      ? `${one.actor}${one.via === null ? '' : ` (${one.via})`}`
      : whoIn(all, one, c.get('person').identifier, people);
  const unproven = ({ claimed }: HistoryEntry) => (claimed ? ` (${all.codes.facts.unproven})` : '');
  const apart = (label: string, value: unknown) => cell(label, html`<bdi>${value}</bdi>`);
  return html`<table class="cards" role="table" aria-label="${words.history}">${headRow(heads)}<tbody role="rowgroup">
${entries.map(
  (
    one,
  ) => html`<tr role="row">${apart(words.when, shownAt(one.at, zone, language))}${apart(words.who, `${who(one)}${unproven(one)}`)}
${apart(words.what, called(all.codes.actions, one.action))}${admin ? apart(all.admin.auditMailbox, one.mailbox ?? '') : ''}${cell(words.whom, whom(one.delegate, people))}${apart(words.details, factsTold(reader, one, admin))}</tr>`,
)}</tbody></table>`;
}

function whom(identifier: string | null, people: People): Html | string {
  if (identifier === null) return '';
  const name = fullName(people.get(identifier) ?? { identifier, firstName: null, lastName: null });
  return name === identifier
    ? html`<bdi>${identifier}</bdi>`
    : html`<span><bdi>${name}</bdi><span class="why">${identifier}</span></span>`;
}

/** An owner hears of an administrator and of themselves; of whoever else is a delegate by their name, or their identifier. */
function whoIn({ owner: words, codes }: Words, { actor, via }: HistoryEntry, self: string, people: People): string {
  const [kind, ...rest] = actor.split(':');
  const name = rest.join(':');
  if (kind === 'owner' && name === self) return via?.startsWith('admin:') ? words.administrator : words.you;
  if (kind === 'admin') return words.administrator;
  if (kind === 'delegate' || kind === 'login')
    return fullName(people.get(name) ?? { identifier: name, firstName: null, lastName: null });
  if (kind === 'mandat') return words.theService;
  return name === '' ? codes.facts.anotherProgram : actor;
}
