/**
 * Which mailbox when. A mailbox is never worked on twice at the same time; revokes go before grants, grants before what is left of
 * them, and that before the sweep; a mailbox that fails is tried again after twice as long each time and stops no other.
 *
 * First phases go first: what decides takes milliseconds, the rest of a large tree may take many seconds. So a pass asks before its
 * second phase, and where others wait for their first it ends there and comes back later. What is in its second phase keeps no
 * place from a first one.
 */

import { atMost } from '../shared/portions.ts';

/** How long a step of what is no revoke waits for one, in milliseconds: as long as a revoke's first phase takes where its servers answer. */
const LET_BY_MS = 100;

/** The same of a sweep, which waits for grants too. One that can't be brought in force keeps it no longer. */
const CALM_MS = 500;

/** So many news go before one that has waited longer. */
const NEWS_IN_A_ROW = 3;

/** `rest`: what is in force, for its second phase. */
export type Urgency = 'revoke' | 'change' | 'rest' | 'sweep';

/** What a pass over a mailbox says about its next one. `rest`: in force, and it gave way before its second phase. `parked`: not before {@link Schedule.unpark}. */
export type Next = 'done' | 'again' | 'rest' | 'parked' | Retry;

/**
 * How a failure is tried again. `retry`: after twice as long each time. `stuck`: somebody must act, so once soon and then seldom, unless
 * there is news. `soon`: a revoke that waits for a place at the server, at short intervals.
 */
export type Retry = 'retry' | 'stuck' | 'soon';

export interface RetryWaits {
  readonly retryMinMs: number;
  readonly retryMaxMs: number;
  /** Between two attempts at what is stuck, from the second one on. */
  readonly stuckMs: number;
}

/** Asked once, between the phases. False: others wait, give way. */
export interface GoOn {
  (): boolean;
  /** As what this pass was taken out of its queue. */
  readonly urgency?: Urgency;
  /** Asked while nothing happens but that an answer is awaited: whether a revoke waits for a place. */
  readonly crowded?: () => boolean;
  /** Between two steps of what is no revoke: waits while one is in its first phase, and a sweep while a grant is, for a moment at most. */
  readonly letBy?: () => Promise<void>;
}

export interface ScheduleOptions extends RetryWaits {
  /** Works on one mailbox. Never throws. */
  readonly work: (mailboxId: number, attempt: number, goOn: GoOn) => Promise<Next>;
  /** How many first phases at once, and as many in their second. */
  readonly concurrency: number;
}

export interface Schedule {
  /** What a sweep would look at stays alone while it is `stuck`: it has its own time. `news`: goes before others of its urgency that are not. */
  add(mailboxId: number, urgency: Urgency, news?: boolean): void;
  /** Something has changed that may help: what is stuck is tried now. */
  wakeStuck(): void;
  /** What was parked is queued again, as urgent as it was. */
  unpark(): void;
  /** Whether it is stuck, and waits for its next attempt. */
  isStuck(mailboxId: number): boolean;
  /** Resolves when nothing is queued or in hand; mailboxes that wait for a retry don't count. */
  idle(): Promise<void>;
  /**
   * A session of its own that takes a place as what is left of grants does (`rest`), or as a sweep does; in its turn after what is left of grants and
   * before the sweep. Resolves when it is over, or won't be begun any more. `job` never rejects.
   */
  beside(job: () => Promise<void>, urgency: 'rest' | 'sweep'): Promise<void>;
  /** Resolves when no revoke or grant is queued or in its first phase; for a moment at most. */
  calm(): Promise<void>;
  /** Resolves when no revoke is queued or in its first phase. */
  revokesFirst(): Promise<void>;
  /** The same, for a moment at most. */
  revokesBy(): Promise<void>;
  /** Takes no new work; resolves when what is in hand is done. */
  stop(): Promise<void>;
  readonly queued: number;
  readonly sizes: ScheduleSizes;
  /** Whether a revoke or a grant waits, or is in its first phase: what is less urgent had better wait. */
  readonly pressed: boolean;
}

/** How many mailboxes wait for their turn, are being worked on, and wait for their next attempt. */
export interface ScheduleSizes {
  readonly queued: Readonly<Record<Urgency, number>>;
  readonly inHand: number;
  readonly retrying: Readonly<Record<Retry, number>>;
}

const ORDER: readonly Urgency[] = ['revoke', 'change', 'rest', 'sweep'];

/** How long to wait before attempt number `attempt` + 1, counted from 1. */
export function retryDelay(attempt: number, minMs: number, maxMs: number): number {
  return Math.min(maxMs, minMs * 2 ** Math.min(attempt - 1, 30));
}

/** The same for each kind of failure, in ms. */
export function retryWait(kind: Retry, attempt: number, { retryMinMs, retryMaxMs, stuckMs }: RetryWaits): number {
  switch (kind) {
    case 'soon':
      return retryMinMs;
    case 'stuck':
      return attempt === 1 ? retryMinMs : stuckMs;
    case 'retry':
      return retryDelay(attempt, retryMinMs, retryMaxMs);
  }
}

