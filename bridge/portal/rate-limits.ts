/** How often somebody may ask: a bucket for each, that fills again with time. Bounded: who hasn't asked for longest is forgotten first. */

export interface Rate {
  /** So many at once ... */
  readonly burst: number;
  /** ... and so many a minute for ever. */
  readonly perMinute: number;
}

export interface RateLimit {
  /** Undefined: go on. Else in how many seconds to ask again. */
  spend(key: string): number | undefined;
}

/** So many askers are told apart. */
const MOST = 20_000;

export function rateLimit({ burst, perMinute }: Rate, now: () => number): RateLimit {
  const buckets = new Map<string, { left: number; at: number }>();
  return {
    spend: (key) => {
      const before = buckets.get(key);
      const refilled = before === undefined ? burst : before.left + ((now() - before.at) * perMinute) / 60_000;
      const left = Math.min(burst, refilled);
      const allowed = left >= 1;
      buckets.delete(key); // to the end: the order is that of the last question
      buckets.set(key, { left: allowed ? left - 1 : left, at: now() });
      if (buckets.size > MOST) buckets.delete(buckets.keys().next().value ?? '');
      return allowed ? undefined : Math.max(1, Math.ceil(((1 - left) * 60) / perMinute));
    },
  };
}

/** When to ask again where something of ours is away; it may be back at any moment. */
export const AWAY_RETRY_SECONDS = 5;

/**
 * Who is known has a limit of their own, wherever they ask from: a whole hospital may come from one address, and all users of a webmail from its
 * server. By address only those are limited whom nobody knows.
 */
export const RATES = {
  address: { burst: 600, perMinute: 1200 },
  session: { burst: 120, perMinute: 240 },
  /** Sign-ins that begin or come back, by address; never so many that those of others are forgotten meanwhile (begun-sign-ins.ts). */
  signIn: { burst: 300, perMinute: 150 },
  /** Pages with a question in their address, by session: searches. */
  search: { burst: 40, perMinute: 60 },
  /** Changes, by session. */
  change: { burst: 30, perMinute: 60 },
} as const satisfies Record<string, Rate>;
