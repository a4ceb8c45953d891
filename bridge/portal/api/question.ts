/** What was sent, before any rule is asked of it: JSON in UTF-8 that means one thing alone, and as the schema says. */
import type { Context } from 'hono';
import * as z from 'zod';
import type { PortalEnv } from '../context.ts';
import { GIVEN_TWICE } from './errors.ts';
import { QuestionProblem } from './problem.ts';
import { repeatedName } from './repeated-name.ts';
import { languageOf } from './tell.ts';

type Ask = Context<PortalEnv>;

const notJson = (status: 400 | 415, detail: string) => new QuestionProblem(status, 'NOT_JSON', detail);

export async function bodyOf(c: Ask): Promise<string> {
  const type = c.req.header('content-type') ?? '';
  const coding = c.req.header('content-encoding') ?? 'identity';
  if (!/^application\/json(; *charset="?utf-8"?)?$/i.test(type) || coding.toLowerCase() !== 'identity') {
    throw notJson(415, 'what is sent is application/json, in UTF-8, and not compressed');
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await c.req.arrayBuffer());
  } catch (error) {
    if (error instanceof TypeError) throw notJson(400, 'what was sent is not UTF-8');
    throw error;
  }
}

/** A name that stands there twice means one thing here and another elsewhere. RFC 8259 section 4 */
export function parsed(text: string): unknown {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw notJson(400, 'what was sent is no JSON');
  }
  if (repeatedName(text)) throw notJson(400, 'a name stands twice in one object of what was sent');
  return document;
}

/** Of the address; each name once. */
export function queryOf(c: Ask): Readonly<Record<string, string>> {
  const all = Object.entries(c.req.queries());
  const errors = all
    .filter(([, values]) => values.length > 1)
    .map(([name]) => ({ at: `query.${name.slice(0, 40)}`, message: GIVEN_TWICE }));
  if (errors.length > 0) throw badQuestion(errors);
  return Object.fromEntries(all.map(([name, [value = '']]) => [name, value]));
}

const badQuestion = (errors: readonly { readonly at: string; readonly message: string }[]) =>
  new QuestionProblem(422, 'BAD_QUESTION', 'what was asked is not as openapi.json says', { errors });

const MESSAGES = { en: z.locales.en(), fr: z.locales.fr() } as const;

/** What is wrong with it, all at once; what was sent isn't repeated. */
export function checked<Schema extends z.ZodType>(
  c: Ask,
  schema: Schema,
  given: unknown,
  where: string,
): z.output<Schema> {
  const read = schema.safeParse(given, { error: MESSAGES[languageOf(c)].localeError });
  if (read.success) return read.data;
  throw badQuestion(
    read.error.issues
      .slice(0, 20)
      .map(({ path, message }) => ({ at: [where, ...path.map(String)].join('.'), message })),
  );
}
