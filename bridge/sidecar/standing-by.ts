/**
 * Of several sidecars on one server's mailboxes one works and the others stand by, each in its own data_dir: waits for its turn, begins the work when
 * it has come, and stops it when another has taken over. Then it stands by again.
 */
import type { Logger } from 'pino';
import type { Config } from '../../config/schema.ts';
import { standByOn } from '../configured/stores.ts';
import type { Signs } from '../health/signs.ts';
import type { Kept } from '../safeguards/replaced-files.ts';
import { type Failure, failureOf } from '../shared/failure.ts';
import { dataFiles } from '../store/files/data-files.ts';
import { takeLock } from '../store/files/lock.ts';
import type { Working } from '../store/working.ts';
import type { Standing } from './engine.ts';
import { askForLooks } from './late-writes.ts';

/** What a stand-by does meanwhile, beside waiting. The answer ends it, once it has got as far as it can. */
export type Meanwhile = (config: Config) => Promise<(how: 'take over' | 'leave') => Promise<void>>;

/**
 * Answers when the work has begun, or when another is seen to work. Fails as a start does: where another process works with this data_dir
 * (MANDAT_RUNNING), or the database can't be asked at the start.
 */
export async function keepWorking(
  config: Config,
  log: Logger,
  signs: Signs,
  begin: (config: Config, standing: Standing) => Promise<Kept>,
  meanwhile: Meanwhile,
): Promise<Kept> {
  const lock = takeLock(dataFiles(config.dataDir).lock); // two with the same keys and maps are a mistake, never a stand-by
  let current = config;
  let kept: Kept | undefined;
  let last: Promise<void> = Promise.resolve();
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const turn = last.then(work);
    last = turn.catch(() => {});
    return turn;
  };
  const leaving = new AbortController();
  const left = new Promise<void>((resolve) => {
    leaving.signal.addEventListener('abort', () => resolve());
  });

  /** One turn: standing by, working, and losing it. */
  const turn = async (started: () => void, failedAtStart: (failure: Failure) => void): Promise<void> => {
    const standing: Mutable<Standing> = { again: async () => {}, late: new Set() };
    let endMeanwhile: Awaited<ReturnType<Meanwhile>> | undefined;
    const working = await standByOn(current, () => standing.again(), {
      signal: leaving.signal,
      failed: (failure) => {
        failedAtStart(failure);
        const { code, message, hint } = failure;
        log.error({ code, hint }, `${message}; this sidecar stands by`);
        signs.standsBy({ told: "stands by; the database can't be asked", ok: false });
      },
      told: ({ host, pid, since }) => {
        log.warn({ works: { host, pid, since } }, 'another sidecar works on this server: this one stands by');
        signs.standsBy({ told: `stands by: process ${pid} on ${host} works`, ok: true });
        started();
        if (endMeanwhile !== undefined) return;
        endMeanwhile = async () => {};
        void inTurn(async () => {
          endMeanwhile = await meanwhile(current).catch((error: unknown) => {
            log.warn({ reason: failureOf(error).message }, 'while it stands by');
            return async () => {};
          });
        });
      },
    });
    await last;
    await endMeanwhile?.(working === undefined ? 'leave' : 'take over');
    if (working === undefined) return;
    const ended = await work(working, standing, started).finally(() => working.release());
    if (ended !== undefined) throw ended;
  };

  const work = async (working: Working, standing: Mutable<Standing>, started: () => void) => {
    signs.standsBy(undefined);
    if (working.takenFrom !== undefined)
      log.warn(
        { from: working.takenFrom },
        'taken over from a sidecar that was silent: what it had in hand is done now',
      );
    standing.working = working;
    let mine: Kept;
    try {
      mine = await begin(current, standing as Standing);
    } catch (error) {
      if (!working.isLost) throw error;
      return undefined;
    }
    kept = mine;
    started();
    const failure = await Promise.race([working.lost.then(() => undefined), mine.ended, left.then(() => undefined)]);
    await inTurn(async () => {
      kept = undefined;
      if (working.isLost) {
        log.error('another sidecar has taken over: nothing more is written here, and this one stands by');
        signs.standsBy({ told: 'stands by', ok: true });
      }
      await mine
        .stop(working.isLost ? 'abandon' : 'orderly')
        .catch((error: unknown) => log.warn({ reason: failureOf(error).message }, 'while closing'));
    });
    if (standing.late.size > 0)
      await askForLooks(current, [...standing.late]).catch((error: unknown) =>
        log.error(
          { reason: failureOf(error).message },
          'what may have been written late could not be told to the other sidecar',
        ),
      );
    return failure;
  };

  let end: (failure: Failure) => void = () => {};
  const ended = new Promise<Failure>((resolve) => {
    end = resolve;
  });
  let over: Promise<void> = Promise.resolve();
  await new Promise<void>((started, failed) => {
    let isStarted = false;
    const begun = () => {
      isStarted = true;
      started();
    };
    const failedAtStart = (failure: Failure) => {
      if (isStarted) return;
      failed(failure);
      leaving.abort();
    };
    over = (async () => {
      while (!leaving.signal.aborted) await turn(begun, failedAtStart);
    })()
      .catch((error: unknown) => {
        if (!isStarted) return failed(error);
        const failure = failureOf(error);
        if (!leaving.signal.aborted)
          log.error({ code: failure.code, hint: failure.hint }, `this ends: ${failure.message}`);
        end(failure);
      })
      .finally(() => lock.release());
  });
  return {
    ended,
    reload: (next) =>
      inTurn(async () => {
        await kept?.reload(next);
        current = next;
      }),
    stop: async () => {
      leaving.abort();
      await over;
    },
  };
}

type Mutable<T> = { -readonly [K in keyof T]?: T[K] } & { again: () => Promise<void>; late: Set<string> };
