/**
 * Too much disappearing at once is more often an accident (a table emptied, a bad import) than an intention. Such a wave is held,
 * loudly, until somebody says so. A revoke that somebody asked for by name, an end, a lapse, a suspension is never held.
 */

export interface GuardSettings {
  readonly enabled: boolean;
  /** Held only when more pairs than this would go ... */
  readonly maxPairs: number;
  /** ... and more than this share of all pairs, in percent. */
  readonly maxPercent: number;
}

/** Whether a wave of `disappearing` pairs out of `all` that stand is held. */
export function isHeld(disappearing: number, all: number, { enabled, maxPairs, maxPercent }: GuardSettings): boolean {
  return enabled && disappearing > maxPairs && disappearing * 100 > all * maxPercent;
}
