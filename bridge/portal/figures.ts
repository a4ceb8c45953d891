/** What is counted of the portal for /metrics: which routes are asked, with which answers, and what comes of sign-ins. Nobody is named. */
import type { Context, MiddlewareHandler } from 'hono';
import type { Logger } from 'pino';
import type { Site } from '../acting/site.ts';
import { notePortal } from '../questions/portal-figures.ts';
import { failureOf } from '../shared/failure.ts';
import { NOTED_EVERY_MS } from '../shared/heard-of.ts';
import type { PortalEnv } from './context.ts';
import type { DoorWord } from './words.ts';

export type SignInOutcome = 'let-in' | DoorWord;

export interface Figures {
  request(route: string, status: number): void;
  signIn(outcome: SignInOutcome): void;
  /** Notes that the portal has ended. */
  close(): Promise<void>;
}

/** One commit for all that is asked meanwhile. */
const NOTED_MS = 10_000;

export function openFigures(state: Site['state'], sessions: () => number, log: Logger): Figures {
  const requests = new Map<string, Map<string, number>>();
  const signIns = new Map<string, number>();
  let changed = true;
  let notedAt = Number.NEGATIVE_INFINITY;
  let going: Promise<void> = Promise.resolve();
  const add = (to: Map<string, number>, what: string) => {
    to.set(what, (to.get(what) ?? 0) + 1);
    changed = true;
  };
  const note = async () => {
    if (!changed && performance.now() - notedAt < NOTED_EVERY_MS) return;
    changed = false;
    notedAt = performance.now();
    const figures = {
      sessions: sessions(),
      requests: Object.fromEntries([...requests].map(([route, counts]) => [route, Object.fromEntries(counts)])),
      signIns: Object.fromEntries(signIns),
      heard: new Date().toISOString(),
    };
    await state((db) => notePortal(db, figures)).catch((error: unknown) =>
      log.debug({ reason: failureOf(error).message }, 'what the portal has counted could not be noted'),
    );
  };
  const soon = () => {
    going = going.then(note);
  };
  soon();
  const timer = setInterval(soon, NOTED_MS).unref();
  return {
    request: (route, status) => {
      const counts = requests.get(route) ?? new Map<string, number>();
      requests.set(route, counts);
      add(counts, String(status));
    },
    signIn: (outcome) => add(signIns, outcome),
    close: async () => {
      clearInterval(timer);
      await going;
      await state((db) => notePortal(db, undefined)).catch(() => {}); // it is silent from now on in any case
    },
  };
}

/** As declared: what somebody has put into an address is no part of it. */
export function counting(figures: Figures): MiddlewareHandler<PortalEnv> {
  return async (c, next) => {
    await next();
    figures.request(routeOf(c), c.res.status);
  };
}

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'];

function routeOf(c: Context<PortalEnv>): string {
  const { method, routePath } = c.req;
  if (routePath.includes('*') || !METHODS.includes(method)) return 'other';
  return `${method} ${routePath.replace(/\{[^}]*\}/g, '')}`;
}
