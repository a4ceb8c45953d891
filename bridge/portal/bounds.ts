/** What keeps every request in bounds, before anything is looked up for it: the host it asks for, how often it asks, how much it brings. */
import type { Context, MiddlewareHandler } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import { QuestionProblem } from './api/problem.ts';
import { tell } from './api/tell.ts';
import { asker, clientAddress } from './client-address.ts';
import type { PortalEnv } from './context.ts';
import { doorPage } from './door-page.ts';
import { RATES, rateLimit } from './rate-limits.ts';
import type { PortalSettings } from './sign-in/provider.ts';

/** No form of ours, and no request to the API, is longer; octets. */
const LONGEST_BODY = 64 * 1024;
const LONGEST_URL = 4096;

export const isApi = (c: Context<PortalEnv>) => c.req.path.startsWith('/api/');

/** What @hono/node-server knows of the connection. */
interface Connection {
  readonly incoming?: { readonly socket?: { readonly remoteAddress?: string | undefined } };
}

/** Another host's name leads elsewhere: nothing that is built of it may be believed. RFC 9110 section 7.4 */
export function ownHostOnly({ url }: Pick<PortalSettings, 'url'>): MiddlewareHandler<PortalEnv> {
  const own = new URL(url).host;
  return async (c, next) => {
    if ((c.req.header('host') ?? '').toLowerCase() !== own)
      return outOfBounds(c, 421, 'OTHER_HOST', 'this is another host');
    if (c.req.url.length > LONGEST_URL) return outOfBounds(c, 414, 'TOO_LONG', 'this address is too long');
    return next();
  };
}

/** Seconds to wait, of somebody whom nobody knows; undefined: go on. */
export type Strangers = (c: Context<PortalEnv>) => number | undefined;

export function openStrangers(now: () => number): Strangers {
  const limit = rateLimit(RATES.address, now);
  return (c) => limit.spend(asker(c.get('address')));
}

/** Whose address it is, for all that follows. */
export function addressed({ proxies }: Pick<PortalSettings, 'proxies'>): MiddlewareHandler<PortalEnv> {
  return async (c, next) => {
    const peer = (c.env as Connection | undefined)?.incoming?.socket?.remoteAddress;
    c.set('address', clientAddress(c.req.header('x-forwarded-for'), proxies, peer));
    return next();
  };
}

/**
 * Who is signed in is limited by their session, anybody else by their address. At the API each request says itself who asks: there it is
 * limited when that is known (api/answer.ts).
 */
export function oftenEnough(
  strangers: Strangers,
  known: (c: Context<PortalEnv>) => string | undefined,
  now: () => number,
): MiddlewareHandler<PortalEnv> {
  const sessions = rateLimit(RATES.session, now);
  return async (c, next) => {
    if (isApi(c)) return next();
    const session = known(c);
    const wait = session === undefined ? strangers(c) : sessions.spend(session);
    return wait === undefined ? next() : tooOften(c, wait);
  };
}

/** `wait`: seconds. */
export function tooOften(c: Context<PortalEnv>, wait: number) {
  if (isApi(c)) return tell(c, tooMany(wait));
  c.header('retry-after', String(wait));
  return doorPage(c, 'too-often', { status: 429 });
}

export const tooMany = (wait: number): QuestionProblem =>
  new QuestionProblem(429, 'TOO_OFTEN', `too many requests: ask again in ${wait} s`, {
    headers: { 'retry-after': String(wait) },
  });

export const smallBodies: MiddlewareHandler<PortalEnv> = bodyLimit({
  maxSize: LONGEST_BODY,
  onError: (c: Context<PortalEnv>) =>
    isApi(c)
      ? outOfBounds(c, 413, 'TOO_LARGE', `what is sent has ${LONGEST_BODY} octets at most`)
      : doorPage(c, 'too-large', { status: 413 }),
});

/** Before anybody is asked for a language a browser is told in English. */
function outOfBounds(c: Context<PortalEnv>, status: 413 | 414 | 421, code: string, why: string) {
  return isApi(c) ? tell(c, new QuestionProblem(status, code, why)) : c.text(`${why}\n`, status);
}
