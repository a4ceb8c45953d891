/**
 * One sidecar, or one sync, at a time on a server's mailboxes, wherever it runs: a lease on the worker's row (worker-row.ts) that is made longer all the
 * time. It counts by the database's clock; here it is believed for a shorter time, counted from before the question, so that whoever can't ask has
 * stopped well before another may begin. A process that was stopped sees the time jump, and asks before it writes anything.
 */
import type { Client } from 'pg';
import { type Elapsed, openElapsed } from '../../shared/elapsed.ts';
import { Failure } from '../../shared/failure.ts';
import type { Working } from '../working.ts';
import { type PostgresSettings, postgresClient } from './connection.ts';
import { explainedPostgres, isSilence, superseded } from './failures.ts';
import { asksNoMore } from './patience.ts';
import { STATE_SCHEMA } from './schema-names.ts';
import { releaseRow, renewRow, type Taken, type TakeOptions } from './worker-row.ts';

/** Of a lease: how often it is made longer, for how long a confirmation is fresh, and for how long it is believed where nobody can be asked. */
const RENEWED = 1 / 6;
const FRESH = 1 / 4;
const BELIEVED = 2 / 3;

export interface Held extends TakeOptions {
  /** After a lost connection, before the work goes on: what is there may be an older database. */
  readonly again: () => Promise<void>;
  readonly elapsed?: Elapsed;
}

/** `client`: the connection on which it was taken, at `at` of `elapsed`. */
export function working(settings: PostgresSettings, taken: Taken, client: Client, at: number, held: Held): Working {
  const { server, leaseMs, again, elapsed = openElapsed() } = held;
  const { token } = taken;
  let mine: Client | undefined;
  let confirmed = at;
  let doubted = false;
  let ended = false;
  let lost: Failure | undefined;
  let tellLost: (failure: Failure) => void = () => {};
  const whenLost = new Promise<Failure>((resolve) => {
    tellLost = resolve;
  });
  const hearers = new Set<() => void>();
  const doubt = () => {
    if (doubted) return;
    doubted = true;
    for (const hear of hearers) hear();
  };
  const lose = (cause?: unknown): Failure => {
    lost ??= superseded(cause);
    clearInterval(timer);
    doubt();
    tellLost(lost);
    void mine?.end().catch(() => {});
    return lost;
  };
  const isBelieved = () => lost === undefined && elapsed() - confirmed < leaseMs * BELIEVED;

  const adopt = (one: Client) => {
    mine = one;
    const gone = () => {
      if (mine === one) mine = undefined;
    };
    one.on('error', gone).on('end', gone);
  };
  const connection = async (): Promise<readonly [Client, boolean]> => {
    if (mine !== undefined) return [mine, false];
    const one = await postgresClient(settings, {
      schemas: [STATE_SCHEMA],
      worker: token,
      silenceMs: Math.round(leaseMs / 3),
    });
    one.on('error', () => {});
    try {
      await one.connect();
    } catch (error) {
      await one.end().catch(() => {});
      throw error;
    }
    return [one, true];
  };
  let asking: Promise<void> | undefined;
  const ask = async (): Promise<void> => {
    const before = elapsed();
    let anew: Client | undefined;
    try {
      const [one, isAnew] = await connection();
      if (isAnew) anew = one;
      if (!(await renewRow(one, server, token, leaseMs))) throw lose();
      if (isAnew) {
        await again();
        adopt(one);
      }
      confirmed = before;
      doubted = false;
    } catch (error) {
      const gone = anew ?? mine;
      mine = undefined;
      await gone?.end().catch(() => {});
      throw lost ?? explainedPostgres(error, settings, 'whose turn it is');
    }
  };
  /** One question at a time, which may have been asked before whoever waits for it came. */
  const askOnce = (): Promise<void> => {
    asking ??= ask().finally(() => {
      asking = undefined;
    });
    return asking;
  };
  /** One that is slow is asked again: until another may begin, nothing has to be given up for that. */
  const askWhileBelieved = async (): Promise<void> => {
    for (;;) {
      try {
        return await askOnce();
      } catch (error) {
        if (lost !== undefined || asksNoMore() || !isSilence(error) || !isBelieved()) throw error;
      }
    }
  };
  const look = () => {
    if (ended || lost !== undefined) return;
    if (!isBelieved()) doubt();
    void askOnce().catch(() => {}); // whoever needs it hears of it
  };
  adopt(client);
  const timer = setInterval(look, leaseMs * RENEWED);

  return {
    token,
    takenFrom: taken.from && `${taken.from.host}, process ${taken.from.pid}`,
    lost: whenLost,
    get isLost() {
      return lost !== undefined;
    },
    get certain() {
      return isBelieved();
    },
    onDoubt: (hear) => {
      hearers.add(hear);
      return () => void hearers.delete(hear);
    },
    sure: async () => {
      for (let attempt = 0; attempt < 2; attempt++) {
        if (lost !== undefined) throw lost;
        if (elapsed() - confirmed < leaseMs * FRESH) return;
        await askWhileBelieved();
      }
      if (!isBelieved()) throw lost ?? unsure(settings);
    },
    release: async () => {
      ended = true;
      clearInterval(timer);
      await asking?.catch(() => {}); // nobody would end what it connects
      const one = mine;
      mine = undefined;
      if (lost === undefined && one !== undefined) await releaseRow(one, server, token).catch(() => {});
      await one?.end().catch(() => {});
    },
  };
}

function unsure({ shown }: PostgresSettings): Failure {
  return new Failure(
    'retry',
    `${shown} takes so long to answer that another sidecar may be at work by now: nothing is written`,
    'see how PostgreSQL fares',
  );
}
