/** All pages, in one place: behind the sign-in, in the order in which their paths are looked at. */
import type { Hono } from 'hono';
import type { PortalEnv, PortalSite } from '../context.ts';

/** `app`: its context has the person, the language, the form's token and as whom they act. */
export function mountPages(app: Hono<PortalEnv>, _site: PortalSite): void {
  app.get('/', (c) => c.redirect('/signed-in', 303));
}
