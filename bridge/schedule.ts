/**
 * Which mailbox when. A mailbox is never worked on twice at the same time; revokes go before grants, grants before the sweep;
 * a mailbox that fails is tried again after twice as long each time and stops no other.
 */

export type Urgency = 'revoke' | 'change' | 'sweep';

/** What a pass over a mailbox says about its next one. */
export type Next = 'done' | 'again' | 'retry';

export interface ScheduleOptions {
  /** Works on one mailbox. Never throws. */
  readonly work: (mailboxId: number, attempt: number) => Promise<Next>;
  readonly concurrency: number;
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
}

export interface Schedule {
  add(mailboxId: number, urgency: Urgency): void;
  /** Resolves when nothing is queued or in hand; mailboxes that wait for a retry don't count. */
  idle(): Promise<void>;
  /** Takes no new work; resolves when what is in hand is done. */
  stop(): Promise<void>;
  readonly queued: number;
}

const ORDER: readonly Urgency[] = ['revoke', 'change', 'sweep'];

/** How long to wait before attempt number `attempt` + 1, counted from 1. */
export function retryDelay(attempt: number, minMs: number, maxMs: number): number {
  return Math.min(maxMs, minMs * 2 ** Math.min(attempt - 1, 30));
}

export function openSchedule({ work, concurrency, retryMinMs, retryMaxMs }: ScheduleOptions): Schedule {
  const queues: Readonly<Record<Urgency, Set<number>>> = { revoke: new Set(), change: new Set(), sweep: new Set() };
  const inHand = new Map<number, Promise<void>>();
  const attempts = new Map<number, number>();
  const timers = new Map<number, NodeJS.Timeout>();
  let stopped = false;
  let onIdle: (() => void)[] = [];

  const add = (mailboxId: number, urgency: Urgency) => {
    if (stopped) return;
    // The higher urgency wins; a retry that waits is overtaken by news.
    const rank = ORDER.indexOf(urgency);
    if (ORDER.slice(0, rank).some((higher) => queues[higher].has(mailboxId))) return;
    for (const lower of ORDER.slice(rank + 1)) queues[lower].delete(mailboxId);
    queues[urgency].add(mailboxId);
    clearTimeout(timers.get(mailboxId));
    timers.delete(mailboxId);
    pump();
  };

  /** A sweep leaves one place free, so that a change never waits behind a long one. */
  const roomFor = (urgency: Urgency) =>
    inHand.size < (urgency === 'sweep' ? Math.max(1, concurrency - 1) : concurrency);

  const take = (): number | undefined => {
    for (const urgency of ORDER) {
      // A revoke may exceed the limit by as much again: it never waits behind other people's grants.
      const room = roomFor(urgency) || (urgency === 'revoke' && inHand.size < 2 * concurrency);
      const next = room ? [...queues[urgency]].find((id) => !inHand.has(id)) : undefined;
      if (next !== undefined) {
        queues[urgency].delete(next);
        return next;
      }
    }
    return undefined;
  };

  const pump = () => {
    for (let next = stopped ? undefined : take(); next !== undefined; next = take()) {
      const mailboxId = next;
      inHand.set(
        mailboxId,
        attempt(mailboxId).finally(() => finished(mailboxId)),
      );
    }
  };

  const attempt = async (mailboxId: number) => {
    const count = (attempts.get(mailboxId) ?? 0) + 1;
    const next = await work(mailboxId, count);
    if (next === 'retry') {
      attempts.set(mailboxId, count);
      if (stopped) return;
      const delay = retryDelay(count, retryMinMs, retryMaxMs);
      timers.set(
        mailboxId,
        setTimeout(() => add(mailboxId, 'change'), delay),
      );
      return;
    }
    attempts.delete(mailboxId);
    if (next === 'again') queues.change.add(mailboxId);
  };

  const finished = (mailboxId: number) => {
    inHand.delete(mailboxId);
    pump();
    if (quiet()) {
      for (const resolve of onIdle) resolve();
      onIdle = [];
    }
  };

  const queued = () => ORDER.reduce((sum, urgency) => sum + queues[urgency].size, 0);
  const quiet = () => inHand.size === 0 && (stopped || queued() === 0);

  return {
    add,
    idle: () => (quiet() ? Promise.resolve() : new Promise((resolve) => onIdle.push(resolve))),
    stop: async () => {
      stopped = true;
      for (const timer of timers.values()) clearTimeout(timer);
      await Promise.all(inHand.values());
    },
    get queued() {
      return queued() + inHand.size;
    },
  };
}
