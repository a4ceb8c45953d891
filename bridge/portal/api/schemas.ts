/** What the API takes and answers, declared once: requests are checked by it, answers typed, openapi.json made of it. */
import * as z from 'zod';
import { DELEGATION_STATES } from '../../acting/delegation-states.ts';
import { PROGRESS_STATES } from '../../acting/progress.ts';
import { ODD_CHARACTER } from './errors.ts';

/** Schemas with a name of their own in openapi.json. */
export const NAMED = z.registry<{ id: string }>();

function named<Schema extends z.ZodType>(id: string, schema: Schema): Schema {
  NAMED.add(schema, { id });
  return schema;
}

/** Longer than any address or login may be: RFC 5321 section 4.5.3.1 */
const LONGEST_NAME = 254;
const LONGEST_NOTE = 1000;

export const mailbox = z.string().min(3).max(LONGEST_NAME).meta({ description: 'The address of a mailbox' });
export const delegate = z
  .string()
  .min(1)
  .max(LONGEST_NAME)
  .meta({ description: 'An identifier; where delegates are known by their logins, a login' });
const instant = z.string().meta({ format: 'date-time', description: 'UTC, with milliseconds' });
const when = z
  .string()
  .max(40)
  .meta({ description: "A date (2026-12-31, a day of the site's time zone) or a time with its zone" });
const language = z.enum(['fr', 'en']);

/** No control or direction-turning character: it would stand in lists and mails. */
export const note = z
  .string()
  .max(LONGEST_NOTE)
  .regex(/^[^\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}]*$/u, ODD_CHARACTER);

export const problem = named(
  'Problem',
  z.object({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    code: z.string().meta({ description: 'Stable; docs/reference/codes.md lists them' }),
    detail: z.string().optional(),
    errors: z.array(z.object({ at: z.string(), message: z.string() })).optional(),
  }),
);

export const me = named(
  'Me',
  z.object({
    identifier: z.string(),
    name: z.string().nullable(),
    roles: z.object({ owner: z.boolean(), delegate: z.boolean(), admin: z.enum(['none', 'reads', 'acts']) }),
  }),
);

export const ownedMailbox = named(
  'Mailbox',
  z.object({
    address: z.string(),
    owner: z.string().nullable(),
    kind: z.enum(['PER', 'ORG', 'APP', 'CAB']),
    delegates: z.int(),
    limit: z.int(),
    closed: z
      .enum(['mailbox-kind', 'mailbox-not-eligible', 'domain-not-eligible', 'owner-not-listed', 'limit'])
      .nullable()
      .meta({ description: 'Why nobody can be added now; null where somebody can' }),
  }),
);

export const delegation = named(
  'Delegation',
  z.object({
    mailbox: z.string(),
    delegate: z.object({
      identifier: z.string(),
      login: z.string(),
      firstName: z.string().nullable(),
      lastName: z.string().nullable(),
      profession: z.string().nullable(),
    }),
    state: z.enum(DELEGATION_STATES),
    reason: z.string().nullable().meta({ description: 'Why it is not in force, a code of docs/reference/codes.md' }),
    createdAt: instant,
    createdBy: z.string(),
    startsAt: instant.nullable(),
    endsAt: instant.nullable(),
    inForceSince: instant.nullable(),
    verified: z.boolean().meta({ description: 'Seen with a fresh login as the delegate' }),
    suspended: z.boolean(),
    note: z.string().nullable(),
    sendMode: z.enum(['on-behalf', 'send-as']).nullable(),
  }),
);

export const grant = named(
  'Grant',
  z.strictObject({
    delegate,
    acknowledged: z.string().max(40).optional().meta({ description: 'The version of /responsibility that was shown' }),
    startsAt: when.optional(),
    endsAt: when.optional(),
    note: note.optional(),
    sendMode: z.enum(['on-behalf', 'send-as']).optional(),
    force: note
      .min(1)
      .optional()
      .meta({ description: 'An administrator’s reason, although the directory lists nobody' }),
  }),
);

const withheld = z.array(
  z.object({
    why: z.string().meta({ description: 'Stable; docs/reference/codes.md lists them' }),
    sentence: z.string().meta({ description: 'For people: as Accept-Language asks' }),
  }),
);

export const change = named(
  'Change',
  z.object({
    verb: z.enum(['grant', 'revoke', 'suspend', 'resume']),
    mailbox: z.string(),
    delegate: z.string(),
    unchanged: z.boolean().meta({ description: 'It was so before: nothing was written' }),
    version: z.int().meta({ description: 'For /progress' }),
    withheld: withheld.meta({ description: 'What keeps it from being in force although it is saved' }),
    progress: z.string().meta({ description: 'Where to ask what has become of it' }),
  }),
);

