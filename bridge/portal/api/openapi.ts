/** The description of the API, made of the schemas that requests are checked by. OpenAPI 3.1, whose schemas are JSON Schema 2020-12. */
import * as z from 'zod';
import { version } from '../../shared/version.ts';
import type { Operation } from './operation.ts';
import { OPERATIONS } from './operations.ts';
import { PROBLEM_TYPE } from './problem.ts';
import { NAMED, problem } from './schemas.ts';

type Json = Readonly<Record<string, unknown>>;

const PLACE = '#/components/schemas/';

/** `io`: as it is sent, or as it is answered. A schema with a name stands among the components, and is only named elsewhere. */
function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const {
    $schema: _,
    $defs: __,
    ...made
  } = z.toJSONSchema(schema, {
    io,
    metadata: NAMED,
    target: 'draft-2020-12',
    reused: 'inline',
  }) as Record<string, unknown>;
  return renamed(made) as Json;
}

/** `#/$defs/Name` where the components are. */
function renamed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(renamed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [
      key,
      key === '$ref' && typeof one === 'string' ? one.replace('#/$defs/', PLACE) : renamed(one),
    ]),
  );
}

function components(): Json {
  const { schemas } = z.toJSONSchema(NAMED, { target: 'draft-2020-12', uri: (id) => `${PLACE}${id}` });
  return Object.fromEntries(
    Object.entries(schemas)
      .filter(([id]) => !id.startsWith('__'))
      .map(([id, schema]) => {
        const { $schema: _, $id: __, id: ___, ...made } = schema as Record<string, unknown>;
        return [id, made];
      }),
  );
}

function parametersOf({ path, params, query, method, current }: Operation): readonly Json[] {
  const given = (shape: z.ZodObject['shape'], where: 'path' | 'query') =>
    Object.entries(shape).map(([name, schema]) => {
      const made = schemaOf(schema as z.ZodType, 'input');
      const required = where === 'path' || !(schema as z.ZodType).safeParse(undefined).success;
      return { name, in: where, required, schema: made };
    });
  return [
    ...given(params.shape, 'path').filter(({ name }) => path.includes(`{${name}}`)),
    ...given(query.shape, 'query'),
    {
      name: 'as',
      in: 'query',
      required: false,
      schema: { type: 'string', enum: ['owner', 'delegate', 'admin'] },
      description: AS,
    },
    header('On-Behalf-Of', 'By a service, with its key: for whom it asks, by identifier or login'),
    ...(method === 'post' ? [header('Idempotency-Key', 'Sent twice, it is done once; for a day')] : []),
    ...(method === 'get' ? [header('If-None-Match', 'Answers 304 where it is as it was')] : []),
    ...(current === undefined ? [] : [header('If-Match', 'The ETag that was seen: 412 where it has changed since')]),
  ];
}

const AS = 'As what: owner, delegate or admin, where whoever asks is more than one of them';

const header = (name: string, description: string) => ({
  name,
  in: 'header',
  required: false,
  schema: { type: 'string', maxLength: 255 },
  description,
});

/** Every status that isn't success, with what is told beside it. */
const PROBLEMS = {
  400: { name: 'BadRequest', description: 'No JSON, a name twice, or no word for whom a service asks', headers: [] },
  401: { name: 'Unauthorized', description: 'The token or the key', headers: ['WWW-Authenticate'] },
  403: { name: 'Forbidden', description: 'Whoever asks may not', headers: [] },
  404: { name: 'NotFound', description: 'No such mailbox, delegate or delegation', headers: [] },
  409: { name: 'Conflict', description: 'As things stand it cannot be', headers: [] },
  412: { name: 'PreconditionFailed', description: 'Changed since it was seen', headers: [] },
  413: { name: 'ContentTooLarge', description: 'More than 64 kB', headers: [] },
  414: { name: 'UriTooLong', description: 'An address of more than 4096 characters', headers: [] },
  415: { name: 'UnsupportedMediaType', description: 'Not application/json in UTF-8', headers: [] },
  421: { name: 'MisdirectedRequest', description: 'Another host', headers: [] },
  422: { name: 'UnprocessableContent', description: 'Not as described, or refused by a rule', headers: [] },
  429: { name: 'TooManyRequests', description: 'Later', headers: ['Retry-After'] },
  500: { name: 'InternalServerError', description: 'A defect', headers: [] },
  503: { name: 'ServiceUnavailable', description: 'Something is away, or not set up', headers: ['Retry-After'] },
} as const;
type ProblemStatus = keyof typeof PROBLEMS;

/** Which of them an operation can answer. */
function problemsOf({ path, query, method, body, current }: Operation): readonly ProblemStatus[] {
  return [
    ...([400, 401, 403, 414, 421, 422, 429, 500, 503] as const),
    ...(path.includes('{') || 'delegate' in query.shape ? ([404] as const) : []),
    ...(method === 'get' ? [] : ([409, 413] as const)),
    ...(current === undefined ? [] : ([412] as const)),
    ...(body === undefined ? [] : ([415] as const)),
  ];
}

const told = (names: readonly string[]): Json =>
  names.length === 0
    ? {}
    : { headers: Object.fromEntries(names.map((name) => [name, { required: true, schema: { type: 'string' } }])) };

function problemResponses(): Json {
  const content = { [PROBLEM_TYPE]: { schema: schemaOf(problem, 'output') } };
  return Object.fromEntries(
    Object.values(PROBLEMS).map(({ name, description, headers }) => [name, { description, ...told(headers), content }]),
  );
}

function responsesOf(one: Operation): Json {
  const content = { 'application/json': { schema: schemaOf(one.answer, 'output') } };
  const headers = [...(one.method === 'get' ? ['ETag'] : []), ...(one.location === undefined ? [] : ['Location'])];
  return {
    [one.status]: { description: 'Done', ...told(headers), content },
    ...(one.method === 'get' ? { 304: { description: 'As it was (If-None-Match)', ...told(['ETag']) } } : {}),
    ...Object.fromEntries(
      problemsOf(one).map((status) => [status, { $ref: `#/components/responses/${PROBLEMS[status].name}` }]),
    ),
  };
}

function operationOf(one: Operation): Json {
  return {
    operationId: one.id,
    summary: one.summary,
    parameters: parametersOf(one),
    ...(one.body && {
      requestBody: { required: true, content: { 'application/json': { schema: schemaOf(one.body, 'input') } } },
    }),
    responses: responsesOf(one),
  };
}

export function openApi(): Json {
  const paths: Record<string, Record<string, Json>> = {};
  for (const one of OPERATIONS) {
    const place = paths[one.path] ?? {};
    paths[one.path] = place;
    place[one.method] = operationOf(one);
  }
  return {
    openapi: '3.1.0',
    jsonSchemaDialect: 'https://json-schema.org/draft/2020-12/schema',
    info: {
      title: 'mandat',
      version: version().number,
      description: 'Mailbox delegations for webmails and other programs: docs/portal-api.md',
    },
    servers: [{ url: '/api/v1' }],
    security: [{ token: [] }, { service: [] }],
    paths,
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'An access token of the portal’s identity provider' },
        service: {
          type: 'http',
          scheme: 'bearer',
          description: 'The key of a program of the site ([portal.services.NAME]), with On-Behalf-Of',
        },
      },
      responses: problemResponses(),
      schemas: components(),
    },
  };
}
