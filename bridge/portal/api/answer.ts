/** One request to the API, from who asks to what is answered. */
import type { Context } from 'hono';
import { type Actor, actorName } from '../../../acl/actor.ts';
import { noteRefusal } from '../../acting/refusals.ts';
import type { Acting } from '../../acting/site.ts';
import { failureOf } from '../../shared/failure.ts';
import type { ApiAnswer } from '../../store/state/api-answers.ts';
import { type Strangers, tooMany } from '../bounds.ts';
import type { ApiSite, PortalEnv } from '../context.ts';
import { RATES, rateLimit } from '../rate-limits.ts';
import { reading } from '../reading.ts';
import { actorOf, type Caller, callerOf, RefusedCaller } from './callers.ts';
import { etagOf, isKnown, mustMatch } from './etag.ts';
import { openIdempotency } from './idempotency.ts';
import type { Operation } from './operation.ts';
import { PROBLEM_TYPE, problemOf, QuestionProblem } from './problem.ts';
import { bodyOf, checked, parsed, queryOf } from './question.ts';
import { jsonOf, languageOf, logProblem, spoken } from './tell.ts';

type Ask = Context<PortalEnv>;

export function answering(site: ApiSite, strangers: Strangers): (c: Ask, one: Operation) => Promise<Response> {
  const idempotency = openIdempotency(site.state, site.now, site.log);
  const spend = spending(site.clock);
  return async (c, one) => {
    const caller = await allowed(c, site, one, strangers);
    const wait = spend(caller, one);
    if (wait !== undefined) throw tooMany(wait);
    const { as, ...query } = queryOf(c);
    const acting = await actingOf(site, caller, one, as);
    try {
      const text = one.body === undefined ? '' : await bodyOf(c);
      const asked = {
        acting,
        caller,
        language: languageOf(c),
        params: checked(c, one.params, c.req.param(), 'path'),
        query: checked(c, one.query, query, 'query'),
        body: one.body === undefined ? undefined : checked(c, one.body, parsed(text), 'body'),
      };
      const key = c.req.header('idempotency-key');
      if (one.method !== 'post' || key === undefined) return found(c, one, await done(c, one, asked));
      if (!/^[\x21-\x7e]{1,255}$/.test(key))
        throw new QuestionProblem(400, 'BAD_KEY', 'an Idempotency-Key has 1 to 255 visible characters');
      const question = `${c.req.path}\n${new URL(c.req.url).search}\n${text}`;
      const attempt = () => done(c, one, asked).catch((error) => refusedAnswer(c, site, error, acting, one));
      const kept = await idempotency.once({ asker: caller.asker, operation: one.id, key }, question, attempt);
      if (kept.again) c.header('idempotent-replayed', 'true');
      return found(c, one, kept);
    } catch (error) {
      await noteRefusal(acting, error, one.id);
      throw error;
    }
  };
}

/**
 * Who asks, where they may ask for this at all. Whoever is known and may not is in the trail. What is refused here is limited by address: who
 * guesses keys or names waits, and fills no trail; who shares that address and is known does not wait for them.
 */
async function allowed(c: Ask, site: ApiSite, one: Operation, strangers: Strangers): Promise<Caller> {
  const [authorization, onBehalfOf] = [c.req.header('authorization'), c.req.header('on-behalf-of')];
  try {
    const caller = await callerOf(site, { authorization, onBehalfOf });
    if (caller.actions === undefined || caller.actions.has(one.id)) return caller;
    throw new RefusedCaller(`${caller.via} may not ask for ${one.id}: its actions are named in the configuration`, {
      code: 'SERVICE_ACTION',
      actor: `person:${caller.identifier}`,
      via: caller.via,
    });
  } catch (error) {
    const wait = problemOf(error).ours ? undefined : strangers(c); // not for what is away here
    if (wait !== undefined) throw tooMany(wait);
    if (error instanceof RefusedCaller) await site.noteRefused(error.writer, one.id);
    throw error;
  }
}

/** By asker; the same for a session's pages. Seconds to wait. */
function spending(clock: () => number): (caller: Caller, one: Operation) => number | undefined {
  const limits = {
    session: rateLimit(RATES.session, clock),
    change: rateLimit(RATES.change, clock),
    search: rateLimit(RATES.search, clock),
  };
  return ({ asker }, { id, method }) => {
    const kind = method === 'get' ? (id === 'searchPeople' ? 'search' : undefined) : 'change';
    return limits.session.spend(asker) ?? (kind && limits[kind].spend(asker));
  };
}

/** Whoever only looks changes nothing; a person who is nobody here acts as nobody. */
async function actingOf(site: ApiSite, caller: Caller, one: Operation, as: string | undefined): Promise<Acting> {
  const { identifier, roles, via } = caller;
  try {
    const actor: Actor = one.as.length === 0 ? { kind: 'delegate', identifier: '' } : actorOf(caller, one.as, as);
    if (actor.kind === 'admin' && roles.admin === 'reads' && one.method !== 'get') {
      const why = `${actorName(actor)} sees what administrators see, and changes nothing`;
      throw new QuestionProblem(403, 'MANDAT_ACTOR', why, { fault: 'reads' });
    }
    const acting = site.actingAs(actor, via);
    return actor.kind === 'admin' && roles.admin === 'reads' ? reading(acting) : acting;
  } catch (error) {
    if (error instanceof QuestionProblem && error.status === 403)
      await site.noteRefused({ actor: `person:${identifier}`, via }, one.id);
    throw error;
  }
}

/** What is answered, before whoever asks is told of it. */
async function done(c: Ask, one: Operation, asked: Parameters<Operation['run']>[0]): Promise<ApiAnswer> {
  const ifMatch = c.req.header('if-match');
  if (ifMatch !== undefined && one.current !== undefined) {
    const now = await one.current(asked).catch((error) => {
      if (failureOf(error).code === 'absent') return undefined;
      throw error;
    });
    mustMatch(ifMatch, now === undefined ? undefined : etagOf(jsonOf(now)));
  }
  const body = await one.run(asked);
  const location = one.location?.(body);
  return {
    status: one.status,
    body: jsonOf(body),
    headers: location === undefined ? {} : { location: `/api/v1${location}` },
  };
}

function found(c: Ask, { method }: Operation, { status, body, headers }: ApiAnswer): Response {
  for (const [name, value] of Object.entries(headers)) c.header(name, value);
  c.header('vary', 'Accept-Language');
  if (method === 'get' && status === 200) {
    const etag = etagOf(body);
    c.header('etag', etag);
    if (isKnown(c.req.header('if-none-match'), etag)) return c.body(null, 304);
  }
  return c.body(body, status as 200, { 'content-type': status >= 400 ? PROBLEM_TYPE : 'application/json' });
}

/** A refusal is an answer too: a request that is sent twice hears it twice. */
async function refusedAnswer(
  c: Ask,
  site: ApiSite,
  error: unknown,
  acting: Acting,
  { id }: Operation,
): Promise<ApiAnswer> {
  await noteRefusal(acting, error, id);
  const told = problemOf(error);
  if (told.ours) logProblem(site.log, error, id);
  return spoken(c, told);
}
