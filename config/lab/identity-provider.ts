/**
 * A real OpenID Connect provider on loopback (oidc-provider), whose people and their claims are the test's: Pro Santé Connect's, or anybody's.
 * Signing in there is a page with a button for each person; nobody is asked for a password.
 */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from 'jose';
import { Provider } from 'oidc-provider';
import { type LabClaims, signingInPage } from './identity-provider-page.ts';
import { tampered } from './identity-provider-tampering.ts';

export interface LabClient {
  readonly id: string;
  /** Left out: a public client. */
  readonly secret?: string;
  /** Where it is; left out, one that asks for tokens by itself (client credentials). */
  readonly url?: string;
}

export interface IdentityProvider {
  readonly issuer: string;
  /** Who can sign in, by `sub`. Changed at once. */
  readonly people: Map<string, LabClaims>;
  /** Signs with a new key from now on; the old one is published no more. */
  rotateKeys(): Promise<void>;
  /** A token of this provider's, with whatever claims: `iss`, `iat` and `exp` are given where they are left out. */
  sign(claims: JWTPayload, header?: { readonly typ?: string; readonly key?: CryptoKey }): Promise<string>;
  /** What becomes of the claims of each ID token before it is signed; undefined: nothing. */
  tamper: ((claims: JWTPayload) => JWTPayload) | undefined;
  /** What it answers at a path, and not what it would; undefined: nothing. */
  readonly refusing: Map<string, number>;
  stop(): Promise<void>;
}

export interface LabProviderOptions {
  readonly clients: readonly LabClient[];
  readonly people: Readonly<Record<string, LabClaims>>;
  /** Default: any free one. */
  readonly port?: number;
  /** Shown to a browser by another host name than 127.0.0.1, which is where it listens. */
  readonly host?: string;
}

const SESSION_SECONDS = 14_400;
const CLAIMS = ['SubjectNameID', 'preferred_username', 'given_name', 'family_name', 'name', 'groups', 'email'] as const;

export async function startIdentityProvider(options: LabProviderOptions): Promise<IdentityProvider> {
  const server = http.createServer();
  await new Promise<void>((done, failed) => {
    server.once('error', failed).listen(options.port ?? 0, '127.0.0.1', () => done());
  });
  const { port } = server.address() as AddressInfo;
  const issuer = `http://${options.host ?? '127.0.0.1'}:${port}`;
  const people = new Map(Object.entries(options.people));
  const clients = options.clients.map(metadata);
  let keys = await makeKeys();
  let provider = make(issuer, clients, keys.published, people);
  const lab: IdentityProvider = {
    issuer,
    people,
    tamper: undefined,
    refusing: new Map(),
    rotateKeys: async () => {
      keys = await makeKeys();
      provider = make(issuer, clients, keys.published, people);
    },
    sign: (claims, header = {}) => {
      const now = Math.floor(Date.now() / 1000);
      return new SignJWT({ iss: issuer, iat: now, exp: now + 300, ...claims })
        .setProtectedHeader({ alg: 'RS256', kid: keys.kid, typ: header.typ ?? 'JWT' })
        .sign(header.key ?? keys.secret);
    },
    stop: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
  server.on('request', (request, response) => {
    const { pathname } = new URL(request.url ?? '/', issuer);
    const refused = lab.refusing.get(pathname);
    if (refused !== undefined) return void response.writeHead(refused).end('{}');
    if (pathname.startsWith('/interaction/')) return void signingInPage(provider, people, request, response);
    const { tamper } = lab;
    if (pathname === '/token' && tamper !== undefined) tampered(response, tamper, (claims) => lab.sign(claims));
    return void provider.callback()(request, response);
  });
  return lab;
}

function metadata({ id, secret, url }: LabClient) {
  const base = {
    client_id: id,
    ...(secret === undefined ? { token_endpoint_auth_method: 'none' } : { client_secret: secret }),
  };
  if (url === undefined) {
    return { ...base, grant_types: ['client_credentials'], redirect_uris: [], response_types: [] };
  }
  return {
    ...base,
    grant_types: ['authorization_code'],
    redirect_uris: [`${url}/sign-in/back`],
    post_logout_redirect_uris: [`${url}/signed-out`],
    backchannel_logout_uri: `${url}/back-channel-logout`,
    backchannel_logout_session_required: true,
  };
}

interface Keys {
  readonly kid: string;
  readonly secret: CryptoKey;
  readonly published: JWK;
}

async function makeKeys(): Promise<Keys> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const kid = `lab-${Date.now()}-${Math.random().toString(36).slice(2)}`;
  return { kid, secret: privateKey, published: { ...(await exportJWK(privateKey)), kid, use: 'sig', alg: 'RS256' } };
}

function make(issuer: string, clients: readonly object[], key: JWK, people: Map<string, LabClaims>): Provider {
  const provider: Provider = new Provider(issuer, {
    clients,
    jwks: { keys: [key] },
    cookies: { keys: ['lab'] },
    acrValues: ['eidas1', 'eidas2', 'password'],
    claims: { acr: null, sid: null, auth_time: null, openid: ['sub'], profile: [...CLAIMS], scope_all: [...CLAIMS] },
    scopes: ['openid', 'offline_access', 'profile', 'scope_all'],
    ttl: { Session: SESSION_SECONDS, Grant: SESSION_SECONDS, Interaction: 600, AccessToken: 120, IdToken: 120 },
    findAccount: (_: unknown, sub: string) => {
      const claims = people.get(sub);
      if (claims === undefined) return undefined;
      const { acr: _acr, ...said } = claims;
      return { accountId: sub, claims: () => ({ sub, ...said }) };
    },
    interactions: { url: (_: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    // What is asked for is granted: consent is no question of this lab's.
    loadExistingGrant: async ({ oidc }: { oidc: GrantAsked }) => {
      const grant = new provider.Grant({ accountId: oidc.session.accountId, clientId: oidc.client.clientId });
      grant.addOIDCScope('openid profile scope_all');
      for (const resource of [oidc.params.resource ?? []].flat()) grant.addResourceScope(resource, 'openid profile');
      await grant.save();
      return grant;
    },
    features: {
      devInteractions: { enabled: false },
      backchannelLogout: { enabled: true },
      clientCredentials: { enabled: true },
      introspection: { enabled: true },
      resourceIndicators: {
        enabled: true,
        useGrantedResource: () => true,
        getResourceServerInfo: (_: unknown, audience: string) => ({
          scope: 'openid profile',
          audience,
          accessTokenFormat: 'jwt',
        }),
      },
      rpInitiatedLogout: { enabled: true, logoutSource },
    },
    extraTokenClaims: (_: unknown, token: { accountId?: string; clientId?: string }) => ({
      azp: token.clientId,
      ...(token.accountId === undefined ? {} : people.get(token.accountId)),
    }),
    renderError,
  });
  return provider;
}

interface GrantAsked {
  readonly session: { readonly accountId: string };
  readonly client: { readonly clientId: string };
  readonly params: { readonly resource?: string | readonly string[] };
}

interface Answering {
  body: string;
  type: string;
}

function logoutSource(context: Answering, form: string): void {
  context.type = 'html';
  context.body = `<!doctype html><title>Sign out</title>${form}<button name="logout" value="yes" form="op.logoutForm">Sign out of the lab too</button>`;
}

function renderError(context: Answering, out: Readonly<Record<string, string>>): void {
  context.type = 'text';
  context.body = `${out.error}: ${out.error_description}`;
}
