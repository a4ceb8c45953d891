/**
 * Ends open sessions through Dovecot's doveadm HTTP API: POST [["kick",{"mask":[login]},tag]].
 * The client reads `* BYE` and reconnects by itself; what it then may do is decided anew. R49.
 * What `kick` answers is no proof (who.ts): what shows whether a session has ended is that `who` no longer names it.
 */

import type { Cut, SessionCutter } from '../reconcile/driver-interfaces.ts';
import { Failure } from '../shared/failure.ts';
import { type Answer, ask, askAll, type Command, type DoveadmOptions } from './doveadm-api.ts';
import { goesOn, LIMIT_MS, leftOf } from './until-gone.ts';
import { type OpenSession, sessionsIn, stillOpen } from './who.ts';

/** doveadm's exit status for "nobody was connected" (EX_NOHOST's neighbour 68): nothing to end is as good as ended. */
const NOBODY = 68;

/** `limitMs`: how long after a cut its sessions may go on. */
export function doveadmCutter(options: DoveadmOptions, limitMs = LIMIT_MS): SessionCutter {
  return { cut: (login) => cut(options, login, limitMs) };
}

/** The API takes a mask with wildcards; a login is never meant as one. */
export function escapeMask(login: string): string {
  return login.replace(/[\\*?]/g, '\\$&');
}

/** One request for both, so that the order waits for no look. */
async function cut(options: DoveadmOptions, login: string, limitMs: number): Promise<Cut> {
  const mask = [escapeMask(login)];
  const kick: Command = ['kick', { mask }];
  const both = await askAll(options, [lookFor(login), kick]);
  // Where the key may not do the first, Dovecot leaves out a comma after its answer, and nothing can be read.
  const [seen, kicked] = both ?? [undefined, await ask(options, ...kick)];
  if (!kicked?.done && kicked?.exitCode !== NOBODY) throw refused(options, 'end the sessions', login, kicked);
  const before = seen?.done ? sessionsIn(seen.rows) : undefined;
  const until = performance.now() + limitMs;
  return {
    before: before?.length,
    toSee: 'doveadm_allowed_commands = kick,who, as in sessions.conf of config/dovecot/',
    ended: async () => before !== undefined && (await ended(options, login, before, until)),
  };
}

const lookFor = (login: string): Command => ['who', { mask: [escapeMask(login)], separateConnections: true }];

async function ended(
  options: DoveadmOptions,
  login: string,
  before: readonly OpenSession[],
  until: number,
): Promise<boolean> {
  const left = await leftOf(before, until, async (some) => {
    const answer = await ask(options, ...lookFor(login));
    if (!answer.done) throw refused(options, 'show the sessions', login, answer);
    return stillOpen(some, sessionsIn(answer.rows));
  });
  if (left.length === 0) return true;
  const pids = [...new Set(left.map(({ pid }) => pid))].join(' ');
  throw goesOn(
    login,
    'doveadm',
    left.map(({ service, pid }) => `${service}, process ${pid}`),
    `now: kill ${pids}, where Dovecot runs. For good, in Dovecot 2.4: service imap { unix_listener "srv.imap/%{pid}" { mode = 0 } }, as config/dovecot/2.4/sessions.conf explains`,
  );
}

function refused({ url }: DoveadmOptions, what: string, login: string, answer: Answer | undefined): Failure {
  const { type = 'no answer', exitCode = '' } = answer?.done === false ? answer : {};
  return new Failure(
    type === 'unAuthorized' ? 'config' : 'retry',
    `doveadm at ${url} could not ${what} of ${login}: ${type} ${exitCode}`.trim(),
    'doveadm_allowed_commands must hold kick and who: sessions.conf of config/dovecot/',
  );
}
