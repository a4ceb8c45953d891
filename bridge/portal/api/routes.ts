/** The HTTP API, below /api/v1. Nobody has signed in here: each request brings a token or a key of its own. */
import type { Context, Hono, MiddlewareHandler } from 'hono';
import { type Strangers, tooMany } from '../bounds.ts';
import type { ApiSite, PortalEnv } from '../context.ts';
import { answering } from './answer.ts';
import { openApi } from './openapi.ts';
import { OPERATIONS } from './operations.ts';
import { QuestionProblem } from './problem.ts';
import { tell } from './tell.ts';

type Ask = Context<PortalEnv>;

/** `app`: mounted at /api/v1; before it only what keeps every request in bounds, no cookie and no form's token. */
export function mountApi(app: Hono<PortalEnv>, site: ApiSite, strangers: Strangers): void {
  const answer = answering(site, strangers);
  app.use(async (c, next) => {
    await next();
    c.header('cache-control', 'no-store'); // what is personal stays with whoever asked
  });
  app.get('/openapi.json', seldom(strangers), (c) =>
    c.body(JSON.stringify(openApi()), 200, { 'content-type': 'application/json' }),
  );
  const methods = new Map<string, string[]>([['/openapi.json', ['GET']]]);
  for (const one of OPERATIONS) {
    const [method, path] = [one.method.toUpperCase(), one.path.replace(/\{(\w+)\}/g, ':$1')];
    app.on(method, path, (c) => answer(c, one));
    methods.set(path, [...(methods.get(path) ?? []), method]);
  }
  for (const [path, known] of methods) app.all(path, seldom(strangers), (c) => otherMethod(c, known));
  // Not app.notFound, which is the whole portal's: there it would lead to the sign-in.
  app.all('*', seldom(strangers), nothingHere);
  app.onError((error, c) => tell(c, error, site.log));
}

/** HEAD is answered as GET is, without a body. */
function otherMethod(c: Ask, known: readonly string[]): Response {
  const allow = [...known, ...(known.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
  if (c.req.method === 'OPTIONS') return c.body(null, 204, { allow }); // and no word on other origins: their pages get none
  return tell(c, new QuestionProblem(405, 'NO_SUCH_METHOD', `here one asks by ${allow}`, { headers: { allow } }));
}

const nothingHere = (c: Ask) =>
  tell(c, new QuestionProblem(404, 'NO_SUCH_PLACE', 'there is nothing here: see /api/v1/openapi.json'));

/** Of another version. */
export function nothingElse(app: Hono<PortalEnv>, strangers: Strangers): void {
  for (const path of ['/api', '/api/*']) app.all(path, seldom(strangers), nothingHere);
}

/** Where nobody is asked who they are. */
const seldom =
  (strangers: Strangers): MiddlewareHandler<PortalEnv> =>
  async (c, next) => {
    const wait = strangers(c);
    return wait === undefined ? next() : tell(c, tooMany(wait));
  };
