/** What each request goes through, in this order; then the API and the pages. */
import { Hono } from 'hono';
import { mountApi } from './api/routes.ts';
import type { PortalEnv, PortalSite } from './context.ts';
import { speaking } from './language.ts';
import { mountPages } from './pages/routes.ts';

export interface PortalParts extends PortalSite {
  /** Whether people reach it over https. */
  readonly secure: boolean;
}

export function portalApp(parts: PortalParts): Hono<PortalEnv> {
  const app = new Hono<PortalEnv>();
  const api = new Hono<PortalEnv>();
  mountApi(api, parts);
  app.route('/api/v1', api);
  app.use(speaking(parts.secure));
  mountPages(app, parts);
  return app;
}
