/** Who may open the administrator's pages, and whether they may change anything there. */
import { html } from 'hono/html';
import type { Acting } from '../../../acting/site.ts';
import { type Html, notYours, type PortalContext, wordsOf } from '../page.ts';
import { ADMIN } from '../paths.ts';

export interface Entrance {
  readonly acting: Acting;
  readonly mayAct: boolean;
}

/** Undefined for whoever is no administrator. */
export function entrance(c: PortalContext): Entrance | undefined {
  const { identifier, roles } = c.get('person');
  if (roles.admin === 'none') return undefined;
  return { acting: c.get('acting')({ kind: 'admin', name: identifier }), mayAct: roles.admin === 'acts' };
}

export function closed(c: PortalContext) {
  const words = wordsOf(c);
  return notYours(c, { title: words.administration, text: words.notYourPage });
}

export const upToAdmin = (c: PortalContext): Html =>
  html`<p class="crumb"><a href="${ADMIN}">${wordsOf(c).administration}</a></p>`;
