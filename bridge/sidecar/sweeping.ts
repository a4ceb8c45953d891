/**
 * A sweep: every mailbox is compared with the table, whether or not anything has changed. It comes to them in batches of those that share
 * delegates: first each as its owner sees it, then all of them as each delegate does, who is logged in once for the batch. What is more urgent
 * goes first, and no more logins a second are made than [schedule] sweep_logins_per_second lets. It goes on after a restart where it stopped.
 */
import type { Config } from '../../config/schema.ts';
import type { Site } from '../reconcile/site.ts';
import { versionLine } from '../shared/version.ts';
import { closedBatches } from '../store/state/closed-batches.ts';
import { setJsonFact } from '../store/state/facts.ts';
import { type SweepBegun, sweepBegun } from '../store/state/sweep-begun.ts';
import { mailboxPortions } from '../store/state/swept-mailboxes.ts';
import { type DelegatesHalf, openDelegatesHalf } from './delegates-half.ts';
import { type LoginBudget, openLoginBudget } from './login-budget.ts';
import { digestOf } from './running-config.ts';
import type { Schedule, Urgency } from './schedule.ts';

export interface Sweeping {
  /** Begins a sweep, or goes on with the one that was broken off. True once it has come to every mailbox. */
  run(): Promise<boolean>;
  /** Whether the sweep at hand waits for a pass of it, and will see to what that leaves to be seen. */
  waitsFor(mailboxId: number): boolean;
  /** A pass has ended, of whatever urgency. */
  worked(mailboxId: number): void;
  /** The sweep at hand is broken off, and the next begins from the start. */
  anew(): void;
  /** Takes no more. */
  close(): void;
  readonly half: DelegatesHalf;
  readonly budget: LoginBudget;
}

export interface SweepingOptions {
  readonly site: () => Pick<Site, 'table' | 'state' | 'server' | 'gate' | 'cutter' | 'stopping' | 'clock'>;
  readonly config: () => Config;
  readonly schedule: Pick<Schedule, 'add' | 'beside' | 'calm' | 'isStuck'>;
}

export function openSweeping({ site, config, schedule }: SweepingOptions): Sweeping {
  const budget = openLoginBudget(() => config().schedule.sweepLoginsPerSecond);
  /** Mailboxes that the sweep has given to the schedule. */
  const inWork = new Set<number>();
  let onWorked: (() => void)[] = [];
  let leaving = new AbortController();
  let closed = false;
  let fromTheStart = false;

  const give = (mailboxId: number, urgency: Urgency) => {
    inWork.add(mailboxId);
    schedule.add(mailboxId, urgency);
  };
  const half = openDelegatesHalf({
    site,
    schedule: { beside: schedule.beside, calm: schedule.calm, add: give },
    urgency: 'sweep',
    before: () => budget.ready(leaving.signal),
    within: budget.spending,
  });
  /** Waits until fewer than so many are in work. */
  const fewerThan = async (most: number) => {
    while (inWork.size >= most && !leaving.signal.aborted)
      await new Promise<void>((resolve) => {
        onWorked.push(resolve);
      });
    leaving.signal.throwIfAborted();
  };
  const wakeUp = () => {
    for (const resolve of onWorked) resolve();
    onWorked = [];
  };
  const breakOff = () => {
    leaving.abort();
    inWork.clear();
    half.forgetAll();
    wakeUp();
  };

  const begin = async (): Promise<SweepBegun> => {
    const { state, clock } = site();
    const under = sweepsUnder(config());
    const before = await sweepBegun(state);
    // A first batch that was broken off is soon done again.
    const goesOn = !fromTheStart && before !== undefined && before.under === under && before.looked > 0;
    fromTheStart = false;
    const begun = goesOn ? before : { at: clock.now(), under, looked: 0 };
    await setJsonFact(state, 'sweep-begun', begun);
    return begun;
  };

  const delegatesHalf = async () => {
    await fewerThan(1);
    await half.look();
    await fewerThan(1);
  };

  const all = async () => {
    const { table, state } = site();
    const begun = await begin();
    const atOnce = 2 * config().imap.connections;
    let { looked } = begun;
    for await (const batch of closedBatches(state, mailboxPortions(table, state), begun.at)) {
      for (const mailboxId of batch) {
        if (schedule.isStuck(mailboxId)) continue; // it has its own time
        await schedule.calm();
        await fewerThan(atOnce);
        await budget.ready(leaving.signal);
        if (schedule.isStuck(mailboxId)) continue; // since then: the schedule would not take it, and nobody would tell of its end
        give(mailboxId, 'sweep');
        if (half.full) await delegatesHalf();
      }
      await delegatesHalf();
      looked += batch.length;
      await setJsonFact(state, 'sweep-begun', { ...begun, looked });
    }
    await setJsonFact(state, 'sweep-begun', undefined);
  };

  return {
    run: async () => {
      if (closed) return false;
      leaving = new AbortController();
      try {
        await all();
        return true;
      } catch (error) {
        if (leaving.signal.aborted) return false; // the next one comes to all of them
        for (const mailboxId of half.kept()) schedule.add(mailboxId, 'sweep');
        throw error;
      } finally {
        half.forgetAll();
        inWork.clear();
      }
    },
    waitsFor: (mailboxId) => inWork.has(mailboxId),
    worked: (mailboxId) => {
      if (inWork.delete(mailboxId)) wakeUp();
    },
    anew: () => {
      fromTheStart = true;
      breakOff();
    },
    close: () => {
      closed = true;
      breakOff();
    },
    half,
    budget,
  };
}

/** What a sweep is done under: with another program, or another configuration, it begins anew. */
export function sweepsUnder(config: Config): string {
  return `${versionLine()}, ${digestOf(config)}`;
}
