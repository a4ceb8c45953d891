/** The HTTP API, below /api/v1. Nobody has signed in here: each request brings a token of its own. */
import type { Context, Hono } from 'hono';
import type * as z from 'zod';
import { type Actor, actorName } from '../../../acl/actor.ts';
import { noteRefusal } from '../../acting/refusals.ts';
import type { Acting } from '../../acting/site.ts';
import { failureOf } from '../../shared/failure.ts';
import { escapedJson } from '../../shared/harmless-text.ts';
import type { ApiSite, PortalEnv } from '../context.ts';
import { actorOf, type Caller, callerOf } from './callers.ts';
import { etagOf, isKnown, mustMatch } from './etag.ts';
import { type Idempotency, type KeptAnswer, openIdempotency } from './idempotency.ts';
import { openApi } from './openapi.ts';
import type { Operation } from './operation.ts';
import { OPERATIONS } from './operations.ts';
import { PROBLEM_TYPE, problemOf, QuestionProblem } from './problem.ts';

type Ask = Context<PortalEnv>;

/** `app`: mounted at /api/v1; before it only what keeps every request in bounds, no cookie and no form's token. */
export function mountApi(app: Hono<PortalEnv>, site: ApiSite): void {
  const idempotency = openIdempotency(() => site.now().getTime());
  app.use(async (c, next) => {
    await next();
    c.header('cache-control', 'no-store'); // what is personal stays with whoever asked
  });
  app.get('/openapi.json', (c) => sent(c, 200, JSON.stringify(openApi())));
  for (const one of OPERATIONS) {
    app.on(one.method.toUpperCase(), one.path.replace(/\{(\w+)\}/g, ':$1'), (c) => answer(c, one, site, idempotency));
  }
  // Not app.notFound, which is the whole portal's: there it would lead to the sign-in.
  app.all('*', (c) =>
    told(c, site, new QuestionProblem(404, 'NO_SUCH_PLACE', 'there is nothing here: see openapi.json')),
  );
  app.onError((error, c) => told(c, site, error));
}

async function answer(c: Ask, one: Operation, site: ApiSite, idempotency: Idempotency): Promise<Response> {
  const caller = await callerOf(site, c.req.header('authorization'));
  const { as, ...query } = c.req.query();
  const acting = actingOf(site, caller, one, as);
  try {
    const text = one.body === undefined ? '' : await bodyOf(c);
    const asked = {
      acting,
      caller,
      params: checked(one.params, c.req.param(), 'path'),
      query: checked(one.query, query, 'query'),
      body: one.body === undefined ? undefined : checked(one.body, parsed(text), 'body'),
    };
    const key = c.req.header('idempotency-key');
    if (one.method !== 'post' || key === undefined) return found(c, one, await done(c, one, asked));
    if (!/^[\x21-\x7e]{1,255}$/.test(key))
      throw new QuestionProblem(400, 'BAD_KEY', 'an Idempotency-Key has 1 to 255 visible characters');
    const question = `${c.req.path}\n${new URL(c.req.url).search}\n${text}`;
    const attempt = () => done(c, one, asked).catch((error) => refusedAnswer(site, error, acting, one));
    const kept = await idempotency.once({ asker: caller.asker, operation: one.id, key }, question, attempt);
    if (kept.again) c.header('idempotent-replayed', 'true');
    return found(c, one, kept);
  } catch (error) {
    await noteRefusal(acting, error, one.id);
    throw error;
  }
}

/** Whoever only looks changes nothing; a person who is nobody here acts as nobody. */
function actingOf(site: ApiSite, caller: Caller, one: Operation, as: string | undefined): Acting {
  const actor: Actor = one.as.length === 0 ? { kind: 'delegate', identifier: '' } : actorOf(caller, one.as, as);
  if (actor.kind === 'admin' && caller.roles.admin === 'reads' && one.method !== 'get') {
    throw new QuestionProblem(
      403,
      'MANDAT_ACTOR',
      `${actorName(actor)} sees what administrators see, and changes nothing`,
    );
  }
  return site.actingAs(actor, caller.via);
}

/** What is answered, before whoever asks is told of it. */
async function done(c: Ask, one: Operation, asked: Parameters<Operation['run']>[0]): Promise<KeptAnswer> {
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

const jsonOf = (document: unknown) => escapedJson(JSON.stringify(document));

function found(c: Ask, { method }: Operation, { status, body, headers }: KeptAnswer): Response {
  for (const [name, value] of Object.entries(headers)) c.header(name, value);
  if (method !== 'get' || status !== 200) return sent(c, status, body);
  const etag = etagOf(body);
  c.header('etag', etag);
  return isKnown(c.req.header('if-none-match'), etag) ? c.body(null, 304) : sent(c, status, body);
}

function sent(c: Ask, status: number, body: string): Response {
  return c.body(body, status as 200, { 'content-type': status >= 400 ? PROBLEM_TYPE : 'application/json' });
}

/** A refusal is an answer too: a request that is sent twice hears it twice. */
async function refusedAnswer(site: ApiSite, error: unknown, acting: Acting, { id }: Operation): Promise<KeptAnswer> {
  const { problem, headers, ours } = problemOf(error);
  await noteRefusal(acting, error, id);
  if (ours) logged(site, error, id);
  return { status: problem.status, body: jsonOf(problem), headers };
}

function told(c: Ask, site: ApiSite, error: unknown): Response {
  const { problem, headers, ours } = problemOf(error);
  if (ours) logged(site, error, c.req.routePath);
  for (const [name, value] of Object.entries(headers)) c.header(name, value);
  return sent(c, problem.status, jsonOf(problem));
}

function logged({ log }: ApiSite, error: unknown, operation: string): void {
  const { code, rule, message } = failureOf(error);
  log.error({ code, rule, operation, reason: message }, 'a request could not be answered');
}

async function bodyOf(c: Ask): Promise<string> {
  const type = c.req.header('content-type') ?? '';
  if (!/^application\/json(; *charset="?utf-8"?)?$/i.test(type)) {
    throw new QuestionProblem(415, 'NOT_JSON', 'what is sent is application/json, in UTF-8');
  }
  return c.req.text();
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new QuestionProblem(400, 'NOT_JSON', 'what was sent is no JSON');
  }
}

/** What is wrong with it, all at once; what was sent isn't repeated. */
function checked<Schema extends z.ZodType>(schema: Schema, given: unknown, where: string): z.output<Schema> {
  const read = schema.safeParse(given);
  if (read.success) return read.data;
  const errors = read.error.issues
    .slice(0, 20)
    .map(({ path, message }) => ({ at: [where, ...path.map(String)].join('.'), message }));
  throw new QuestionProblem(422, 'BAD_QUESTION', 'what was asked is not as openapi.json says', { errors });
}
