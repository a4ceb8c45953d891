/** The people's own screens: where they are, who lets people in, and who may do what there. */
import * as z from 'zod';
import { sessionsOrdered } from '../cross.ts';
import { docs, oneOrSeveral, sections, text, textList, whole } from '../fields.ts';
import { healthAddress, issuerUrl, path, portalUrl } from '../places.ts';
import { accountName, claimGroup, claimName, groupName, serviceName, words } from '../rules.ts';
import { SERVICE_ACTIONS } from './service-actions.ts';

/** Where it listens, and who starts it. */
const places = {
  listen: text(healthAddress)
    .default('127.0.0.1:8090')
    .register(docs, {
      comment: `Where the reverse proxy brings what people ask, over plain HTTP: a port of this machine, which every user of
it may ask, or a Unix socket (a path, or a name in runtime_dir such as portal.sock), which only group may.`,
      isSocket: true,
    }),
  group: text(groupName).default('www-data').register(docs, {
    comment: 'The Unix group that may connect to the socket: that of the reverse proxy.',
  }),
  url: text(portalUrl).register(docs, {
    comment: `How people reach it: https, a host of its own, no path. Whoever asks for another host is refused.`,
    example: 'https://delegations.example.org',
  }),
  process: z
    .enum(['child', 'unit'])
    .default('child')
    .register(docs, {
      comment: `Who starts it; it is a process of its own. "child": "mandat run" starts and watches it. "unit":
another does, as config/systemd/mandat-portal.service.`,
    }),
  proxies: whole(0, 5)
    .default(1)
    .register(docs, {
      comment: `How many reverse proxies stand before it: an asker's address, for the limits and the log, is the one so far
from the right in X-Forwarded-For. 0: none, whoever connects asks.`,
    }),
};

/** Who says who somebody is. */
const provider = {
  issuer: text(issuerUrl).register(docs, {
    comment: `The OpenID Connect provider that says who somebody is, as it names itself. Pro Santé Connect is one
(docs/portal.md).`,
    example: 'https://idp.example.org',
  }),
  client_id: text(accountName).register(docs, {
    comment: 'What this portal is called there.',
    example: 'mandat',
  }),
  client_secret_file: text(path).default('oidc.secret').register(docs, {
    comment: 'Holds the secret of this client on one line; mode 600. $MANDAT_OIDC_SECRET wins over it.',
    isPath: true,
  }),
  client_authentication: z
    .enum(['client_secret_basic', 'client_secret_post', 'none'])
    .default('client_secret_basic')
    .register(docs, {
      comment: `How it shows that secret there. "none": a public client, which has none; PKCE alone protects it.`,
    }),
  scope: text(words).default('openid profile').register(docs, {
    comment: `What is asked of the provider. Pro Santé Connect: "openid scope_all".`,
  }),
  acr_values: text(words)
    .optional()
    .register(docs, {
      comment: `How somebody must have signed in at least (acr): one of these words, asked for and looked for in the
answer. Pro Santé Connect: "eidas1".`,
      example: 'eidas1',
    }),
  identifier_claim: text(claimName)
    .default('SubjectNameID')
    .register(docs, {
      comment: `Which claim holds the identifier by which the delegation table knows a person: that of the owner, and of
the delegate. Elsewhere preferred_username, often.`,
    }),
  clients: textList(accountName)
    .default([])
    .register(docs, {
      comment: `Other clients (azp) of that provider whose tokens are taken by the HTTP API. This portal's own always are.
A token that another service was given is refused: whoever runs that service could act as its users.`,
    }),
  audience: text(accountName).optional().register(docs, {
    comment: `What the API's tokens must be made for (aud), beside client_id: left out, the url.`,
    example: 'https://delegations.example.org',
  }),
  clock_skew_seconds: whole(0, 300).default(30).register(docs, {
    comment: "How far the provider's clock may be off.",
  }),
};

/** Who administers, and for how long somebody stays in. */
const people = {
  admins: textList(claimGroup).default([]).register(docs, {
    comment: `Who administers: members of these groups, "group:NAME". Empty: nobody.`,
  }),
  readers: textList(claimGroup).default([]).register(docs, {
    comment: 'Who sees what administrators see, and changes nothing.',
  }),
  groups_claim: text(claimName).default('groups').register(docs, {
    comment: 'Which claim holds the names of the groups somebody is in.',
  }),
  session_minutes: whole(1, 1440).default(30).register(docs, {
    comment: 'After so long without a click one has to sign in again.',
  }),
  session_max_minutes: whole(1, 1440).default(240).register(docs, {
    comment: 'And after so long in any case.',
  }),
};

/** Programs of the site that ask the API without a person's token. */
const service = z.strictObject({
  key_file: text(path).register(docs, {
    comment: `Holds its key on one line, 32 characters or more ("openssl rand -base64 48"); mode 600.
$MANDAT_SERVICE_KEY_NAME wins over it, NAME in capitals, _ for -.`,
    example: 'roundcube.key',
    isPath: true,
  }),
  actions: oneOrSeveral(SERVICE_ACTIONS).register(docs, {
    comment: 'What it may ask for, by the names that docs/reference/portal-api.json has for it; nothing else.',
    example: ['listMailboxes', 'listMailboxDelegations', 'grantDelegation', 'revokeDelegation'],
  }),
});

const services = {
  services: sections(service, serviceName).register(docs, {
    comment: `A program of the site that has signed its users in itself, such as a webmail, and asks the HTTP API for
them with a key of its own: each request says on whose behalf; the trail names both (docs/portal-api.md).
It is trusted with every owner's and delegate's word, never with an administrator's. Each has a section of
its own, with a name.`,
    named: 'roundcube',
  }),
};

export const portal = z.strictObject({ ...places, ...provider, ...people, ...services }).check(sessionsOrdered);
