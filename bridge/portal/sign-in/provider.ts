/**
 * The OpenID Connect provider: where somebody is sent to say who they are, and what it answers. OpenID Connect Core 1.0, RFC 6749, RFC 7636
 * (PKCE), RFC 9207. It is asked when it is needed, so that a provider that is down keeps nobody's portal from starting.
 */
import { createRemoteJWKSet, errors, type JWTPayload, jwtVerify } from 'jose';
import * as client from 'openid-client';
import type { Config } from '../../../config/schema.ts';
import { OIDC_SECRET } from '../../../config/secret.ts';
import { keptSecret } from '../../configured/secrets.ts';
import { Failure } from '../../shared/failure.ts';

export type PortalSettings = NonNullable<Config['portal']>;

/** What only the browser that began may finish with. */
export interface Begun {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
}

/** What the provider has said, its signature and its addressee checked. */
export interface Answered {
  /** Of the ID token. */
  readonly token: Readonly<Record<string, unknown>>;
  /** Of the ID token and of its userinfo; the token's win. */
  readonly claims: Readonly<Record<string, unknown>>;
  /** Shown again at the sign-out. */
  readonly idToken: string;
}

export interface Checks {
  readonly audience: readonly string[];
  /** RFC 8725 section 3.11: a token made for one purpose isn't taken for another. */
  readonly typ?: string;
}

export interface Provider {
  /** A fresh sign-in, and where to send the browser. */
  begin(): Promise<{ readonly begun: Begun; readonly url: URL }>;
  /** `back`: where the browser came back to, with all that it brought. Fails `refused`. */
  finish(back: URL, begun: Begun): Promise<Answered>;
  /** Where the provider's own session is ended; undefined where it has no such place, or doesn't answer. */
  signOutUrl(idToken: string, back: string): Promise<URL | undefined>;
  /** The claims of a token that the provider has signed, in time and for us. Fails `refused`. */
  verified(token: string, checks: Checks): Promise<JWTPayload>;
  /** Origins that a form's answer may lead to, as far as they are known. */
  origins(): readonly string[];
}

/** How long what it says of itself is believed. */
const METADATA_MS = 600_000;
/** How long one question to it may take; s. */
const PATIENCE_SECONDS = 10;
/** Keys are asked for anew at a token with an unknown one, but not more often. */
const KEYS_AGAIN_MS = 2_000;

export function openProvider(
  settings: PortalSettings,
  env: Readonly<Record<string, string | undefined>>,
  now: () => number = Date.now,
): Provider {
  const { issuer, clientId, clientAuthentication, clientSecretFile, clockSkewSeconds, url: here } = settings;
  const secret =
    clientAuthentication === 'none' ? undefined : keptSecret({ ...OIDC_SECRET, file: clientSecretFile, env });
  const redirectUri = new URL('/sign-in/back', here).href;
  let known: { readonly server: client.ServerMetadata; readonly at: number; readonly keys: Keys } | undefined;

  const authentication = () => {
    if (secret === undefined) return client.None();
    const word = secret.read();
    return clientAuthentication === 'client_secret_post'
      ? client.ClientSecretPost(word)
      : client.ClientSecretBasic(word);
  };
  const metadata = { [client.clockTolerance]: Math.max(1, clockSkewSeconds) };
  let asking: Promise<NonNullable<typeof known>> | undefined;
  const discovered = async () => {
    if (known !== undefined && now() - known.at < METADATA_MS) return known;
    asking ??= discovery().finally(() => {
      asking = undefined;
    });
    return asking; // one question for all who wait for it
  };
  const discovery = async () => {
    const configuration = await client.discovery(new URL(issuer), clientId, metadata, authentication(), {
      timeout: PATIENCE_SECONDS,
      execute: insecure(issuer),
    });
    const server = configuration.serverMetadata();
    known = { server, at: now(), keys: keysOf(server) };
    return known;
  };
  /** Each time a fresh one: it asks for the keys of now, so that keys may be changed at any time. */
  const configured = async () => {
    const { server } = await asked(discovered());
    const configuration = new client.Configuration(server, clientId, metadata, authentication());
    configuration.timeout = PATIENCE_SECONDS;
    for (const relax of insecure(issuer)) relax(configuration);
    client.enableNonRepudiationChecks(configuration);
    return configuration;
  };
  return {
    begin: async () => {
      const configuration = await configured();
      const begun = {
        state: client.randomState(),
        nonce: client.randomNonce(),
        verifier: client.randomPKCECodeVerifier(),
      };
      const url = client.buildAuthorizationUrl(configuration, {
        redirect_uri: redirectUri,
        scope: settings.scope,
        response_type: 'code',
        state: begun.state,
        nonce: begun.nonce,
        code_challenge: await client.calculatePKCECodeChallenge(begun.verifier),
        code_challenge_method: 'S256',
        ...(settings.acrValues === undefined ? {} : { acr_values: settings.acrValues }),
      });
      return { begun, url };
    },
    finish: async (back, { state, nonce, verifier }) => {
      const configuration = await configured();
      const url = new URL(redirectUri); // whatever a Host header said
      url.search = back.search;
      return asked(answerOf(configuration, url, { state, nonce, verifier }));
    },
    signOutUrl: async (idToken, back) => {
      try {
        const configuration = await configured();
        if (configuration.serverMetadata().end_session_endpoint === undefined) return undefined;
        return client.buildEndSessionUrl(configuration, { id_token_hint: idToken, post_logout_redirect_uri: back });
      } catch {
        return undefined; // ours has ended in any case
      }
    },
    verified: async (token, { audience, typ }) => {
      const { keys, server } = await asked(discovered());
      try {
        const { payload } = await jwtVerify(token, keys, {
          issuer: server.issuer,
          audience: [...audience],
          clockTolerance: clockSkewSeconds,
          requiredClaims: ['exp', 'iat'],
          algorithms: ['RS256', 'PS256', 'ES256', 'RS384', 'PS384', 'ES384', 'RS512', 'PS512', 'ES512', 'EdDSA'],
          ...(typ === undefined ? {} : { typ }),
        });
        return payload;
      } catch (cause) {
        throw tokenRefused(cause);
      }
    },
    origins: () => {
      const { authorization_endpoint, end_session_endpoint } = known?.server ?? {};
      const all = [issuer, authorization_endpoint, end_session_endpoint].filter((one) => one !== undefined);
      return [...new Set(all.map((one) => new URL(one).origin))];
    },
  };
}

