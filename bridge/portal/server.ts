/** The portal's HTTP server: on a Unix socket or a port of this machine, behind the site's reverse proxy. Whoever is slow keeps nobody waiting. */
import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import type { Hono } from 'hono';
import { Failure } from '../shared/failure.ts';
import { listenAt } from '../shared/listen-at.ts';
import { groupId } from '../store/databases.ts';
import type { PortalEnv } from './context.ts';
import type { PortalSettings } from './sign-in/provider.ts';

const SETTING = '[portal] listen';

/** Times in ms, sizes in octets. */
export interface Patience {
  /** Until the head of a request is whole, and until all of it is. */
  readonly head: number;
  readonly whole: number;
  /** Between two requests on one connection: longer than a reverse proxy's own. */
  readonly between: number;
  /** What is being answered when the portal is to end may take so long still. */
  readonly end: number;
}

const PATIENCE: Patience = { head: 10_000, whole: 20_000, between: 75_000, end: 2_000 };
const LARGEST_HEAD = 16 * 1024;
const MOST_CONNECTIONS = 2_000;
/** How often Node looks for who is late. */
const LOOK_MS = 1_000;

export interface PortalServer {
  /** The port, where it has one: 0 was asked for in tests. */
  readonly port: number | undefined;
  close(): Promise<void>;
}

export async function servePortal(
  app: Hono<PortalEnv>,
  settings: Pick<PortalSettings, 'listen' | 'group'>,
  patience: Patience = PATIENCE,
): Promise<PortalServer> {
  const server = createAdaptorServer({
    fetch: app.fetch,
    serverOptions: {
      headersTimeout: patience.head,
      requestTimeout: patience.whole,
      keepAliveTimeout: patience.between,
      maxHeaderSize: LARGEST_HEAD,
      connectionsCheckingInterval: Math.min(LOOK_MS, patience.head),
    },
  }) as Server;
  server.maxConnections = MOST_CONNECTIONS;
  await listenAt(server, settings.listen, SETTING, () => groupNumber(settings.group));
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : undefined,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeIdleConnections();
        setTimeout(() => server.closeAllConnections(), patience.end).unref(); // pages that watch never end by themselves
      }),
  };
}

function groupNumber(group: string): number {
  const gid = groupId(group);
  if (gid !== undefined) return gid;
  throw new Failure('config', `there is no Unix group "${group}"`, "set [portal] group to the reverse proxy's");
}
