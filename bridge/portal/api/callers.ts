/**
 * Who asks: a person, by a token of the site's identity provider (RFC 6750, RFC 9068); or a service of the site for a person whom it names, by
 * its key. Nothing is believed of a request beside that: no cookie, no session.
 */
import type { Actor } from '../../../acl/actor.ts';
import type { Config } from '../../../config/schema.ts';
import type { Roles } from '../context.ts';
import { identified, tokenFault } from '../sign-in/person.ts';
import type { PortalSettings, Provider } from '../sign-in/provider.ts';
import { QuestionProblem } from './problem.ts';
import type { Service, Services } from './services.ts';

export interface Caller {
  /** For rate limits and Idempotency-Keys: each asker's own. */
  readonly asker: string;
  /** How it stands in the trail: `api:CLIENT`, `service:NAME`. */
  readonly via: string;
  /** What may be asked for; undefined: anything that the person may. */
  readonly actions: ReadonlySet<string> | undefined;
  readonly identifier: string;
  readonly name: string | null;
  readonly roles: Roles;
}

export interface CallersSite {
  readonly settings: PortalSettings;
  readonly identity: Config['identity'];
  readonly provider: Pick<Provider, 'verified'>;
  readonly services: Services;
  /** Identifiers of whoever that may be: see peopleNamed. */
  peopleNamed(typed: string): Promise<readonly string[]>;
  rolesOf(person: { readonly identifier: string; readonly groups: readonly string[] }): Promise<Roles>;
}

/** Longer than any token that providers give; octets. */
const LONGEST_TOKEN = 8192;

export interface Credentials {
  readonly authorization: string | undefined;
  /** For whom a service asks. */
  readonly onBehalfOf: string | undefined;
}

/** Fails 401, and says by which scheme to ask; 403 for one that is in order and for nobody of this site. */
export async function callerOf(site: CallersSite, { authorization, onBehalfOf }: Credentials): Promise<Caller> {
  const [, token] = /^Bearer +([A-Za-z0-9\-._~+/]+=*)$/i.exec(authorization ?? '') ?? [];
  if (token === undefined || token.length > LONGEST_TOKEN) {
    throw unauthorised(
      'a request brings a token: "Authorization: Bearer TOKEN"',
      'none',
      authorization === undefined ? undefined : 'invalid_request',
    );
  }
  const service = site.services.withKey(token);
  if (service !== undefined) return personFor(site, service, onBehalfOf);
  if (token.split('.').length !== 3) throw unauthorised('this key is not known here', 'unknown-key', 'invalid_token');
  if (onBehalfOf !== undefined) {
    throw new QuestionProblem(
      400,
      'ON_WHOSE_BEHALF',
      'whoever has a token asks for themselves: leave On-Behalf-Of out',
    );
  }
  return personBehind(site, token);
}

/** The service has signed them in; what they may do is the table's to say. Never an administrator: no table has those. */
async function personFor(site: CallersSite, { name, actions }: Service, named: string | undefined): Promise<Caller> {
  if (named === undefined || !/^[!-~]{1,254}$/.test(named)) {
    throw new QuestionProblem(
      400,
      'ON_WHOSE_BEHALF',
      'a service says for whom it asks: "On-Behalf-Of: IDENTIFIER", or their login',
    );
  }
  const [identifier, ...others] = await site.peopleNamed(named);
  const via = `service:${name}`;
  if (identifier === undefined || others.length > 0) {
    const why = identifier === undefined ? 'nobody of this site has that name' : 'several people have that name';
    const fault = identifier === undefined ? 'unknown' : 'several';
    throw new RefusedCaller(`${why}: a service asks for an owner or a delegate`, { actor: via, via, fault });
  }
  const roles = await site.rolesOf({ identifier, groups: [] });
  return { asker: `${via}:${identifier}`, via, actions, identifier, name: null, roles };
}

/** Known, and not let any further: it is noted. */
export class RefusedCaller extends QuestionProblem {
  readonly writer: { readonly actor: string; readonly via: string };

