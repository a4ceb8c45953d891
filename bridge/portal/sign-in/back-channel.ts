/** The provider's word that somebody's session there is over: ours ends at once. OpenID Connect Back-Channel Logout 1.0 sections 2.4 to 2.8 */
import type { Context } from 'hono';
import { failureOf } from '../../shared/failure.ts';
import type { PortalEnv } from '../context.ts';
import type { Session } from '../sessions.ts';
import { type Door, signedOut } from './door.ts';

const EVENT = 'http://schemas.openid.net/event/backchannel-logout';
/** As long as a token may be used at all; a word is heard once. */
const REMEMBERED_MS = 600_000;
const MOST_REMEMBERED = 10_000;

/** Words that were heard, by the sessions that they are told to. */
const heard = new WeakMap<object, Map<string, number>>();

export async function endedByProvider(c: Context<PortalEnv>, door: Door) {
  c.header('cache-control', 'no-store');
  try {
    const token = (await c.req.formData()).get('logout_token');
    if (typeof token !== 'string') return c.json({ error: 'invalid_request' }, 400);
    const claims = await door.provider.verified(token, { audience: [door.settings.clientId] });
    const fault = faultOf(claims, door);
    if (fault !== undefined) {
      door.log.warn({ why: fault }, "the identity provider's word that a session has ended was refused");
      return c.json({ error: 'invalid_request' }, 400);
    }
    const ended: readonly Session[] = door.sessions.endBy({
      subject: text(claims.sub),
      providerSession: text(claims.sid),
    });
    for (const session of ended) await door.note(signedOut(session, 'the identity provider'));
    return c.body(null, 200);
  } catch (error) {
    const { code, message } = failureOf(error);
    door.log.warn({ code }, message);
    return c.json({ error: 'invalid_request' }, code === 'retry' ? 503 : 400);
  }
}

/** What the signature doesn't say: that it is such a token, of somebody, and not heard before. */
function faultOf(claims: Readonly<Record<string, unknown>>, { sessions, clock }: Door): string | undefined {
  const { events, nonce, sub, sid, jti } = claims;
  if (nonce !== undefined) return 'it has a nonce, as an ID token has';
  if (typeof events !== 'object' || events === null || !(EVENT in events)) return 'it tells of no such event';
  if (text(sub) === undefined && text(sid) === undefined) return 'it names nobody';
  const id = text(jti);
  if (id === undefined) return 'it has no jti';
  const known = heard.get(sessions) ?? new Map<string, number>();
  heard.set(sessions, known);
  for (const [old, at] of known) if (clock() - at > REMEMBERED_MS || known.size > MOST_REMEMBERED) known.delete(old);
  if (known.has(id)) return 'it was heard before';
  known.set(id, clock());
  return undefined;
}

const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined);
