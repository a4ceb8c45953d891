/** One thing that may be asked of the API: how it is asked, by whom, and what is answered. openapi.json is made of these too. */
import type * as z from 'zod';
import type { Acting } from '../../acting/site.ts';
import type { Language } from '../context.ts';
import type { Caller, Capacity } from './callers.ts';

export interface Asked<Params, Query, Body> {
  readonly acting: Acting;
  readonly caller: Caller;
  /** Of sentences for people. */
  readonly language: Language;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
}

export interface Operation<
  Params extends z.ZodObject = z.ZodObject,
  Query extends z.ZodObject = z.ZodObject,
  Body extends z.ZodType = z.ZodType,
  Answer extends z.ZodType = z.ZodType,
> {
  /** In openapi.json, and in the trail where it was refused. */
  readonly id: string;
  readonly method: 'get' | 'post' | 'put' | 'delete';
  /** Below /api/v1, with `{names}`. */
  readonly path: string;
  readonly summary: string;
  /** As whom, in this order; `?as=` chooses another. */
  readonly as: readonly Capacity[];
  readonly params: Params;
  readonly query: Query;
  readonly body: Body | undefined;
  readonly status: 200 | 201;
  readonly answer: Answer;
  run(asked: Asked<z.output<Params>, z.output<Query>, z.output<Body>>): Promise<z.input<Answer>>;
  /** What If-Match is compared with: what GET of the same path answers; undefined where nothing is there. */
  readonly current?: (asked: Asked<z.output<Params>, z.output<Query>, z.output<Body>>) => Promise<unknown>;
  /** Where what was made can be found. */
  readonly location?: (answer: z.input<Answer>) => string;
}

/** Checks the types of one, and forgets them: a list holds all. */
export function operation<P extends z.ZodObject, Q extends z.ZodObject, B extends z.ZodType, A extends z.ZodType>(
  one: Operation<P, Q, B, A>,
): Operation {
  return one as unknown as Operation;
}