export function openSchedule({ work, concurrency, ...waits }: ScheduleOptions): Schedule {
  const queues: Readonly<Record<Urgency, Set<number>>> = {
    revoke: new Set(),
    change: new Set(),
    rest: new Set(),
    sweep: new Set(),
  };
  /** Of the changes: what somebody waits for, before a great many that have come together. */
  const news = new Set<number>();
  let newsTaken = 0;
  const inHand = new Map<number, Promise<void>>();
  /** Of these, whose first phase decides something and isn't over. */
  const deciding = new Set<number>();
  /** Of those, which are revokes. */
  const revoking = new Set<number>();
  let onRevoked: (() => void)[] = [];
  let onCalm: (() => void)[] = [];
  interface Job {
    readonly job: () => Promise<void>;
    readonly over: () => void;
  }
  const jobs: Readonly<Record<'rest' | 'sweep', Job[]>> = { rest: [], sweep: [] };
  const besides = new Set<Promise<void>>();
  const attempts = new Map<number, number>();
  const retries = new Map<
    number,
    { readonly urgency: Urgency; readonly kind: Retry; readonly timer: NodeJS.Timeout }
  >();
  const parked = new Map<number, Urgency>();
  let stopped = false;
  let onIdle: (() => void)[] = [];

  const add = (mailboxId: number, urgency: Urgency, isNews = false) => {
    if (stopped) return;
    if (isNews && urgency === 'change') news.add(mailboxId);
    if (isStuck(mailboxId)) {
      if (urgency === 'sweep') return;
      attempts.delete(mailboxId); // news may have mended it: it may fail once more before it waits for long again
    }
    again(mailboxId, urgency);
  };

  const again = (mailboxId: number, urgency: Urgency) => {
    if (stopped) return;
    enqueue(mailboxId, urgency);
    pump();
  };

  const isStuck = (mailboxId: number) => retries.get(mailboxId)?.kind === 'stuck';

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

  const roomFor = (urgency: Urgency): boolean => {
    switch (urgency) {
      case 'revoke': // exceeds the limit by as much again: it never waits behind other people's grants; nor is a wave of them without end
        return inHand.size < 2 * concurrency || (deciding.size < concurrency && inHand.size < 3 * concurrency);
      case 'change':
        return deciding.size < concurrency && inHand.size < 2 * concurrency;
      case 'rest':
        return inHand.size + besides.size < concurrency;
      case 'sweep': // leaves one place free for the server's own users
        return inHand.size + besides.size < Math.max(1, concurrency - 1);
    }
  };

  /** News go first, but that one in some is for those that have waited longer: else news without end would keep them for ever. */
  const firstNews = (): number | undefined => {
    if (newsTaken % (NEWS_IN_A_ROW + 1) === NEWS_IN_A_ROW) return undefined;
    for (const mailboxId of news) {
      if (!queues.change.has(mailboxId))
        news.delete(mailboxId); // overtaken: it is more urgent, or in hand
      else if (!inHand.has(mailboxId)) return mailboxId;
    }
    return undefined;
  };

  const firstFree = (urgency: Urgency): number | undefined => {
    const first = urgency === 'change' ? firstNews() : undefined;
    if (first !== undefined) return first;
    for (const mailboxId of queues[urgency]) if (!inHand.has(mailboxId)) return mailboxId;
    return undefined;
  };

  const take = (): { readonly mailboxId: number; readonly urgency: Urgency } | undefined => {
    for (const urgency of ORDER) {
      if (urgency === 'sweep') {
        beginBesides('rest');
        beginBesides('sweep');
      }
      const mailboxId = roomFor(urgency) ? firstFree(urgency) : undefined;
      if (mailboxId !== undefined) {
        queues[urgency].delete(mailboxId);
        if (urgency === 'change') newsTaken = news.size === 0 ? 0 : newsTaken + 1;
        news.delete(mailboxId);
        return { mailboxId, urgency };
      }
    }
    return undefined;
  };

  const beginBesides = (urgency: 'rest' | 'sweep') => {
    while (jobs[urgency].length > 0 && roomFor(urgency)) {
      const next = jobs[urgency].shift();
      if (next === undefined) return;
      const running = next.job().finally(() => {
        besides.delete(running);
        next.over();
        pump();
        tellIfQuiet();
      });
      besides.add(running);
    }
  };

  const pump = () => {
    for (let next = stopped ? undefined : take(); next !== undefined; next = take()) {
      const { mailboxId, urgency } = next;
      if (urgency === 'revoke' || urgency === 'change') deciding.add(mailboxId);
      if (urgency === 'revoke') revoking.add(mailboxId);
      inHand.set(
        mailboxId,
        attempt(mailboxId, urgency).finally(() => finished(mailboxId)),
      );
    }
  };

  /** A revoke goes on whoever waits: without inheritance it is over only when every folder's entry has gone. */
  const goOn = (mailboxId: number, urgency: Urgency): GoOn =>
    Object.assign(() => mayGoOn(mailboxId, urgency), {
      urgency,
      crowded: () => firstFree('revoke') !== undefined && !roomFor('revoke'),
      letBy: urgency === 'revoke' ? async () => {} : urgency === 'sweep' ? () => calm(LET_BY_MS) : revokesBy,
    });

  const mayGoOn = (mailboxId: number, urgency: Urgency) => {
    const othersWait = firstFree('revoke') !== undefined || firstFree('change') !== undefined;
    const resting = inHand.size - deciding.size;
    if (urgency === 'change' && (othersWait || resting >= concurrency)) return false;
    if (deciding.delete(mailboxId)) pump();
    revoked(mailboxId);
    return true;
  };

  const pressed = () => queues.revoke.size + queues.change.size + deciding.size > 0;
  /** But what waits for the very mailbox that is in hand: that one had better get on. */
  const isCalm = () => deciding.size === 0 && firstFree('revoke') === undefined && firstFree('change') === undefined;
  const calm = async (atMostMs = CALM_MS) => {
    if (!isCalm() && !stopped) await atMost(atMostMs, new Promise<void>((resolve) => onCalm.push(resolve)));
  };
  const revokesBy = async () => {
    if (!noRevoke()) await atMost(LET_BY_MS, revokesFirst());
  };
  const revokesFirst = (): Promise<void> =>
    noRevoke() ? Promise.resolve() : new Promise((resolve) => onRevoked.push(resolve));
  const noRevoke = () => revoking.size === 0 && (stopped || queues.revoke.size === 0);
  const revoked = (mailboxId: number) => {
    revoking.delete(mailboxId);
    if (isCalm()) {
      for (const resolve of onCalm) resolve();
      onCalm = [];
    }
    if (!noRevoke()) return;
    for (const resolve of onRevoked) resolve();
    onRevoked = [];
  };

  const attempt = async (mailboxId: number, urgency: Urgency) => {
    const count = (attempts.get(mailboxId) ?? 0) + 1;
    const next = await work(mailboxId, count, goOn(mailboxId, urgency));
    if (next === 'rest') return enqueue(mailboxId, 'rest');
    if (next === 'done' || next === 'again') attempts.delete(mailboxId);
    else attempts.set(mailboxId, count);
    if (next === 'done') return void parked.delete(mailboxId);
    if (next === 'parked') return park(mailboxId, urgency);
    const still = urgency === 'revoke' || (urgency === 'sweep' && next !== 'again') ? urgency : 'change'; // what isn't done is still what it was
    const news = ORDER.some((other) => queues[other].has(mailboxId));
    if (next === 'again' || news) enqueue(mailboxId, still);
    else if (!stopped) {
      const timer = setTimeout(() => again(mailboxId, still), retryWait(next, count, waits));
      retries.set(mailboxId, { urgency: still, kind: next, timer });
    }
  };

  const park = (mailboxId: number, urgency: Urgency) => {
    attempts.delete(mailboxId);
    const before = parked.get(mailboxId) ?? urgency;
    parked.set(mailboxId, ORDER[Math.min(ORDER.indexOf(urgency), ORDER.indexOf(before))] ?? urgency);
  };

  const finished = (mailboxId: number) => {
    inHand.delete(mailboxId);
    deciding.delete(mailboxId);
    pump();
    revoked(mailboxId);
    tellIfQuiet();
  };
  const tellIfQuiet = () => {
    if (!quiet()) return;
    for (const resolve of onIdle) resolve();
    onIdle = [];
  };

  const queued = () => ORDER.reduce((sum, urgency) => sum + queues[urgency].size, 0);
  const quiet = () =>
    inHand.size + besides.size === 0 && (stopped || queued() + jobs.rest.length + jobs.sweep.length === 0);

  return {
    add,
    isStuck,
    unpark: () => {
      if (!stopped) for (const [mailboxId, urgency] of parked) enqueue(mailboxId, urgency);
      parked.clear();
      pump();
    },
    wakeStuck: () => {
      for (const [mailboxId, { urgency, kind }] of retries) {
        if (kind !== 'stuck') continue;
        attempts.delete(mailboxId);
        again(mailboxId, urgency);
      }
    },
    idle: () => (quiet() ? Promise.resolve() : new Promise((resolve) => onIdle.push(resolve))),
    beside: (job, urgency) =>
      new Promise((over) => {
        if (stopped) return over();
        jobs[urgency].push({ job, over });
        pump();
      }),
    calm: () => calm(),
    revokesFirst,
    revokesBy,
    stop: async () => {
      stopped = true;
      for (const waiting of [jobs.rest, jobs.sweep]) for (const { over } of waiting.splice(0)) over();
      for (const { timer } of retries.values()) clearTimeout(timer);
      await Promise.all([...inHand.values(), ...besides]);
    },
    get pressed() {
      return pressed();
    },
    get sizes() {
      const { revoke, change, rest, sweep } = queues;
      const retrying = { retry: 0, stuck: 0, soon: 0 };
      for (const { kind } of retries.values()) retrying[kind]++;
      return {
        queued: { revoke: revoke.size, change: change.size, rest: rest.size, sweep: sweep.size },
        inHand: inHand.size,
        retrying,
      };
    },
    get queued() {
      return queued() + inHand.size;
    },
  };
}
