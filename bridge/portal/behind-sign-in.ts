/** Who asks for a page: the session behind the cookie, what its person may be now, and that a form was sent by a page of theirs. */
import type { Context, MiddlewareHandler } from 'hono';
import { type Actor, actorName } from '../../acl/actor.ts';
import type { Acting } from '../acting/site.ts';
import { Failure, failureOf } from '../shared/failure.ts';
import { tooOften } from './bounds.ts';
import type { PortalEnv, Roles } from './context.ts';
import type { Cookies } from './cookies.ts';
import { isTokenOf, maskedToken, sentFromHere } from './csrf.ts';
import { doorPage } from './door-page.ts';
import { RATES, rateLimit } from './rate-limits.ts';
import { reading } from './reading.ts';
import { mayComeIn } from './roles.ts';
import type { Session, Sessions } from './sessions.ts';
import type { BegunSignIns, KeptForm } from './sign-in/begun-sign-ins.ts';
import type { DoorEvent } from './sign-in/door.ts';
import type { PortalSettings } from './sign-in/provider.ts';

export interface Doorkeeping {
  readonly settings: PortalSettings;
  readonly sessions: Sessions;
  readonly begun: BegunSignIns;
  readonly cookies: Cookies;
  rolesOf(person: { readonly identifier: string; readonly groups: readonly string[] }): Promise<Roles>;
  actingAs(actor: Actor, via: string): Acting;
  note(event: DoorEvent): Promise<void>;
  /** Milliseconds. */
  readonly clock: () => number;
}

const FORM = 'application/x-www-form-urlencoded';
const isRead = (c: Context<PortalEnv>) => c.req.method === 'GET' || c.req.method === 'HEAD';

export function behindSignIn(keeping: Doorkeeping): MiddlewareHandler<PortalEnv> {
  const { settings, sessions, cookies, rolesOf, clock } = keeping;
  const { origin } = new URL(settings.url);
  const limits = {
    change: rateLimit(RATES.change, clock),
    search: rateLimit(RATES.search, clock),
  };
  return async (c, next) => {
    const cookie = cookies.read(c, 'session');
    const session = sessions.find(cookie);
    if (session === undefined) return outside(c, keeping, origin, cookie);
    const kind = kindOf(c);
    const wait = kind && limits[kind].spend(session.name);
    if (wait !== undefined) return tooOften(c, wait);
    c.set('csrf', maskedToken(session.csrf));
    if (!isRead(c)) {
      const refused = await forged(c, session, origin);
      if (refused !== undefined) return refused;
    }
    const roles = await rolesOf(session.person);
    if (!mayComeIn(roles)) {
      sessions.end(cookie);
      cookies.forget(c, 'session');
      return doorPage(c, 'nobody', { status: 403 });
    }
    if (!isRead(c) && c.req.path.startsWith('/admin') && roles.admin !== 'acts')
      return doorPage(c, 'refused', { status: 403 });
    const { identifier, name } = session.person;
    c.set('person', { identifier, name, roles, session: session.name });
    c.set('acting', (actor) => actingOf(keeping, { session, roles }, actor));
    await next();
    if (failureOf(c.error).rule === 'MANDAT_ACTOR') await noteTried(c, keeping);
    return undefined;
  };
}

/** Who tried what they may not do is in the trail. R53 */
async function noteTried(c: Context<PortalEnv>, { note }: Doorkeeping): Promise<void> {
  const { identifier, session } = c.get('person');
  await note({ action: 'portal-refused', identifier, session, detail: { path: c.req.routePath } });
}

function kindOf(c: Context<PortalEnv>): 'change' | 'search' | undefined {
  if (!isRead(c)) return 'change';
  return Object.keys(c.req.query()).some((name) => name !== 'language') ? 'search' : undefined;
}

/** Nobody is signed in. What they had typed is kept until they are, where a page of ours has sent it. */
async function outside(
  c: Context<PortalEnv>,
  { begun, cookies }: Doorkeeping,
  origin: string,
  session: string | undefined,
) {
  const { pathname, search } = new URL(c.req.url);
  if (isRead(c)) {
    const wantsPage = !(c.req.header('accept') ?? '').includes('text/event-stream');
    if (!wantsPage) return c.text('the session has ended\n', 401);
    return c.redirect(`/sign-in?to=${encodeURIComponent(pathname + search)}`, 303);
  }
  if (sentFromHere((name) => c.req.header(name), origin) !== true) return doorPage(c, 'forged', { status: 403 });
  const form = session === undefined ? undefined : await formOf(c, session);
  cookies.write(c, 'signing-in', begun.keep({ state: '', nonce: '', verifier: '', to: pathname, form }));
  return doorPage(c, 'ended', { status: 401, to: pathname });
}

/** Undefined: it was sent from a page of this session. */
async function forged(c: Context<PortalEnv>, session: Session, origin: string) {
  const fromHere = sentFromHere((name) => c.req.header(name), origin);
  if (fromHere === false) return doorPage(c, 'forged', { status: 403 });
  if (!isForm(c)) return c.text('send a form\n', 415);
  const { csrf, ...form } = { csrf: (await c.req.formData()).get('csrf'), ...(await formOf(c, '')) };
  if (isTokenOf(session.csrf, csrf)) return undefined;
  if (fromHere !== true || form.path === undefined) return doorPage(c, 'forged', { status: 403 });
  return doorPage(c, 'old-form', { status: 409, form: form as KeptForm });
}

const isForm = (c: Context<PortalEnv>) => (c.req.header('content-type') ?? '').toLowerCase().startsWith(FORM);

/** What was typed, to be sent again. Undefined where no form was sent. */
export async function formOf(c: Context<PortalEnv>, session: string): Promise<KeptForm | undefined> {
  if (!isForm(c)) return undefined;
  const { pathname, search } = new URL(c.req.url);
  const fields = [...(await c.req.formData())].flatMap(([name, value]) =>
    typeof value === 'string' ? [[name, value] as const] : [],
  );
  return { path: pathname + search, fields, session };
}

/** Everybody acts as themselves; an administrator also for an owner, whose name stands in the trail beside theirs. */
function actingOf(
  { actingAs }: Doorkeeping,
  { session, roles }: { readonly session: Session; readonly roles: Roles },
  actor: Actor,
): Acting {
  const { identifier } = session.person;
  const via = `portal:${session.name}`;
  const self = actor.kind === 'admin' ? actor.name === identifier : actor.identifier === identifier;
  if (self && actor.kind !== 'admin' && roles[actor.kind]) return actingAs(actor, via);
  if (self && actor.kind === 'admin' && roles.admin === 'acts') return actingAs(actor, via);
  if (self && actor.kind === 'admin' && roles.admin === 'reads') return reading(actingAs(actor, via));
  if (actor.kind === 'owner' && roles.admin === 'acts') return actingAs(actor, `admin:${identifier} ${via}`);
  throw notTheirs(`${identifier} may not act as ${actorName(actor)}`);
}

const notTheirs = (why: string) => new Failure('refused', why, '', { rule: 'MANDAT_ACTOR' });
