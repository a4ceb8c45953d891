/**
 * Ends open sessions by a program of the site's (`[sessions] kind = "command"`), and sees by a second one that they have ended. Both get
 * the login as an argument of its own. Exit status 0 means done; the second prints a line for each open session of that login: an id,
 * such as the process. Where there is no second, a cut is made and never said to be proven. R49.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { describeFault, identifierFault } from '../../acl/identifier.ts';
import type { Cut, SessionCutter } from '../reconcile/driver-interfaces.ts';
import { Failure } from '../shared/failure.ts';
import { type Ran, runBounded } from './run-bounded.ts';
import { goesOn, LIMIT_MS, leftOf } from './until-gone.ts';

export interface SessionCommands {
  readonly end: readonly string[];
  readonly list: readonly string[] | undefined;
  readonly timeoutMs: number;
}

/** The word that the login takes the place of; without one it is the last argument. */
export const LOGIN_WORD = '{login}';

/** The order waits so long at most for the look before it. */
const FIRST_LOOK_MS = 1000;

const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;
const MOST_SESSIONS = 10_000;

/** `limitMs`: how long after a cut its sessions may go on. */
export function commandCutter(commands: SessionCommands, limitMs = LIMIT_MS): SessionCutter {
  return { cut: (login) => cut(commands, login, limitMs) };
}

async function cut(commands: SessionCommands, login: string, limitMs: number): Promise<Cut> {
  const { list } = commands;
  const end = withLogin(commands.end, login);
  const look = list && (() => sessionsOf(commands, list, login));
  const seen = look && (await withinFirstLook(attempt(look())));
  const { status, said } = await runBounded(end, commands.timeoutMs);
  if (status !== 0) throw notDone(`end the sessions of ${login}`, 'end_command', commands.end, status, said, commands);
  const until = performance.now() + limitMs;
  return {
    before: seen?.found?.length,
    toSee: 'list_command in [sessions] lists them, as config/cyrus/mandat-end-sessions does',
    ended: async () => {
      if (look === undefined || seen === undefined) return false;
      if (seen.found === undefined) throw seen.failure;
      const left = await leftOf(seen.found, until, async (some) => {
        const now = new Set(await look());
        return some.filter((id) => now.has(id));
      });
      if (left.length === 0) return true;
      throw goesOn(login, nameOf(commands.end), left, `run it by hand, and look why they stay: ${end.join(' ')}`);
    },
  };
}

/** What may stand in an ACL may be an argument: no option, no path, nothing that any program reads as more than a name. */
export function withLogin(words: readonly string[], login: string): readonly string[] {
  const fault = identifierFault(login);
  if (fault !== undefined) {
    throw new Failure('refused', `the login ${JSON.stringify(login)} is given to no command: ${describeFault(fault)}`);
  }
  return words.includes(LOGIN_WORD) ? words.map((word) => (word === LOGIN_WORD ? login : word)) : [...words, login];
}

/** The ids of the sessions that a login has open. */
export async function sessionsOf(
  commands: SessionCommands,
  list: readonly string[],
  login: string,
): Promise<readonly string[]> {
  const { status, stdout, said } = await runBounded(withLogin(list, login), commands.timeoutMs);
  if (status !== 0) throw notDone(`show the sessions of ${login}`, 'list_command', list, status, said, commands);
  const ids = stdout.split('\n').filter((line) => line.trim() !== '');
  const strange = ids.find((id) => !ID.test(id));
  if (strange !== undefined || ids.length > MOST_SESSIONS) {
    throw new Failure(
      'config',
      `${nameOf(list)} answered what is no list of the sessions of ${login}: ${strange === undefined ? `${ids.length} lines` : JSON.stringify(strange.slice(0, 80))}`,
      '[sessions] list_command prints one id a line (A-Z a-z 0-9 . _ -), such as the process, and nothing else',
    );
  }
  return [...new Set(ids)];
}

interface Look {
  readonly found?: readonly string[];
  readonly failure?: unknown;
}

const attempt = (look: Promise<readonly string[]>): Promise<Look> =>
  look.then(
    (found) => ({ found }),
    (failure: unknown) => ({ failure }),
  );

async function withinFirstLook(look: Promise<Look>): Promise<Look> {
  const waiting = new AbortController();
  const late = delay(FIRST_LOOK_MS, undefined, waiting).then((): Look => ({ failure: noFirstLook() }));
  late.catch(() => {}); // aborted below
  return Promise.race([look, late]).finally(() => waiting.abort());
}

const noFirstLook = () =>
  new Failure(
    'retry',
    `[sessions] list_command did not answer within ${FIRST_LOOK_MS / 1000} s, so that nobody knows whether the sessions that were told to end have ended`,
    'run it by hand, as the user that mandat runs as',
  );

function notDone(
  what: string,
  key: string,
  words: readonly string[],
  status: Exclude<Ran['status'], 0>,
  said: string,
  { timeoutMs }: SessionCommands,
): Failure {
  const why: Readonly<Record<string, string>> = {
    missing: 'there is no such program',
    denied: 'it may not be run',
    late: `no end within ${timeoutMs / 1000} s`,
    'too much': 'it prints without end',
    killed: 'it was killed',
  };
  const setUp = status === 'missing' || status === 'denied';
  return new Failure(
    setUp ? 'config' : 'retry',
    `${nameOf(words)} could not ${what}: ${why[status] ?? `exit status ${status}`}${said === '' ? '' : ` (${said})`}`,
    `run [sessions] ${key} by hand, as the user that mandat runs as`,
  );
}

const nameOf = (words: readonly string[]) => words[0] ?? '';
