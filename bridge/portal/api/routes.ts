/** The HTTP API, below /api/v1. Nobody has signed in here: each request brings a token of its own. */
import type { Hono } from 'hono';
import type { ApiSite, PortalEnv } from '../context.ts';

/** `app`: mounted at /api/v1; before it only what keeps every request in bounds, no cookie and no form's token. */
export function mountApi(app: Hono<PortalEnv>, _site: ApiSite): void {
  app.notFound((c) => c.json({ type: 'about:blank', title: 'Not Found', status: 404 }, 404));
}
