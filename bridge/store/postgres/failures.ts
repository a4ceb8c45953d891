/** What PostgreSQL, and the way to it, answer: as failures in words that say what to do. Codes: PostgreSQL manual, appendix A. */
import { setTimeout as delay } from 'node:timers/promises';
import { Failure } from '../../shared/failure.ts';
import { MOVED_SENTENCE, movedFailure } from '../files/moved.ts';
import type { PostgresSettings } from './connection.ts';

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

/** Nothing was written, and the same may succeed when done once more: serialization_failure, deadlock_detected. */
export function isPassing(error: unknown): boolean {
  return ['40001', '40P01'].includes(codeOf(causeOf(error)));
}

/** The connection has gone, or will not answer any more: what was under way on it may be done or not. */
export function isLost(error: unknown): boolean {
  const cause = causeOf(error);
  const code = codeOf(cause);
  if (code !== '') return GONE.test(code);
  return cause instanceof Error && LOST.test(cause.message);
}

/** connection_exception; the server or somebody has ended this session, for having stopped too. */
const GONE = /^(?:08...|57P0[1245]|25P03|ECONNRESET|EPIPE|ETIMEDOUT)$/;

/** What node-postgres says of one that stood. */
const LOST =
  /Connection terminated(?! due to connection timeout)|Query read timeout|connection error and is not queryable/;

/** And of one that never came to stand. */
const NO_ANSWER = /timeout exceeded when trying to connect|timeout expired|due to connection timeout/;

/** Nothing was answered in time: PostgreSQL is away, or slow. */
export function isSilence(error: unknown): boolean {
  const cause = causeOf(error);
  return cause instanceof Error && (NO_ANSWER.test(cause.message) || /Query read timeout/.test(cause.message));
}

/** Of a failure where another sidecar works on this server's mailboxes by now. */
export const SUPERSEDED = 'MANDAT_SUPERSEDED';

export function superseded(cause?: unknown): Failure {
  return new Failure(
    'retry',
    "another sidecar has taken this server's mailboxes over: nothing more is written here",
    '"mandat status" says which',
    { cause, rule: SUPERSEDED },
  );
}

const causeOf = (error: unknown): unknown => (error instanceof Failure ? error.cause : error);

const ATTEMPTS = 6;

/** Done anew from its beginning, with a growing pause, while others' transactions are in its way: `work` must begin with nothing from before. */
export async function retried<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === ATTEMPTS || !isPassing(error)) throw error;
      await delay(2 ** attempt + Math.random() * 10);
    }
  }
}

type Words = readonly [code: 'retry' | 'config' | 'refused', message: string, hint: string];

/** Anything else comes back as it is. `what`: for people, as in `the delegation table`. */
export function explainedPostgres(error: unknown, settings: PostgresSettings, what: string): unknown {
  if (!(error instanceof Error) || error instanceof Failure) return error;
  if (codeOf(error) === 'MD001') return superseded(error); // workers-schema.ts
  const moved = MOVED_SENTENCE.exec(error.message)?.[1];
  if (moved !== undefined) return movedFailure(what, settings.shown, moved);
  const words = byCode(codeOf(error), error, settings, what) ?? byMessage(error.message, settings, what);
  return words === undefined ? error : new Failure(...words, { cause: error });
}

function byCode(
  code: string,
  error: Error,
  { shown, user, database, caFile }: PostgresSettings,
  what: string,
): Words | undefined {
  const place = `${what} (${shown})`;
  const unreachable = (why: string): Words => [
    'retry',
    `${place} can't be reached: ${why}`,
    'see that PostgreSQL runs and may be reached from here, then try again',
  ];
  switch (code) {
    case '55P03': // lock_not_available
      return ['retry', `${place} is locked by another program`, 'try again in a moment'];
    case '40001':
    case '40P01':
      return [
        'retry',
        `${place} was being written by others at the same time, again and again`,
        'try again in a moment',
      ];
    case '25P03': // idle_in_transaction_session_timeout
      return ['retry', `${place} has ended a transaction of ours that had stopped`, 'try again'];
    case '28P01':
    case '28000':
      return [
        'config',
        `${place} does not let user ${user} in: ${error.message}`,
        'check database_password_file and pg_hba.conf',
      ];
    case '3D000':
      return ['config', `there is no database ${database}: ${shown}`, `make it: createdb ${database}`];
    case '3F000': // invalid_schema_name
    case '42P01': // undefined_table
    case '42883': // undefined_function
    case '42703': // undefined_column
      return [
        'config',
        `${place} is not as mandat makes it: ${error.message}`,
        'run "mandat init", which makes or migrates it',
      ];
    case '42501':
      return [
        'config',
        `user ${user} may not do this in ${place}: ${error.message}`,
        '"mandat init" says which role may do what, and how it is granted',
      ];
    case '25006': // read_only_sql_transaction
      return [
        'retry',
        `${place} only answers questions now: it is a replica, or was opened to be read`,
        'name the primary in "database"',
      ];
    case '53100':
      return [
        'retry',
        `the disk is full: ${place} can't be written`,
        'make room on the database server, then try again',
      ];
    case '57014': // query_canceled
      return ['retry', `${place} has given up what was asked: ${error.message}`, 'try again in a moment'];
    case '53300':
      return unreachable('it has as many connections as it takes (max_connections)');
    case '57P01':
    case '57P02':
    case '57P03':
    case '57P04': // database_dropped
    case '57P05':
    case '55000': // of a database that takes no connections just now
      return unreachable(error.message);
    case 'ECONNREFUSED':
    case 'ECONNRESET':
    case 'ECONNABORTED':
    case 'EPIPE':
    case 'ENOENT':
    case 'EACCES':
    case 'ETIMEDOUT':
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return unreachable(code);
    default:
      if (code.startsWith('08')) return unreachable(error.message);
      // insufficient_resources, system_error, internal_error: of the machine it runs on, and of its own
      if (/^(?:5[38]|XX)/.test(code))
        return ['retry', `${place} can't go on: ${error.message}`, "see the database server's log, then try again"];
      if (/CERT|SIGNATURE|ISSUER|^ERR_(?:TLS|SSL)/.test(code)) {
        const authority = caFile ?? 'the public ones; database_ca_file names another';
        return [
          'config',
          `${place}: the server's certificate is not to be trusted: ${error.message}`,
          `see that it is issued for this host by an authority that is trusted (${authority})`,
        ];
      }
      return undefined;
  }
}

/** What node-postgres says in words alone. */
function byMessage(message: string, { shown }: PostgresSettings, what: string): Words | undefined {
  const place = `${what} (${shown})`;
  if (/does not support SSL/.test(message)) {
    return ['config', `${place} does not offer TLS`, 'switch it on there (ssl = on), with a certificate for this host'];
  }
  if (NO_ANSWER.test(message)) {
    return [
      'retry',
      `${place} can't be reached: it doesn't answer`,
      'see that PostgreSQL runs and may be reached from here, then try again',
    ];
  }
  if (LOST.test(message)) {
    return [
      'retry',
      `the connection to ${place} was lost`,
      'whether what was asked is done is not known: look, then try again',
    ];
  }
  return undefined;
}
