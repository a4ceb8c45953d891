/**
 * Questions at which a server ends the connection without a word, as Dovecot's imap process does that dies of one: asked again and again, it would
 * end so for ever. Counted by user and question as long as the program runs; an answer, a refusal included, begins anew.
 */
import { Failure } from '../shared/failure.ts';
import type { Argument } from './arguments.ts';
import type { Endpoint } from './endpoint.ts';

/** From so many times on, one after the other, it is the question and no accident. */
const TOO_OFTEN = 3;

const lostAt = new Map<string, number>();

export interface Questions {
  begun(question: string): void;
  answered(question: string): void;
  /** The connection was lost while at least this one waited. Returns the failure, where that has happened too often at the same question. */
  lost(question: string, endpoint: Endpoint, cause: unknown): Failure | undefined;
}

/** Of one connection. `user`: whose session it is. */
export function questionsIn({ host, port }: Endpoint, user: string): Questions {
  const waiting: string[] = [];
  const key = (question: string) => JSON.stringify([host, port, user, question]);
  let guilty: { readonly question: string; readonly times: number } | undefined;
  return {
    begun: (question) => void waiting.push(question),
    answered: (question) => {
      waiting.splice(waiting.indexOf(question), 1);
      lostAt.delete(key(question));
    },
    lost: (question, endpoint, cause) => {
      if (guilty === undefined) {
        const first = waiting[0] ?? question; // servers answer in turn
        guilty = { question: first, times: (lostAt.get(key(first)) ?? 0) + 1 };
        lostAt.set(key(first), guilty.times);
      }
      return guilty.times < TOO_OFTEN ? undefined : diesOf(guilty, endpoint, user, cause);
    },
  };
}

function diesOf(
  { question, times }: { readonly question: string; readonly times: number },
  { host, port }: Endpoint,
  user: string,
  cause: unknown,
): Failure {
  return new Failure(
    'config',
    `the IMAP server at ${host}:${port} has ended the connection ${times} times at the same question, asked as ${user}: ${question}`,
    'its log says what becomes of it there (a process that is killed by signal 11 has a fault of its own); "mandat doctor" looks at the namespaces',
    { cause, rule: 'LOST_AT_QUESTION' },
  );
}

/** What is asked about: the commands that name folders and identifiers, with these; of any other its name alone. */
const NAMED = new Set(
  'LIST LSUB STATUS SELECT EXAMINE CREATE DELETE SUBSCRIBE UNSUBSCRIBE GETACL SETACL DELETEACL MYRIGHTS LISTRIGHTS'.split(
    ' ',
  ),
);
const LONGEST = 200;

export function questionOf(command: string, args: readonly Argument[]): string {
  const asked = NAMED.has(command) ? [command, ...args.map(shown)].join(' ') : command;
  return asked.length > LONGEST ? `${asked.slice(0, LONGEST)}...` : asked;
}

function shown(arg: Argument): string {
  if (Array.isArray(arg)) return `(${arg.map(shown).join(' ')})`;
  const { type, value } = arg as Exclude<Argument, readonly Argument[]>;
  return type === 'STRING' ? JSON.stringify(value) : type === 'ATOM' ? value : '';
}
