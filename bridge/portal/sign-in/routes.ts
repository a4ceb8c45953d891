/** Coming in and going out: /sign-in, /sign-in/back, /sign-out, /signed-out, and the provider's own word that a session has ended. */
import type { Context, Hono } from 'hono';
import { type FailureCode, failureOf } from '../../shared/failure.ts';
import { tooOften } from '../bounds.ts';
import { asker } from '../client-address.ts';
import type { PortalEnv } from '../context.ts';
import { doorPage } from '../door-page.ts';
import { RATES, rateLimit } from '../rate-limits.ts';
import { mayComeIn } from '../roles.ts';
import { wasOf } from '../sessions.ts';
import { endedByProvider } from './back-channel.ts';
import type { BegunSignIn } from './begun-sign-ins.ts';
import { type Door, signedOut } from './door.ts';
import { type Person, personOf } from './person.ts';

/** For whoever isn't signed in. */
export function mountSignIn(app: Hono<PortalEnv>, door: Door): void {
  const limit = rateLimit(RATES.signIn, door.clock);
  app.use('/sign-in/*', async (c, next) => {
    const wait = limit.spend(asker(c.get('address')));
    return wait === undefined ? next() : tooOften(c, wait);
  });
  app.get('/sign-in', (c) => begin(c, door));
  app.get('/sign-in/back', (c) => comeBack(c, door));
  app.get('/signed-out', (c) => doorPage(c, 'signed-out', { status: 200, to: '/' }));
  app.post('/back-channel-logout', (c) => endedByProvider(c, door));
}

/** For whoever is. */
export function mountSignOut(app: Hono<PortalEnv>, door: Door): void {
  const { sessions, cookies, provider, settings, kept } = door;
  app.post('/sign-out', async (c) => {
    const session = sessions.end(cookies.read(c, 'session'));
    cookies.forget(c, 'session');
    if (session === undefined) return c.redirect('/signed-out', 303);
    await door.note(signedOut(session, 'themselves'));
    const url = await provider.signOutUrl(session.idToken, new URL('/signed-out', settings.url).href);
    return c.redirect(url?.href ?? '/signed-out', 303);
  });
  app.get('/resume', (c) => {
    const session = sessions.find(cookies.read(c, 'session'));
    const form = session && kept.get(session);
    if (session === undefined || form === undefined) return c.redirect('/', 303);
    return doorPage(c, 'resume', { status: 200, form });
  });
}

async function begin(c: Context<PortalEnv>, door: Door) {
  const { begun, cookies, provider } = door;
  const before = begun.take(cookies.read(c, 'signing-in'));
  const to = c.req.query('to') ?? before?.to ?? '/';
  try {
    const { begun: fresh, url } = await provider.begin();
    cookies.write(c, 'signing-in', begun.keep({ ...fresh, to: ownPath(to), form: before?.form }));
    return c.redirect(url.href, 303);
  } catch (error) {
    if (before !== undefined) cookies.write(c, 'signing-in', begun.keep(before)); // what was typed waits
    return unanswered(c, error, door, to);
  }
}

/** A path of ours and nothing else: neither //host nor /\host, which browsers take for another host. */
export function ownPath(given: string): string {
  const base = 'http://portal.invalid';
  if (!given.startsWith('/') || given.length > 2000 || !URL.canParse(given, base)) return '/';
  const url = new URL(given, base);
  if (url.origin !== base || /^\/(?:sign-in|sign-out|signed-out)(?:\/|$)/.test(url.pathname)) return '/';
  return url.pathname.startsWith('//') ? '/' : url.pathname + url.search;
}

async function comeBack(c: Context<PortalEnv>, door: Door) {
  const { begun, cookies, provider, settings, identity, log } = door;
  const signIn = begun.take(cookies.read(c, 'signing-in'));
  cookies.forget(c, 'signing-in');
  if (signIn === undefined || signIn.state === '') return doorPage(c, 'failed', { status: 400, to: '/' });
  if (c.req.query('error') === 'access_denied' && c.req.query('state') === signIn.state) {
    door.figures.signIn('cancelled');
    return doorPage(c, 'cancelled', { status: 403, to: signIn.to });
  }
  try {
    const answered = await provider.finish(new URL(c.req.url), signIn);
    const reading = personOf(answered, settings, identity);
    if (reading.ok) return await letIn(c, door, signIn, reading.person, answered.idToken);
    door.figures.signIn(reading.why);
    log.warn({ why: reading.why, address: c.get('address') }, 'somebody was not let in');
    return doorPage(c, reading.why, { status: 403, to: signIn.to });
  } catch (error) {
    return unanswered(c, error, door, signIn.to);
  }
}

/** Always a new session, and the one before ends: a secret that somebody else has put into the browser opens nothing. */
async function letIn(c: Context<PortalEnv>, door: Door, { to, form }: BegunSignIn, person: Person, idToken: string) {
  const { sessions, cookies, kept } = door;
  sessions.end(cookies.read(c, 'session'));
  cookies.forget(c, 'session');
  const roles = await door.rolesOf(person);
  const how = { acr: person.acr, address: c.get('address') };
  const { identifier } = person;
  door.figures.signIn(mayComeIn(roles) ? 'let-in' : 'nobody');
  if (!mayComeIn(roles)) {
    await door.note({ action: 'portal-refused', identifier, detail: { why: 'nobody', ...how } });
    return doorPage(c, 'nobody', { status: 403 });
  }
  const { cookie, session } = sessions.begin(person, idToken);
  const as = (['owner', 'delegate'] as const).filter((role) => roles[role]);
  const detail = { as: roles.admin === 'none' ? as : [...as, 'admin'], ...how };
  await door.note({ action: 'portal-sign-in', identifier, session: session.name, detail });
  cookies.write(c, 'session', cookie);
  if (form === undefined || !wasOf(form.session, identifier)) return c.redirect(to, 303);
  kept.set(session, form);
  return c.redirect('/resume', 303);
}

/** An answer that isn't in order is tried anew; what keeps this site from asking is its administrator's to mend. */
const WORD: Readonly<Record<FailureCode, 'away' | 'failed' | 'trouble'>> = {
  retry: 'away',
  refused: 'failed',
  absent: 'trouble',
  config: 'trouble',
  unsafe: 'trouble',
  internal: 'trouble',
};

function unanswered(c: Context<PortalEnv>, error: unknown, { log, figures }: Door, to: string) {
  const { code, message, hint } = failureOf(error);
  log.warn({ code, hint, address: c.get('address') }, message);
  const word = WORD[code];
  figures.signIn(word);
  return doorPage(c, word, { status: word === 'failed' ? 400 : 503, to: ownPath(to) });
}