export const progress = named(
  'Progress',
  z.object({
    state: z.enum(PROGRESS_STATES),
    final: z.boolean().meta({ description: 'Nothing more comes of it by itself' }),
    text: z.string().meta({ description: 'The same and why, in a sentence for people: as Accept-Language asks' }),
    withheld,
    failure: z.object({ code: z.string(), retryAt: instant.nullable() }).nullable(),
    notices: z.array(z.object({ code: z.string(), login: z.string() })),
    sidecar: z.boolean().meta({ description: 'false: nobody works on it' }),
    paused: z.boolean(),
  }),
);

export const person = named(
  'Person',
  z.object({
    identifier: z.string(),
    firstName: z.string(),
    lastName: z.string(),
    profession: z.string().nullable(),
    role: z.string().nullable(),
    postalCode: z.string().nullable(),
    city: z.string().nullable(),
  }),
);

export const people = named(
  'People',
  z.object({
    total: z.int(),
    people: z.array(person).max(50).meta({ description: 'The first 50: add a criterion to see the others' }),
    portal: z.string().meta({ description: 'Where whoever is not in the directory gets an identity' }),
  }),
);

const criterion = z.string().max(200).optional();
export const criteria = z.strictObject({
  lastName: criterion,
  firstName: criterion,
  profession: criterion,
  postalCode: criterion,
  city: criterion,
  identifier: z.string().max(20).optional(),
});

export const responsibility = named(
  'Responsibility',
  z.object({ version: z.string(), fr: z.string(), en: z.string(), required: z.boolean() }),
);

export const entry = named(
  'HistoryEntry',
  z.object({
    at: instant,
    actor: z.string(),
    onBehalf: z.string().nullable(),
    via: z.string().nullable(),
    action: z.string(),
    mailbox: z.string().nullable(),
    delegate: z.string().nullable(),
    reason: z.string().nullable(),
    detail: z.record(z.string(), z.unknown()),
    sealed: z.boolean(),
    claimed: z.boolean(),
  }),
);

export const contact = named(
  'MailboxContact',
  z.object({ address: z.string().nullable(), language: language.nullable() }),
);
export const contactChange = z.strictObject({
  address: z.string().max(LONGEST_NAME).nullable().optional(),
  language: language.nullable().optional(),
});

export const account = named(
  'Account',
  z.object({
    identifier: z.string(),
    firstName: z.string().nullable(),
    lastName: z.string().nullable(),
    profession: z.string().nullable(),
    role: z.string().nullable(),
    login: z.string(),
    state: z.enum(['pending', 'active', 'suspended', 'ended']),
    since: instant.nullable(),
    contact: z.string().nullable(),
    contactSince: instant.nullable(),
    language: language.nullable(),
    waiting: z.object({ contact: z.string(), until: instant, tries: z.int() }).nullable(),
    accepted: z.object({ version: z.string(), at: instant.nullable() }).nullable(),
    terms: z.object({ version: z.string(), url: z.string().nullable(), privacyUrl: z.string().nullable() }).nullable(),
    refuses: z.object({ surveys: z.boolean(), newsletters: z.boolean() }),
    ownMailbox: z.string().nullable(),
    delegated: z.array(z.string()),
  }),
);

const email = z.string().min(1).max(LONGEST_NAME);
export const activation = z.strictObject({
  contact: email,
  terms: z.string().min(1).max(40),
  language: language.optional(),
  identityConfirmed: z.literal(true).meta({ description: 'They were shown who they are (/accounts), and it is so' }),
});
export const contactAsked = z.strictObject({ contact: email, language: language.optional() });
export const codeAsked = named(
  'CodeAsked',
  z.object({ delegate: z.string(), contact: z.string(), until: instant.nullable(), changed: z.boolean() }),
);
export const code = z.strictObject({ code: z.string().max(40) });
export const confirmed = z.object({ delegate: z.string(), contact: z.string(), activated: z.boolean() });
export const cancelled = z.object({ delegate: z.string(), cancelled: z.boolean(), state: z.string() });
export const termsVersion = z.strictObject({ version: z.string().min(1).max(40) });
export const termsAccepted = z.object({ delegate: z.string(), terms: z.string(), changed: z.boolean() });
export const optOuts = z.strictObject({ surveys: z.boolean().optional(), newsletters: z.boolean().optional() });
export const refused = z.object({ surveys: z.boolean(), newsletters: z.boolean() });

export const page = {
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: z.string().max(600).optional().meta({ description: '`next` of the page before' }),
};

/** A page of a list. */
export function listOf<Item extends z.ZodType>(item: Item) {
  return z.object({
    items: z.array(item),
    next: z.string().nullable().meta({ description: 'The cursor of the next page; null on the last one' }),
  });
}
