/** What every page has around it: the title, the way to the others, the language, who is signed in. */
import type { Context } from 'hono';
import { html } from 'hono/html';
import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { SCRIPT_PATH, STYLE_PATH } from '../assets/serve.ts';
import type { PortalEnv, SignedIn } from '../context.ts';
import { AWAY_RETRY_SECONDS } from '../rate-limits.ts';
import { ACCOUNT, ADMIN, MAILBOXES, SIGN_OUT } from './paths.ts';
import type { Words } from './words/shape.ts';
import { wordsIn } from './words/words.ts';

/** What `html` makes: escaped by construction. */
export type Html = ReturnType<typeof html>;
export type PortalContext = Context<PortalEnv>;
export type Place = 'mailboxes' | 'account' | 'administration' | 'none';

export interface Page {
  readonly title: string;
  /** Which of the main ways it belongs to. */
  readonly place: Place;
  readonly body: Html;
  readonly status?: ContentfulStatusCode;
}

export const wordsOf = (c: PortalContext): Words => wordsIn(c.get('language'));

/** Never kept: what the back button shows is what stands now. */
export function page(c: PortalContext, { title, place, body, status = 200 }: Page) {
  const language = c.get('language');
  const words = wordsIn(language);
  const person: SignedIn | undefined = c.get('person');
  c.header('cache-control', 'no-store');
  if (status === 503) c.header('retry-after', String(AWAY_RETRY_SECONDS));
  return c.html(
    html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${status === 409 || status === 422 ? words.wrongTitle(title) : title} – ${words.site}</title>
<link rel="stylesheet" href="${STYLE_PATH}">
<link rel="icon" href="data:,">
<script src="${SCRIPT_PATH}" defer></script>
</head>
<body>
<a class="skip" href="#content">${words.skip}</a>
<header class="top"><div class="bar">
<a class="name" href="/">${words.site}</a>
${person === undefined ? '' : html`<nav aria-label="${words.menu}"><ul>${ways(person, words, place)}</ul></nav>`}
<a href="${inOtherLanguage(c)}" hreflang="${language === 'fr' ? 'en' : 'fr'}" lang="${language === 'fr' ? 'en' : 'fr'}">${words.otherLanguage}</a>
${person === undefined ? '' : signedIn(c, person, words)}
</div></header>
<main id="content" tabindex="-1">
${body}
</main>
</body>
</html>`,
    status,
  );
}

function ways({ roles }: SignedIn, words: Words, place: Place) {
  const all = [
    { open: roles.owner, at: MAILBOXES, name: 'mailboxes' },
    { open: roles.delegate, at: ACCOUNT, name: 'account' },
    { open: roles.admin !== 'none', at: ADMIN, name: 'administration' },
  ] as const;
  return all
    .filter(({ open }) => open)
    .map(
      ({ at, name }) =>
        html`<li><a href="${at}"${name === place ? html` aria-current="page"` : ''}>${words[name]}</a></li>`,
    );
}

function signedIn(c: PortalContext, { name, identifier }: SignedIn, words: Words): Html {
  return html`<span class="who"><bdi>${name ?? identifier}</bdi></span>
<form method="post" action="${SIGN_OUT}">${csrfField(c)}<button class="link">${words.signOut}</button></form>`;
}

/** The same page; the path of a form is that of the page it stands on. What the provider has answered is good once: from there to the start. */
function inOtherLanguage(c: PortalContext): string {
  const { pathname: here, searchParams: asked } = new URL(c.req.url);
  const [pathname, searchParams] = here.startsWith('/sign-in') ? ['/', new URLSearchParams()] : [here, asked];
  searchParams.set('language', c.get('language') === 'fr' ? 'en' : 'fr');
  return `${pathname}?${searchParams}`;
}

/** What isn't theirs looks the same whatever it is: a title and a sentence. */
export function notYours(
  c: PortalContext,
  { title, text, place = 'none', status = 403 }: Pick<Page, 'title' | 'status'> & { text: string; place?: Place },
) {
  return page(c, { title, place, status, body: html`<h1>${title}</h1><p>${text}</p>` });
}

/** Where it must be broken, it is before the domain. */
export function addressShown(address: string): Html {
  const at = address.lastIndexOf('@') + 1;
  return html`${address.slice(0, at)}<wbr>${address.slice(at)}`;
}

export const csrfField = (c: PortalContext) => html`<input type="hidden" name="csrf" value="${c.get('csrf')}">`;