type Keys = ReturnType<typeof createRemoteJWKSet>;

function keysOf({ jwks_uri: uri, issuer }: client.ServerMetadata): Keys {
  if (uri === undefined) throw new Failure('config', `${issuer} publishes no keys (jwks_uri)`, 'see [portal] issuer');
  return createRemoteJWKSet(new URL(uri), {
    cooldownDuration: KEYS_AGAIN_MS,
    timeoutDuration: PATIENCE_SECONDS * 1000,
  });
}

/** The configuration lets plain http in for this machine only. */
const insecure = (issuer: string) => (issuer.startsWith('http:') ? [client.allowInsecureRequests] : []);

async function answerOf(configuration: client.Configuration, url: URL, begun: Begun): Promise<Answered> {
  const tokens = await client.authorizationCodeGrant(configuration, url, {
    expectedState: begun.state,
    expectedNonce: begun.nonce,
    pkceCodeVerifier: begun.verifier,
    idTokenExpected: true,
  });
  const token = tokens.claims();
  if (token === undefined || tokens.id_token === undefined) throw new Error('there is no ID token in the answer');
  const said =
    configuration.serverMetadata().userinfo_endpoint === undefined
      ? {}
      : await client.fetchUserInfo(configuration, tokens.access_token, token.sub);
  return { token: { ...token }, claims: { ...said, ...token }, idToken: tokens.id_token };
}

/** What goes wrong there: an answer that isn't right is refused, one that doesn't come may come later. */
async function asked<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (cause instanceof Failure) throw cause;
    const why = reasonOf(cause);
    const away = isAway(cause);
    throw new Failure(
      away ? 'retry' : 'refused',
      away ? `the identity provider does not answer: ${why}` : `the identity provider's answer is refused: ${why}`,
      away ? 'try again in a moment' : 'sign in again',
      { cause, rule: away ? 'MANDAT_PROVIDER_AWAY' : 'MANDAT_SIGN_IN' },
    );
  }
}

function tokenRefused(cause: unknown): Failure {
  if (isAway(cause)) {
    return new Failure('retry', 'the identity provider does not answer', 'try again in a moment', {
      cause,
      rule: 'MANDAT_PROVIDER_AWAY',
    });
  }
  return new Failure('refused', `this token is refused: ${reasonOf(cause)}`, '', {
    cause,
    rule: 'MANDAT_TOKEN',
    fault: faultOfToken(cause),
  });
}

function faultOfToken(cause: unknown): 'expired' | 'claim' | 'signature' | undefined {
  if (cause instanceof errors.JWTExpired) return 'expired';
  if (cause instanceof errors.JWTClaimValidationFailed)
    return ['aud', 'iss'].includes(cause.claim) ? 'claim' : undefined;
  const forged = [errors.JWSSignatureVerificationFailed, errors.JWKSNoMatchingKey, errors.JOSEAlgNotAllowed];
  return forged.some((one) => cause instanceof one) ? 'signature' : undefined;
}

/** What `fetch` says of a server that isn't there, and what openid-client and jose say of one that answers 500 or nothing. */
function isAway(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false;
  if (cause instanceof TypeError && cause.message === 'fetch failed') return true;
  if (['TimeoutError', 'AbortError', 'JWKSTimeout'].includes(cause.name)) return true;
  const { code, status } = cause as { code?: string; status?: number };
  if (code === 'ERR_JWKS_TIMEOUT' || code === 'OAUTH_TIMEOUT' || code === 'OAUTH_RESPONSE_IS_NOT_CONFORM') return true;
  if (/expected 200 OK from the JSON Web Key Set/i.test(cause.message)) return true;
  if (typeof status === 'number' && status >= 500) return true;
  return cause.cause instanceof Error && isAway(cause.cause);
}

/** Without what somebody else has put in: codes and messages of the two libraries name claims, never values. */
function reasonOf(cause: unknown): string {
  if (cause instanceof client.AuthorizationResponseError) return `it says ${safeWord(cause.error)}`;
  if (cause instanceof client.ResponseBodyError) return `it says ${safeWord(cause.error)}`;
  if (!(cause instanceof Error)) return 'nobody knows why';
  return cause.message.slice(0, 200);
}

const safeWord = (word: string) => (/^[a-z_]{1,40}$/.test(word) ? word : 'an error');
