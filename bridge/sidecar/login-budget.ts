/**
 * How many logins a second sweeps may ask of the IMAP server ([schedule] sweep_logins_per_second). What a sweep does is begun when a login is
 * left, and each login that it makes is counted, those for what it found to mend too: these wait for nothing, and what comes after waits longer.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { MailServer } from '../reconcile/driver-interfaces.ts';

export interface LoginBudget {
  /** Resolves when a login is left, and takes it; rejects when `signal` says to leave. */
  ready(signal: AbortSignal): Promise<void>;
  /** What is done within counts, beyond the one that was taken for it; given back where there was none. `login`: called for each. */
  spending<T>(work: (login: () => void) => Promise<T>): Promise<T>;
}

/**
 * As many as a second allows may come at once after a rest.
 * @param perSecond as configured now; 0: as many as there are
 * @param now of a clock that never goes back; ms
 */
export function openLoginBudget(perSecond: () => number, now: () => number = () => performance.now()): LoginBudget {
  let left = perSecond();
  let at = now();
  const refill = () => {
    const since = (now() - at) / 1000;
    at = now();
    left = Math.min(perSecond(), left + since * perSecond());
  };
  return {
    ready: async (signal) => {
      for (;;) {
        signal.throwIfAborted();
        refill();
        if (perSecond() === 0) return;
        if (left >= 1) {
          left -= 1;
          return;
        }
        await delay(Math.ceil(((1 - left) * 1000) / perSecond()), undefined, { signal });
      }
    },
    spending: async (work) => {
      let logins = 0;
      try {
        return await work(() => {
          logins++;
        });
      } finally {
        refill();
        left = Math.min(perSecond(), left + 1 - logins);
      }
    },
  };
}

/** Each session that is asked for counts, whether or not it comes about. */
export function countedLogins<S extends Pick<MailServer, 'asOwner' | 'asDelegate'>>(server: S, login: () => void): S {
  return {
    ...server,
    asOwner: (...about: Parameters<MailServer['asOwner']>) => {
      login();
      return server.asOwner(...about);
    },
    asDelegate: (...about: Parameters<MailServer['asDelegate']>) => {
      login();
      return server.asDelegate(...about);
    },
  };
}
