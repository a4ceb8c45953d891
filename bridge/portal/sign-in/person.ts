/**
 * Who somebody is, by what the identity provider has said of them: the identifier of the delegation table, or why they can't come in. R8; Pro
 * Santé Connect: key on SubjectNameID, never on a mail address, and only where it starts with 8.
 */
import { readRpps } from '../../../acl/rpps.ts';
import type { Config } from '../../../config/schema.ts';
import type { PortalSettings } from './provider.ts';

export type Refusal =
  /** The token is another service's: azp isn't on the list. */
  | 'another-client'
  /** They have not signed in as strongly as is asked. */
  | 'acr'
  /** The claim that identifies isn't there, or no text. */
  | 'no-identifier'
  /** No national identifier of a health professional: a structure's, a student's, a mail address. */
  | 'not-rpps';

export interface Person {
  readonly identifier: string;
  readonly name: string | null;
  readonly groups: readonly string[];
  /** The provider's name for them, and for their session there; for its word that the session has ended. */
  readonly subject: string;
  readonly providerSession: string | null;
  /** How they signed in, as far as the provider says it. */
  readonly acr: string | null;
}

export type Reading = { readonly ok: true; readonly person: Person } | { readonly ok: false; readonly why: Refusal };

type Claims = Readonly<Record<string, unknown>>;

/** `token`: the claims of the token itself, which alone say for whom and how; `claims`: with those of userinfo. */
export function personOf(
  { token, claims }: { readonly token: Claims; readonly claims: Claims },
  settings: PortalSettings,
  identity: Config['identity'],
): Reading {
  const fault = tokenFault(token, [settings.clientId], settings);
  if (fault !== undefined) return { ok: false, why: fault };
  return identified(claims, settings, identity);
}

/** What is wrong with a token that is signed and in time: made for another client, or for somebody who has signed in too weakly. */
export function tokenFault(
  token: Claims,
  clients: readonly string[],
  { acrValues }: Pick<PortalSettings, 'acrValues'>,
): 'another-client' | 'acr' | undefined {
  const { azp, acr } = token;
  if (azp !== undefined && !(typeof azp === 'string' && clients.includes(azp))) return 'another-client';
  if (acrValues !== undefined && !(typeof acr === 'string' && acrValues.split(' ').includes(acr))) return 'acr';
  return undefined;
}

/** The person behind claims whose token is in order. */
export function identified(claims: Claims, settings: PortalSettings, identity: Config['identity']): Reading {
  const claimed = claims[settings.identifierClaim];
  if (typeof claimed !== 'string' || claimed === '' || claimed.length > 254) return { ok: false, why: 'no-identifier' };
  const identifier = identity.scheme === 'rpps' ? nationalIdentifier(claimed, identity) : loginOf(claimed);
  if (identifier === undefined) return { ok: false, why: identity.scheme === 'rpps' ? 'not-rpps' : 'no-identifier' };
  return {
    ok: true,
    person: {
      identifier,
      name: nameOf(claims),
      groups: groupsOf(claims[settings.groupsClaim]),
      subject: text(claims.sub) ?? '',
      providerSession: text(claims.sid),
      acr: text(claims.acr),
    },
  };
}

/** Twelve digits, as they are: a provider doesn't mistype. */
function nationalIdentifier(claimed: string, settings: Config['identity']): string | undefined {
  if (!/^8\d{11}$/.test(claimed)) return undefined;
  const reading = readRpps(claimed, { ...settings, strict: false });
  return reading.ok ? reading.identifier : undefined;
}

/** As the table has logins: lower-case ASCII. */
function loginOf(claimed: string): string | undefined {
  const login = claimed.toLowerCase();
  return /^[a-z0-9._@+-]+$/.test(login) ? login : undefined;
}

function nameOf({ given_name, family_name, name }: Claims): string | null {
  const parts = [text(given_name), text(family_name)].filter((part) => part !== null);
  return parts.length > 0 ? parts.join(' ') : text(name);
}

/** A list of names, or one. Keycloak writes a group as its path. */
function groupsOf(claimed: unknown): readonly string[] {
  return [claimed]
    .flat()
    .filter((one): one is string => typeof one === 'string')
    .map((one) => one.replace(/^\//, ''));
}

const LONGEST_TEXT = 200;

function text(value: unknown): string | null {
  return typeof value === 'string' && value.trim() !== '' ? value.trim().slice(0, LONGEST_TEXT) : null;
}
