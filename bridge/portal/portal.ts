/** The portal, wired: what `mandat portal` runs, and tests in their own process. */
import type { Logger } from 'pino';
import type { Config } from '../../config/schema.ts';
import { actingAs, openSite } from '../acting/site.ts';
import { Failure, failureOf } from '../shared/failure.ts';
import { noteEvent } from '../store/table/events.ts';
import { peopleNamed } from './api/on-behalf.ts';
import { openServices } from './api/services.ts';
import { portalApp } from './app.ts';
import { portalCookies } from './cookies.ts';
import { openFigures } from './figures.ts';
import { rolesOf } from './roles.ts';
import { type Patience, type PortalServer, servePortal } from './server.ts';
import { openSessions } from './sessions.ts';
import { openBegunSignIns } from './sign-in/begun-sign-ins.ts';
import type { DoorEvent } from './sign-in/door.ts';
import { openProvider, type PortalSettings } from './sign-in/provider.ts';

export interface PortalOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly log: Logger;
  /** Milliseconds. Default: the clock. */
  readonly clock?: () => number;
  readonly patience?: Patience;
}

export interface Portal extends PortalServer {
  /** How many people are signed in. */
  readonly sessions: number;
}

/** Resolves when it answers. */
export async function startPortal(
  config: Config,
  { env, log, clock = Date.now, patience }: PortalOptions,
): Promise<Portal> {
  const settings = settingsOf(config);
  const site = openSite(config, (line) => log.warn(line));
  const sessions = openSessions(
    { idleMs: settings.sessionMinutes * 60_000, mostMs: settings.sessionMaxMinutes * 60_000 },
    clock,
  );
  await site.table(async () => {}); // one that can't be read is told of now
  await site.state(async () => {});
  const figures = openFigures(site.state, () => sessions.count, log);
  const app = portalApp({
    figures,
    settings,
    sessions,
    log,
    clock,
    identity: config.identity,
    mailClient: config.mailClient,
    provider: openProvider(settings, env, clock),
    services: openServices(settings.services, env, log),
    begun: openBegunSignIns(clock),
    cookies: portalCookies(settings.url.startsWith('https:')),
    kept: new WeakMap(),
    now: () => new Date(clock()),
    actingAs: (actor, via) => actingAs(site, actor, via),
    rolesOf: (person) => site.table((db) => rolesOf(db, person, settings)),
    state: site.state,
    peopleNamed: (typed) => site.table((db) => peopleNamed(db, site.identity.find(typed))),
    note: (event) => note(event).catch((error: unknown) => unnoted(event.action, error)),
    noteRefused: (writer, command) =>
      site
        .table((db) => noteEvent(db, writer, { action: 'refused', detail: { command } }))
        .catch((error: unknown) => unnoted('refused', error)),
  });
  const note = async ({ action, identifier, session, detail }: DoorEvent) => {
    const writer = { actor: `person:${identifier}`, ...(session === undefined ? {} : { via: `portal:${session}` }) };
    await site.table((db) => noteEvent(db, writer, { action, detail }));
  };
  const unnoted = (action: string, error: unknown) =>
    log.error(
      { action, reason: failureOf(error).message },
      'what happened at the door could not be noted in the trail',
    );
  const server = await servePortal(app, settings, patience);
  log.info({ listen: settings.listen, url: settings.url }, 'answering people');
  return {
    ...server,
    close: async () => {
      await server.close();
      await figures.close();
    },
    get sessions() {
      return sessions.count;
    },
  };
}

function settingsOf({ portal }: Config): PortalSettings {
  if (portal !== undefined) return { ...portal, url: portal.url.replace(/\/$/, '') };
  throw new Failure('config', 'no section [portal] is configured', 'docs/portal.md says how');
}
