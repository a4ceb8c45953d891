/**
 * Spares the server logins that are known to fail, since each counts against our address (fail2ban, Dovecot's penalty). A login that was
 * refused a moment ago isn't tried again by the next mailbox that needs it. When it is mandat's own name and password that the server
 * takes no more, all mailboxes have one fault in common, and one login is tried for all of them, until it works.
 *
 * What is refused is first taken for that account's own trouble, because some servers say of an account that isn't there what they say of a
 * wrong password. Two in a row, with no login in between that worked, are the common fault; who has logged in before is still let try
 * where only strangers were refused, so that they keep nobody from a revoke.
 */
import { Failure, failureOf } from '../shared/failure.ts';
import { atMost } from '../shared/portions.ts';

export interface LoginGuard {
  /** Opens a session as somebody, or fails at once as the last attempt did. */
  attempt<T>(login: string, open: () => Promise<T>): Promise<T>;
  /** There is news: what was refused for everybody is tried once more, if that wasn't done a moment ago. */
  invite(): void;
}

export interface GuardOptions {
  /** After the first refusal, and between later ones: how long one is taken for all; ms. */
  readonly soonMs: number;
  readonly laterMs: number;
  /** Another one whenever the credentials are others. */
  readonly stamp: () => string;
  /** Of a clock that never goes back; ms. */
  readonly now?: () => number;
}

/** Rule of the failure that all mailboxes share. */
export const CREDENTIALS_REFUSED = 'CREDENTIALS_REFUSED';

/** News come in bursts. */
const INVITED_MS = 10_000;

/** How long the first of several waits for the others: a login takes milliseconds, and one that hangs keeps nobody else. */
const TURN_MS = 1000;

/** Two strangers in a row may each have their own trouble; more is the common one. */
const COMMON = 2;

interface Common {
  readonly failure: Failure;
  readonly triedAt: number;
  readonly nextAt: number;
}

export function openLoginGuard({ soonMs, laterMs, stamp, now = () => performance.now() }: GuardOptions): LoginGuard {
  const worked = new Set<string>();
  /** Refused since the last login that worked. */
  const suspects = new Set<string>();
  const lately = new Map<string, { readonly failure: Failure; readonly until: number }>();
  const turns = new Map<string, Promise<void>>();
  let accepted = false;
  let common: Common | undefined;
  let credentials = stamp();

  const forget = () => {
    suspects.clear();
    lately.clear();
    common = undefined;
  };

  /** No more than counts, the oldest first; and without their causes, which hold the connection that they came by. */
  const keepLately = (login: string, { code, message, hint, rule }: Failure, at: number) => {
    for (const [one, { until }] of lately) {
      if (at < until) break;
      lately.delete(one);
    }
    lately.delete(login);
    lately.set(login, {
      failure: new Failure(code, message, hint, rule === undefined ? {} : { rule }),
      until: at + soonMs,
    });
  };

  const known = (login: string): Failure | undefined => {
    const current = stamp();
    if (current !== credentials) {
      credentials = current;
      accepted = false;
      worked.clear();
      forget();
    }
    const strangersOnly = accepted && ![...suspects].some((suspect) => worked.has(suspect));
    if (common !== undefined && now() < common.nextAt && !(strangersOnly && worked.has(login))) return common.failure;
    const last = lately.get(login);
    if (last === undefined || common !== undefined) return undefined;
    if (now() < last.until) return last.failure;
    lately.delete(login);
    return undefined;
  };

  /** Whose turn it is, one at a time: everybody's while it isn't known whether our credentials are taken, else those of one login. */
  const turnOf = (login: string) => (accepted && common === undefined ? login : '');

  const taken = () => {
    accepted = true;
    suspects.clear();
    common = undefined;
  };

  const refused = (login: string, failure: Failure): Failure => {
    const at = now();
    if (failure.rule === 'NO_ACCOUNT' || failure.rule === 'ACCOUNT_CLOSED') {
      taken();
      worked.delete(login);
      keepLately(login, failure, at);
    } else if (failure.rule === 'TOO_MANY_SESSIONS') {
      taken();
    } else if (failure.rule === 'LOGIN_REFUSED') {
      suspects.add(login);
      if (common === undefined && suspects.size < COMMON) {
        keepLately(login, failure, at);
        return failure;
      }
      const wait = common === undefined ? soonMs : laterMs;
      common = { failure: forEverybody(failure), triedAt: at, nextAt: at + wait };
      return common.failure;
    }
    return failure;
  };

  return {
    attempt: async (login, open) => {
      for (;;) {
        const failure = known(login);
        if (failure !== undefined) throw failure;
        if (worked.has(login) && accepted && common === undefined) break;
        const before = turns.get(turnOf(login));
        if (before === undefined) break;
        await atMost(TURN_MS, before);
        if (turns.get(turnOf(login)) === before) break;
      }
      const turn = turnOf(login);
      let end = () => {};
      const over = new Promise<void>((resolve) => {
        end = resolve;
      });
      turns.set(turn, over);
      try {
        const opened = await open();
        taken();
        worked.add(login);
        lately.delete(login);
        return opened;
      } catch (error) {
        throw refused(login, failureOf(error));
      } finally {
        if (turns.get(turn) === over) turns.delete(turn);
        end();
      }
    },
    invite: () => {
      const at = now();
      if (common !== undefined && at - common.triedAt >= INVITED_MS) common = { ...common, nextAt: at };
    },
  };
}

function forEverybody({ code, message, hint, cause }: Failure): Failure {
  return new Failure(
    code,
    `${message}; so it is for every mailbox`,
    `${hint}; one login is tried for all of them until it works, and at once when the password's file has changed`,
    { cause, rule: CREDENTIALS_REFUSED },
  );
}
