/** A page for whoever isn't in: a sentence or two, and the way in. */
import type { Context } from 'hono';
import { html } from 'hono/html';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import type { PortalEnv } from './context.ts';
import { page } from './pages/page.ts';
import type { KeptForm } from './sign-in/begun-sign-ins.ts';
import { BUTTONS, type DoorWord, doorWords } from './words.ts';

export interface Door {
  readonly status: ContentfulStatusCode;
  /** Where to go after the sign-in. */
  readonly to?: string;
  /** Offered to be sent again. */
  readonly form?: KeptForm;
}

/** `signIn`: whether a new one may help. */
export function doorPage(c: Context<PortalEnv>, word: DoorWord, { status, to, form }: Door) {
  const language = c.get('language') ?? 'fr';
  const { title, text } = doorWords(language, word);
  const buttons = BUTTONS[language];
  const wayIn =
    to === undefined
      ? ''
      : html`<p><a class="button" href="/sign-in?to=${encodeURIComponent(to)}">${buttons.signIn}</a></p>`;
  const { goOn } = BUTTONS[language];
  const offered = form === undefined ? '' : offeredAgain(c, form, goOn);
  return page(c, { title, place: 'none', status, body: html`<h1>${title}</h1><p>${text}</p>${wayIn}${offered}` });
}

/** With what was typed, out of sight: one click sends it. Only what a page of ours has sent is offered. */
export function offeredAgain(c: Context<PortalEnv>, { path, fields }: KeptForm, button: string) {
  const { giveUp } = BUTTONS[c.get('language') ?? 'fr'];
  const hidden = fields
    .filter(([name]) => name !== 'csrf')
    .map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}">`);
  return html`<form method="post" action="${path}"><input type="hidden" name="csrf" value="${c.get('csrf')}">${hidden}
<p class="tools"><button class="button">${button}</button> <a class="button plain" href="${pageOf(path)}">${giveUp}</a></p></form>`;
}

/** Where the form stands, as far as its path tells. */
const pageOf = (path: string) => path.split('?')[0] ?? '/';
