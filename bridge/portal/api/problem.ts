/** What goes wrong, as a program hears of it: application/problem+json with the stable code and the right status. RFC 9457 */

import { type Failure, type FailureCode, failureOf } from '../../shared/failure.ts';
import { AWAY_RETRY_SECONDS } from '../rate-limits.ts';

export interface Problem {
  /** `urn:mandat:CODE`: it names the problem, and leads nowhere. */
  readonly type: string;
  readonly title: string;
  readonly status: number;
  /** Of docs/reference/codes.md. */
  readonly code: string;
  /** What happened, to whom. */
  readonly detail?: string;
  /** What in the question is wrong, and where. */
  readonly errors?: readonly { readonly at: string; readonly message: string }[];
}

/** A problem with the question itself, which no rule of the site is asked about. */
export class QuestionProblem extends Error {
  readonly status: number;
  readonly code: string;
  readonly errors: Problem['errors'];
  readonly headers: Readonly<Record<string, string>>;
  /** As of a Failure: for whoever says it in other words. */
  readonly fault: string | undefined;
  readonly about: string | undefined;

  constructor(
    status: number,
    code: string,
    detail: string,
    more: {
      readonly errors?: Problem['errors'];
      readonly headers?: Readonly<Record<string, string>>;
      readonly fault?: string | undefined;
      readonly about?: string | undefined;
    } = {},
  ) {
    super(detail);
    this.status = status;
    this.code = code;
    this.errors = more.errors;
    this.headers = more.headers ?? {};
    this.fault = more.fault;
    this.about = more.about;
  }
}

/** Rules whose refusal has a status of its own; the others are 422: what was asked for can't be done as it was asked. */
const STATUS_OF_RULE: Readonly<Record<string, number>> = {
  MANDAT_ACTOR: 403,
  MANDAT_NOT_HIS: 403,
  MANDAT_TOKEN: 401,
  // As things stand; another time it may be.
  MANDAT_LIMIT: 409,
  MANDAT_DUPLICATE: 409,
  MANDAT_ACTIVE: 409,
  MANDAT_ENDED: 409,
  MANDAT_PENDING: 409,
  MANDAT_SUSPENDED: 409,
  MANDAT_NOT_DELEGATED: 409,
  MANDAT_NO_REQUEST: 409,
  MANDAT_UNDONE: 409,
  MANDAT_PAUSED: 409,
  HELD_OTHERWISE: 409,
  MANDAT_CODES: 429,
  MANDAT_PROVIDER_AWAY: 503,
  NO_DIRECTORY: 503,
  ENDS_IN_THE_PAST: 422,
  NO_CODE: 422,
};

const STATUS_OF_CODE: Readonly<Record<FailureCode, number>> = {
  refused: 422,
  absent: 404,
  config: 503,
  retry: 503,
  unsafe: 503,
  internal: 500,
};

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  409: 'Conflict',
  412: 'Precondition Failed',
  413: 'Content Too Large',
  414: 'URI Too Long',
  415: 'Unsupported Media Type',
  421: 'Misdirected Request',
  422: 'Unprocessable Content',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
};

const HEADERS_OF_STATUS: Readonly<Record<number, Readonly<Record<string, string>>>> = {
  401: { 'www-authenticate': 'Bearer realm="mandat", error="invalid_token"' },
  429: { 'retry-after': '60' },
  503: { 'retry-after': String(AWAY_RETRY_SECONDS) },
};

export interface Told {
  readonly problem: Problem;
  readonly headers: Readonly<Record<string, string>>;
  /** Whether an administrator has to look into it. */
  readonly ours: boolean;
  /** Who must act, where no rule says more. */
  readonly failure: FailureCode;
  readonly fault: string | undefined;
  readonly about: string | undefined;
}

/** Anything that was thrown. What isn't the asker's to mend is told without its particulars: those are for the log. */
export function problemOf(thrown: unknown): Told {
  if (thrown instanceof QuestionProblem) {
    const { status, code, message, errors, headers } = thrown;
    const problem = { ...named(status, code), detail: message, ...(errors && { errors }) };
    const { fault, about } = thrown;
    return { problem, headers, ours: false, failure: 'refused', fault, about };
  }
  const failure = failureOf(thrown);
  const status = statusOf(failure);
  const code = failure.rule ?? NO_RULE[failure.code];
  const ours = status >= 500;
  const headers = HEADERS_OF_STATUS[status] ?? {};
  const problem = { ...named(status, code), detail: ours ? OURS[failure.code] : failure.message };
  const { fault, about } = failure;
  return { problem, headers, ours, failure: failure.code, fault, about: ours ? undefined : about };
}

/** What is called by no rule. */
export const NO_RULE: Readonly<Record<FailureCode, string>> = {
  refused: 'MANDAT_REFUSED',
  absent: 'MANDAT_ABSENT',
  config: 'MANDAT_SETUP',
  retry: 'MANDAT_AWAY',
  unsafe: 'MANDAT_UNSAFE',
  internal: 'MANDAT_DEFECT',
};

function statusOf({ rule, code }: Failure): number {
  const own = rule === undefined ? undefined : STATUS_OF_RULE[rule];
  return own ?? STATUS_OF_CODE[code];
}

const OURS: Readonly<Record<FailureCode, string>> = {
  refused: 'refused',
  absent: 'there is no such thing',
  config: 'this site is not set up for that; its administrator finds more in the log',
  retry: 'a server or the database does not answer now: try again',
  unsafe: 'going on might open mail to somebody who should not read it; the administrator finds more in the log',
  internal: 'a defect of mandat; the administrator finds more in the log',
};

function named(status: number, code: string): Pick<Problem, 'type' | 'title' | 'status' | 'code'> {
  return { type: `urn:mandat:${code}`, title: TITLES[status] ?? 'Problem', status, code };
}

export const PROBLEM_TYPE = 'application/problem+json';
