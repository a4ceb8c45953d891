/** What each request goes through, in this order; then the API and the pages. */
import { Hono } from 'hono';
import { mountApi, nothingElse } from './api/routes.ts';
import { mountAssets } from './assets/serve.ts';
import { behindSignIn } from './behind-sign-in.ts';
import { addressed, oftenEnough, openStrangers, ownHostOnly, smallBodies } from './bounds.ts';
import type { PortalEnv } from './context.ts';
import { counting } from './figures.ts';
import { speaking } from './language.ts';
import { mountAutoconfig } from './pages/delegate/mail-client.ts';
import { mountPages } from './pages/routes.ts';
import { safeHeaders } from './safe-headers.ts';
import type { Door } from './sign-in/door.ts';
import { mountSignIn, mountSignOut } from './sign-in/routes.ts';

export function portalApp(door: Door): Hono<PortalEnv> {
  const { settings, provider, clock } = door;
  const secure = settings.url.startsWith('https:');
  const app = new Hono<PortalEnv>();
  app.use(counting(door.figures));
  app.use(safeHeaders(secure, provider.origins));
  app.use(ownHostOnly(settings));
  app.use(speaking(secure));
  app.use(addressed(settings));
  const strangers = openStrangers(clock);
  app.use(oftenEnough(strangers, (c) => door.sessions.named(door.cookies.read(c, 'session')), clock));
  app.use(smallBodies);
  const api = new Hono<PortalEnv>();
  mountApi(api, door, strangers);
  app.route('/api/v1', api);
  nothingElse(app, strangers);
  mountAssets(app);
  mountAutoconfig(app, door);
  mountSignIn(app, door);
  app.use(behindSignIn(door));
  mountSignOut(app, door);
  mountPages(app, door);
  return app;
}
