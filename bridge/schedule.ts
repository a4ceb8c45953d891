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
  const retries = new Map<number, { readonly urgency: Urgency; readonly timer: NodeJS.Timeout }>();
  let stopped = false;
  let onIdle: (() => void)[] = [];

  const add = (mailboxId: number, urgency: Urgency) => {
    if (stopped) return;
    enqueue(mailboxId, urgency);
    pump();
  };

  /** The higher urgency wins; a retry that waits is overtaken by news, which take over its urgency. */
  const enqueue = (mailboxId: number, asked: Urgency) => {
    const retry = retries.get(mailboxId);
    clearTimeout(retry?.timer);
    retries.delete(mailboxId);
    const rank = Math.min(ORDER.indexOf(asked), ORDER.indexOf(retry?.urgency ?? asked));
    if (ORDER.slice(0, rank).some((higher) => queues[higher].has(mailboxId))) return;
    for (const [place, urgency] of ORDER.entries()) {
      if (place === rank) queues[urgency].add(mailboxId);
      else queues[urgency].delete(mailboxId);
    }
  };

  /** A sweep leaves one place free, so that a change never waits behind a long one. */
  const roomFor = (urgency: Urgency) =>
    inHand.size < (urgency === 'sweep' ? Math.max(1, concurrency - 1) : concurrency);

  const take = (): { readonly mailboxId: number; readonly urgency: Urgency } | undefined => {
    for (const urgency of ORDER) {
      // A revoke may exceed the limit by as much again: it never waits behind other people's grants.
      const room = roomFor(urgency) || (urgency === 'revoke' && inHand.size < 2 * concurrency);
      const mailboxId = room ? [...queues[urgency]].find((id) => !inHand.has(id)) : undefined;
      if (mailboxId !== undefined) {
        queues[urgency].delete(mailboxId);
        return { mailboxId, urgency };
      }
    }
    return undefined;
  };

  const pump = () => {
    for (let next = stopped ? undefined : take(); next !== undefined; next = take()) {
      const { mailboxId, urgency } = next;
      inHand.set(
        mailboxId,
        attempt(mailboxId, urgency).finally(() => finished(mailboxId)),
      );
    }
  };

  const attempt = async (mailboxId: number, urgency: Urgency) => {
    const count = (attempts.get(mailboxId) ?? 0) + 1;
    const next = await work(mailboxId, count);
    if (next === 'retry') attempts.set(mailboxId, count);
    else attempts.delete(mailboxId);
    if (next === 'done') return;
    const rest = urgency === 'revoke' ? 'revoke' : 'change'; // a revoke that isn't done is still one
    const news = ORDER.some((other) => queues[other].has(mailboxId));
    if (next === 'again' || news) enqueue(mailboxId, rest);
    else if (!stopped) {
      const timer = setTimeout(() => add(mailboxId, rest), retryDelay(count, retryMinMs, retryMaxMs));
      retries.set(mailboxId, { urgency: rest, timer });
    }
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
      for (const { timer } of retries.values()) clearTimeout(timer);
      await Promise.all(inHand.values());
    },
    get queued() {
      return queued() + inHand.size;
    },
  };
}