  constructor(
    detail: string,
    {
      code = 'MANDAT_ACTOR',
      fault,
      ...writer
    }: RefusedCaller['writer'] & { readonly code?: string; readonly fault?: string },
  ) {
    super(403, code, detail, { fault });
    this.writer = writer;
  }
}

async function personBehind({ settings, identity, provider, rolesOf }: CallersSite, token: string): Promise<Caller> {
  const { clientId, clients } = settings;
  const claims = await provider.verified(token, { audience: [clientId, settings.audience ?? settings.url] });
  if (!isAccessToken(token, claims)) {
    throw unauthorised('this is no access token: it was made for another purpose', 'purpose', 'invalid_token');
  }
  const azp = claims.azp ?? claims.client_id;
  const fault =
    typeof azp === 'string' ? tokenFault({ ...claims, azp }, [clientId, ...clients], settings) : 'another-client';
  if (fault === 'another-client')
    throw unauthorised('this token was given to another client', 'client', 'invalid_token');
  if (fault === 'acr') throw insufficient(settings.acrValues ?? '');
  const read = identified(claims, settings, identity);
  if (!read.ok)
    throw unauthorised(`nobody of this site is named in this token (${read.why})`, 'nobody', 'invalid_token');
  const { identifier, name } = read.person;
  return {
    asker: `person:${identifier}`,
    via: `api:${String(azp).slice(0, 64)}`,
    actions: undefined,
    identifier,
    name,
    roles: await rolesOf(read.person),
  };
}

/**
 * RFC 9068 section 4: `at+jwt`. Keycloak, and Pro Santé Connect with it, write `typ: Bearer` among the claims instead. An ID token is neither:
 * whoever has one may not act with it.
 */
function isAccessToken(token: string, claims: Readonly<Record<string, unknown>>): boolean {
  const header = JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString('utf8')) as { typ?: unknown };
  const typ = typeof header.typ === 'string' ? header.typ.toLowerCase().replace(/^application\//, '') : '';
  return typ === 'at+jwt' || (claims.typ === 'Bearer' && claims.nonce === undefined);
}

function unauthorised(detail: string, fault: string, error?: string): QuestionProblem {
  const challenge = error === undefined ? 'Bearer realm="mandat"' : `Bearer realm="mandat", error="${error}"`;
  return new QuestionProblem(401, 'MANDAT_TOKEN', detail, { fault, headers: { 'www-authenticate': challenge } });
}

/** RFC 9470 section 3: sign in more strongly, and come again. */
function insufficient(acr: string): QuestionProblem {
  const challenge = `Bearer realm="mandat", error="insufficient_user_authentication", acr_values="${acr}"`;
  return new QuestionProblem(401, 'MANDAT_TOKEN', 'whoever this token is for has not signed in strongly enough', {
    fault: 'acr',
    headers: { 'www-authenticate': challenge },
  });
}

/** Whose rules count: those of an owner, of a delegate for their account, of an administrator. */
export type Capacity = Actor['kind'];

/** As whom somebody acts: what they choose of what they are (`as=admin`); without a word the first of `usual` that they are. Fails 403, 422. */
export function actorOf({ identifier, roles }: Caller, usual: readonly Capacity[], as: string | undefined): Actor {
  const is: Readonly<Record<Capacity, boolean>> = {
    owner: roles.owner,
    delegate: roles.delegate,
    admin: roles.admin !== 'none',
  };
  if (as !== undefined && !['owner', 'delegate', 'admin'].includes(as)) {
    throw new QuestionProblem(422, 'WHO_ACTS', 'as is one of owner, delegate, admin');
  }
  const kind = as === undefined ? usual.find((one) => is[one]) : (as as Capacity);
  if (kind === undefined || !is[kind]) {
    const asked = (kind === undefined ? usual : [kind]).map((one) => (one === 'admin' ? 'administrator' : one));
    throw new QuestionProblem(403, 'MANDAT_ACTOR', `this is for another than whoever asks: ${asked.join(', ')}`);
  }
  return kind === 'admin' ? { kind, name: identifier } : { kind, identifier };
}
