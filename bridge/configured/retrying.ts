/**
 * When what failed is tried again. What passes by itself is tried soon, then less often; what doesn't, an account that isn't there or
 * a login that is refused, once more soon and then every few minutes: each attempt is a failed login in the server's log, and whoever
 * counts these (fail2ban, Dovecot's own penalty) would shut mandat out, and with it every revoke.
 */
import type { Config } from '../../config/schema.ts';
import type { Failure } from '../shared/failure.ts';
import type { Retry, RetryWaits } from '../sidecar/schedule.ts';

/** As configured, in ms. */
export function retryWaits({ schedule }: Pick<Config, 'schedule'>): RetryWaits {
  return {
    retryMinMs: schedule.retryMinSeconds * 1000,
    retryMaxMs: schedule.retryMaxSeconds * 1000,
    stuckMs: schedule.loginRetrySeconds * 1000,
  };
}

/** Rules of a Failure that nothing but news will mend. */
const STUCK = new Set(['NO_ACCOUNT', 'LOGIN_REFUSED', 'CREDENTIALS_REFUSED', 'ACCOUNT_CLOSED', 'OTHER_LOGIN']);

export function isStuckBy(rule: string | undefined): boolean {
  return rule !== undefined && STUCK.has(rule);
}

/**
 * Of all that went wrong in a pass, what decides when it is tried again: seldom only where nothing else is left to do, so that an account
 * that isn't there slows nobody's revoke.
 */
export function deciding(
  failures: readonly [Failure, ...Failure[]],
  revoking: boolean,
): { readonly failure: Failure; readonly retry: Retry } {
  const full = revoking ? failures.find(({ rule }) => rule === 'TOO_MANY_SESSIONS') : undefined;
  if (full !== undefined) return { failure: full, retry: 'soon' };
  const passing = failures.find(({ rule }) => !isStuckBy(rule));
  return passing === undefined ? { failure: failures[0], retry: 'stuck' } : { failure: passing, retry: 'retry' };
}
