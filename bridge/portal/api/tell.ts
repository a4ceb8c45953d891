/** A problem as it is told: always of one shape, in the language of whoever asks; English where they name none. */
import type { Context } from 'hono';
import { failureOf } from '../../shared/failure.ts';
import { escapedJson } from '../../shared/harmless-text.ts';
import type { Language, PortalEnv, PortalSite } from '../context.ts';
import { asked } from '../language.ts';
import { PROBLEM_TYPE, problemOf, type Told } from './problem.ts';
import { inFrench } from './problem-fr.ts';

type Ask = Context<PortalEnv>;

/** Programs name a language where a person stands behind them. */
export const languageOf = (c: Ask): Language => asked(c.req.header('accept-language') ?? '', 'en');

export const jsonOf = (document: unknown): string => escapedJson(JSON.stringify(document));

export interface Spoken {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

export function spoken(c: Ask, told: Told): Spoken {
  const language = languageOf(c);
  const problem = language === 'fr' ? inFrench(told) : told.problem;
  const headers = { ...told.headers, 'content-language': language, vary: 'Accept-Language' };
  return { status: problem.status, body: jsonOf(problem), headers };
}

export function tell(c: Ask, thrown: unknown, log?: PortalSite['log']): Response {
  const told = problemOf(thrown);
  if (told.ours && log !== undefined) logProblem(log, thrown, c.req.routePath);
  const { status, body, headers } = spoken(c, told);
  return c.body(body, status as 200, { ...headers, 'content-type': PROBLEM_TYPE });
}

export function logProblem(log: PortalSite['log'], error: unknown, operation: string): void {
  const { code, rule, message } = failureOf(error);
  log.error({ code, rule, operation, reason: message }, 'a request could not be answered');
}
