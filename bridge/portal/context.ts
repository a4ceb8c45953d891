/** What every route of the portal finds in its context, and what it is given when it is mounted. */
import type { Logger } from 'pino';
import type { Actor } from '../../acl/actor.ts';
import type { Config } from '../../config/schema.ts';
import type { Acting, Site } from '../acting/site.ts';
import type { Services } from './api/services.ts';
import type { PortalSettings, Provider } from './sign-in/provider.ts';

export type Language = 'fr' | 'en';

/** What a person may be here; several at once. `reads`: an administrator who looks and changes nothing. */
export interface Roles {
  readonly owner: boolean;
  readonly delegate: boolean;
  readonly admin: 'none' | 'reads' | 'acts';
}

/** Somebody who has signed in, as the identity provider and the table know them. */
export interface SignedIn {
  /** As the table has it: what owns a mailbox, or is a delegate. */
  readonly identifier: string;
  /** What the identity provider calls them; others' words, to be escaped. */
  readonly name: string | null;
  readonly roles: Roles;
  /** A short public name of the session, as in the trail; no secret, it opens nothing. */
  readonly session: string;
}

export type PortalEnv = {
  Variables: {
    /** Behind the sign-in only. */
    person: SignedIn;
    language: Language;
    /** For the hidden field `csrf` of every form. */
    csrf: string;
    /** Whose address the request comes from, as the reverse proxies say. */
    address: string;
    /** As whom they act: `{ kind: 'owner', identifier: person.identifier }` and the like. The trail gets `via portal:SESSION`. */
    acting(actor: Actor): Acting;
  };
};

/** What page and api routes are given when they are mounted. */
export interface PortalSite {
  /** As whom, and by which way, for the trail: `portal:SESSION`, `api:CLIENT`. */
  actingAs(actor: Actor, via: string): Acting;
  readonly log: Logger;
  now(): Date;
}

/** What the API needs beside that: its askers bring tokens. */
export interface ApiSite extends PortalSite {
  readonly settings: PortalSettings;
  readonly identity: Config['identity'];
  readonly provider: Provider;
  readonly services: Services;
  /** What is mandat's own: what was answered to a request that may be sent again. */
  readonly state: Site['state'];
  /** Milliseconds. */
  readonly clock: () => number;
  /** Whom a service means; identifiers of the table. */
  peopleNamed(typed: string): Promise<readonly string[]>;
  /** Notes in the trail who asked for what they may not. */
  noteRefused(writer: { readonly actor: string; readonly via: string }, operation: string): Promise<void>;
  /** What somebody may be here now. */
  rolesOf(person: { readonly identifier: string; readonly groups: readonly string[] }): Promise<Roles>;
}
