/** The API of a portal in this process, asked as programs ask it; what it answers is held against the openapi.json that it serves itself. */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { JWTPayload } from 'jose';
import type { Test } from 'tap';
import * as z from 'zod';
import { extractOf, PHYSICIAN } from '../directory/extract-maker.ts';
import { DOCTOR, OTHER_DOCTOR, OTHER_SECRETARY, peopled, SECRETARY } from './people.ts';
import { type PortalSite, type PortalSiteOptions, portalSite } from './portal-site.ts';

export const WEBMAIL = 'roundcube';

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever was answered; openapi.json says what, and holds it to that
  readonly json: any;
}

export interface Question {
  /** Whose token: a `sub`. Undefined: none is sent. */
  readonly by?: string;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Api extends PortalSite {
  /** `path` below /api/v1. What is answered must be as openapi.json says. */
  ask(method: string, path: string, question?: Question): Promise<Answer>;
  token(sub: string, claims?: JWTPayload, typ?: string): Promise<string>;
  /** Operations that were answered with success. */
  readonly answered: Set<string>;
  readonly description: Description;
}

interface Described {
  readonly $ref?: string;
  readonly headers?: Readonly<Record<string, object>>;
  readonly content?: Readonly<Record<string, { readonly schema: object }>>;
}

interface Description {
  readonly openapi: string;
  readonly paths: Readonly<
    Record<
      string,
      Readonly<
        Record<string, { readonly operationId: string; readonly responses: Readonly<Record<string, Described>> }>
      >
    >
  >;
  readonly components: {
    readonly schemas: Readonly<Record<string, object>>;
    readonly responses: Readonly<Record<string, Described>>;
  };
}

/** Owners and a delegate, and a directory that lists these and thirty others. */
export async function apiSite(t: Test, options: PortalSiteOptions = {}): Promise<Api> {
  const site = await portalSite(t, { ...options, portal: `clients = ["${WEBMAIL}"]\n${options.portal ?? ''}` });
  await peopled(site.mandat);
  const file = path.join(site.directory, 'extract.txt');
  await writeFile(file, extractOf(LISTED));
  await site.mandat('directory', 'import', file);
  const token = async (sub: string, claims: JWTPayload = {}, typ = 'at+jwt') =>
    site.provider.sign({ sub, azp: WEBMAIL, aud: site.url, ...site.provider.people.get(sub), ...claims }, { typ });
  const description = (await (await fetch(`${site.url}/api/v1/openapi.json`)).json()) as Description;
  const answered = new Set<string>();
  return {
    ...site,
    get portal() {
      return site.portal;
    },
    token,
    description,
    answered,
    ask: async (method, where, { by, body, headers = {} } = {}) => {
      const response = await fetch(`${site.url}/api/v1${where}`, {
        method,
        headers: {
          connection: 'close', // one that is kept is gone when the portal is started anew
          ...(by === undefined ? {} : { authorization: `Bearer ${await token(by)}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      const json = text === '' ? undefined : JSON.parse(text);
      const done = held(description, method, where, response, json);
      if (done !== undefined) answered.add(done);
      return { status: response.status, headers: response.headers, text, json };
    },
  };
}

const LISTED = [
  { identifier: DOCTOR, lastName: 'KIT', firstName: 'DOC', profession: PHYSICIAN, postalCode: '75015', city: 'PARIS' },
  { identifier: OTHER_DOCTOR, lastName: 'KIT', firstName: 'AUTRE', profession: PHYSICIAN, city: 'BREST' },
  { identifier: SECRETARY, lastName: 'SECRÉTAIRE', firstName: 'SAM', city: 'BREST' },
  { identifier: OTHER_SECRETARY, lastName: '<b>ASSISTANT</b>', firstName: 'A\u202eLIX', city: 'BREST' },
  ...Array.from({ length: 60 }, (_, n) => ({
    identifier: listed(n),
    lastName: 'TANGUY',
    firstName: 'ALIX',
    city: 'QUIMPER',
  })),
];

/** One of sixty whom the directory lists. */
export function listed(n: number): string {
  return `8177${String(n).padStart(8, '0')}`;
}

/** Fails where the answer isn't as the description says. Answers the operation, where it went well. */
function held(
  description: Description,
  method: string,
  where: string,
  response: Response,
  json: unknown,
): string | undefined {
  const [bare = ''] = where.split('?');
  const [, one] =
    Object.entries(description.paths)
      .filter(([place]) => new RegExp(`^${place.replace(/\{\w+\}/g, '[^/]+')}$`).test(bare))
      .map(([, operations]) => [bare, operations[method.toLowerCase()]] as const)
      .find(([, operation]) => operation !== undefined) ?? [];
  const type = response.headers.get('content-type') ?? '';
  const declared = one?.responses[response.status];
  const said =
    declared?.$ref === undefined ? declared : description.components.responses[declared.$ref.split('/').at(-1) ?? ''];
  for (const name of Object.keys(said?.headers ?? {}))
    if (!response.headers.has(name)) throw new Error(`${method} ${where} answers ${response.status} without ${name}`);
  if (response.status === 304 && said !== undefined) return undefined;
  const schema =
    said?.content?.[type]?.schema ?? (one === undefined ? { $ref: '#/components/schemas/Problem' } : undefined);
  if (schema === undefined)
    throw new Error(`${method} ${where} answers ${response.status} ${type}, of which openapi.json knows nothing`);
  const inOne = JSON.parse(
    JSON.stringify({ ...schema, $defs: description.components.schemas }).replaceAll(
      '#/components/schemas/',
      '#/$defs/',
    ),
  );
  const read = z.fromJSONSchema(inOne).safeParse(json);
  if (!read.success)
    throw new Error(`${method} ${where}: ${JSON.stringify(json)} is not as described: ${read.error.message}`);
  return response.status < 300 ? one?.operationId : undefined;
}
