/**
 * The running sidecar: watches the table, wakes when a start, an end or a lapse comes due, sweeps all mailboxes in the
 * background, and works through what they say.
 */

import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Config } from '../../config/schema.ts';
import type { Environment } from '../configured/drivers.ts';
import { retryWaits } from '../configured/retrying.ts';
import { openEars } from '../events/ears.ts';
import { NO_SIGNS, type Signs } from '../health/signs.ts';
import { openPostman } from '../notify/postman.ts';
import type { Opened } from '../safeguards/replaced-files.ts';
import { socketmapOf } from '../sender/configured-outputs.ts';
import { type Socketmap, startSocketmap } from '../sender/socketmap.ts';
import { closeAll } from '../shared/close-all.ts';
import { type Failure, failureOf } from '../shared/failure.ts';
import { watchLoop } from '../shared/loop-holds.ts';
import { atMost, type GiveWay, giveBack } from '../shared/portions.ts';
import { type DataFiles, dataFiles } from '../store/files/data-files.ts';
import { fact, setFact } from '../store/state/facts.ts';
import { mailboxPortions } from '../store/state/swept-mailboxes.ts';
import { dueBetween, nextDue } from '../store/table/due-times.ts';
import { changedSinceTakeOver, longestCommand } from './after-take-over.ts';
import { openAlarm } from './alarm.ts';
import { followCredentials } from './changed-secrets.ts';
import { openDelegatesHalf } from './delegates-half.ts';
import { openEngine, type Standing } from './engine.ts';
import { lookAtFolders } from './folder-look.ts';
import { followPause } from './follow-pause.ts';
import { openJobs } from './jobs.ts';
import { openLater } from './later.ts';
import { openOverdue } from './overdue.ts';
import { noteLoop, noteSidecar } from './running-config.ts';
import { openSchedule, type Schedule } from './schedule.ts';
import { keepSmall } from './small-files.ts';
import { openSweeping } from './sweeping.ts';
import { watchCommits } from './watch-commits.ts';
import type { Watch } from './watch-table.ts';
import { workOnMailbox } from './work-on-mailbox.ts';

/** setTimeout fires at once above 24.8 days; and a clock may be set meanwhile. */
const LONGEST_SLEEP_MS = 3_600_000;

/** How long after a wake-up comes what nobody waits for: each of its commits would keep a first phase from the processor and the disk. */
const AFTERWARDS_MS = 50;

/** How long after a pass its rows are compared with those that were seen before: for the trail, nobody waits for it. */
const COMPARED_MS = 1000;

/** As long as a portion may take: what nobody waits for has half of the processor and the disk at most. */
const BREATH_MS = 10;

/** A server that doesn't answer may keep a revoke for ever, and a program that never stops writing keeps us awake: what gives way gets on then. */
const LONGEST_WAY_MS = 1000;

/** How long what was noted is still taken over at the end. The rest keeps. */
const LEAVING_MS = 5000;

export async function startDaemon(
  config: Config,
  env: Environment,
  log: Logger,
  signs: Signs = NO_SIGNS,
  standing?: Standing,
  moved: (failure: Failure) => void = () => {},
): Promise<Opened> {
  const engine = await openEngine(config, env, log, 'sidecar', signs, standing);
  const { table, state } = engine;
  const { clock } = engine.site;
  let [pausedAtFirst, lookedAt = ''] = await Promise.all([engine.paused(), fact(state, 'clock')]).catch(
    async (error: unknown) => {
      await engine.close().catch(() => {}); // nothing is left that would keep the process
      throw error;
    },
  );
  const files = dataFiles(config.dataDir);
  let current = config;
  let stopping = false;

  /** What was worked on is compared with what was seen before, once for a burst. */
  let comparing: NodeJS.Timeout | undefined;
  const compare = () => {
    comparing ??= setTimeout(() => {
      comparing = undefined;
      void drain();
    }, COMPARED_MS);
  };

  const openOutbox = () =>
    openPostman({
      config: current,
      env,
      state,
      now: clock.now,
      log,
      audit: (...what) => engine.site.audit(...what),
      mine: engine.hasDuties,
      sure: engine.sureOfDuties,
    });
  let postman = openOutbox();
  const overdue = openOverdue(table, state, log, clock.now);

  const schedule = openSchedule({
    work: workOnMailbox({
      engine,
      log,
      signs,
      schedule: () => schedule,
      sweeping: () => sweeping,
      many: () => many,
      later: () => later,
      overdue,
      heard: (result) => {
        postman.wake();
        credentials.heard(result);
      },
      over: compare,
    }),
    concurrency: config.imap.connections,
    ...retryWaits(config),
  });

  /** What is left for some minutes, because it was put right too often, is looked at then. */
  const later = openLater((mailboxId) => schedule.add(mailboxId, 'rest'));

  engine.changes.onChange(schedule.add);
  const sweeping = openSweeping({ site: () => engine.site, config: () => current, schedule });
  const many = openDelegatesHalf({ site: () => engine.site, schedule, urgency: 'rest' });
  /** For whoever has a hint that something has changed there: what was seen before counts for nothing. */
  const hinted: Pick<Schedule, 'add' | 'pressed' | 'isStuck'> = {
    isStuck: schedule.isStuck,
    add: (mailboxId, urgency, news) => {
      for (const half of [sweeping.half, many]) half.forget(mailboxId);
      schedule.add(mailboxId, urgency, news);
    },
    get pressed() {
      return schedule.pressed;
    },
  };
  const credentials = followCredentials({ config: () => current, env, log, tryAgain: schedule.wakeStuck });

  const { serially, takeUndone } = openJobs({
    log,
    signs,
    ending: () => stopping || engine.working.isLost,
    moved,
    seldom: config.database !== undefined,
  });
  /** Of those that nothing calls again by itself: a database that was away for a moment. */
  const doAgain = () => {
    if (takeUndone('wake')) void wake();
    if (takeUndone('due')) void due();
  };

  /** What nobody waits for lets a wake-up find out what there is to do, then revokes. */
  const giveWay: GiveWay = async () => {
    await delay(BREATH_MS); // half of the time is everybody else's
    await atMost(LONGEST_WAY_MS, Promise.all([waking, schedule.revokesFirst()]));
    return performance.now() < leaving;
  };
  let leaving = Number.POSITIVE_INFINITY;

  let waking: Promise<void> | undefined;
  const wake = () => {
    waking = lookWhatChanged();
    return waking;
  };
  const lookWhatChanged = serially(async () => {
    await engine.mend(); // and says at once where the table can't be read
    await pause.look();
    await engine.changes.look(schedule.revokesBy);
    const { pairs, standing } = engine.changes.held;
    if (pairs > 0) {
      log.error(
        { pairs, standing },
        'held: so many delegations disappeared at once that it may be an accident; "mandat sync --force" lets them go',
      );
    }
    afterwards ??= setTimeout(() => void follow(), AFTERWARDS_MS);
  }, 'wake');

  const pause = followPause(pausedAtFirst, {
    state,
    log,
    schedule,
    paused: engine.paused,
    resumed: () => void sweepAnew(),
  });

  /** Once for a burst of wake-ups. */
  let afterwards: NodeJS.Timeout | undefined;
  const follow = serially(async () => {
    clearTimeout(afterwards);
    afterwards = undefined;
    void drain();
    // Where rules were changed, what they should have marked may not be marked.
    if (await engine.rulesMoved()) void sweepAnew();
    await due();
  });

  const drain = serially(async () => {
    await engine.drain(giveWay);
    await engine.tellHead();
  });

  const alarm = openAlarm(() => void due());
  const due = serially(async () => {
    const now = clock.now();
    for await (const ids of dueBetween(table, lookedAt, now)) {
      for (const mailboxId of ids) schedule.add(mailboxId, 'revoke');
      await giveBack();
    }
    lookedAt = now;
    await clock.save();
    const next = await nextDue(table, now);
    const until = next === undefined ? LONGEST_SLEEP_MS : Date.parse(next) - Date.parse(clock.now());
    const sleep = Number.isNaN(until) ? LONGEST_SLEEP_MS : until; // no instant, though the rules say so
    alarm.set(Math.min(LONGEST_SLEEP_MS, sleep));
  }, 'due');

  const sweep = serially(async () => {
    await engine.rulesMoved();
    await engine.mend();
    if (!(await giveWay())) return;
    const resting = (await engine.paused()) !== undefined;
    if (!resting) {
      // A sweep that goes on would leave out what was looked at before the guard has judged it.
      if (await engine.adoptAll(mailboxPortions(table, state))) sweeping.anew();
      await engine.lookAtAll(giveWay);
      await engine.clearAway(giveWay);
      if (!(await sweeping.run())) return;
      await engine.adopted();
    }
    await engine.prune(giveWay);
    await engine.tellHead();
    await engine.proveTrail(giveWay);
    if (resting) return;
    await setFact(state, 'sweep', clock.now());
    log.debug('sweep done');
  });
  const sweepAnew = () => {
    sweeping.anew();
    return sweep();
  };
  engine.onOlder(() => void sweepAnew());
  let sweepTimer: NodeJS.Timeout | undefined;
  const sweepEvery = ({ schedule: { sweepIntervalMinutes } }: Config) => {
    clearInterval(sweepTimer);
    sweepTimer = setInterval(() => void sweep(), sweepIntervalMinutes * 60_000);
  };

  /** What the one before us had under way may come late: once it can't any more, those mailboxes are looked at again. */
  const { takenAt } = engine;
  const secondLook = serially(async () => {
    if (takenAt === undefined) return;
    for await (const ids of changedSinceTakeOver(table, state, takenAt)) for (const id of ids) schedule.add(id, 'rest');
  });
  const secondLookTimer =
    takenAt === undefined ? undefined : setTimeout(() => void secondLook(), longestCommand(config.imap.timeoutSeconds));

  const openLooks = () => lookAtFolders(engine.site, hinted, current.schedule, log);
  const openListening = () =>
    openEars({ config: current, env, log, site: engine.site, schedule: hinted, missed: () => void sweep() });

  const drainSubmissions = serially(() => engine.drainSubmissions(giveWay));

  // Where they are in PostgreSQL, those that may lie here are nobody's any more.
  const inUse = config.database === undefined ? [files.delegations, files.state, files.submissions] : [];
  const shrink = keepSmall(inUse, log);
  const upkeep = serially(async () => {
    await engine.keepHead();
    if (!pause.isPaused) await overdue.look(performance.now());
    await shrink(giveWay);
  }, 'upkeep');
  if (engine.age === 'restored') {
    log.error(
      'the delegation table is older than the one last seen: it is obeyed only where it takes access away, until "mandat restore accept"',
    );
  }
  if (config.sessions === undefined) {
    log.warn('[sessions] is not configured: sessions that a delegate has open will outlive a revoke');
  }
  if (config.senderRules === undefined) {
    log.warn('[sender_rules] is not configured: no delegate may send on behalf of an owner');
  }
  let watch: Watch | undefined;
  let socketmap: Socketmap | undefined;
  let loop: ReturnType<typeof watchLoop> | undefined;
  let looks: ReturnType<typeof openLooks> | undefined;
  let ears: Awaited<ReturnType<typeof openListening>> | undefined;
  let submissionsTimer: NodeJS.Timeout | undefined;
  let unseen = () => {};
  const stop: Opened['stop'] = async (how) => {
    stopping = how === 'abandon';
    leaving = how === 'abandon' ? 0 : performance.now() + LEAVING_MS;
    unseen();
    watch?.close();
    loop?.close();
    later.close();
    clearInterval(sweepTimer);
    sweeping.close();
    clearInterval(submissionsTimer);
    engine.askToStop();
    // What keeps, while PostgreSQL is away: for the next sidecar.
    const mayNote = () => how === 'orderly' && watch?.away?.() !== true;
    const noted = async () => {
      if (!mayNote()) return;
      await drainSubmissions();
      if (afterwards !== undefined) await follow();
      await drain();
    };
    const timers = () => {
      clearTimeout(secondLookTimer);
      clearTimeout(afterwards);
      clearTimeout(comparing);
      alarm.close();
    };
    const told = async () => (mayNote() ? engine.tellHead() : undefined);
    await closeAll([
      () => looks?.close(),
      () => ears?.close(),
      () => schedule.stop(),
      noted,
      timers,
      () => postman.stop(),
      told,
      () => socketmap?.close(), // before the lock goes: the next sidecar wants the same place
      () => engine.close(),
    ]).finally(() => log.info('stopped'));
  };

  const since = clock.now();
  const begin = async () => {
    socketmap = await openSocketmap(config, files, log);
    submissionsTimer = setInterval(() => {
      credentials.look();
      if (watch?.away?.() === true) return;
      doAgain();
      void drainSubmissions();
      if (engine.eventsLeft) void drain();
      void upkeep();
    }, config.schedule.pollIntervalMs);

    await noteSidecar(state, config, since);
    const holds = watchLoop(clock.now, (holds) =>
      noteLoop(state, holds).catch((error: unknown) =>
        log.warn({ reason: failureOf(error).message }, 'for how long the thread was held could not be noted'),
      ),
    );
    loop = holds;
    watch = await watchCommits(config, engine, log, () => {
      engine.site.server.prepare();
      void wake();
    });
    unseen = signs.open({
      table,
      state,
      config: () => current,
      sizes: () => schedule.sizes,
      loop: holds.holds,
      database: watch.database,
    });
    log.info({ dataDir: config.dataDir }, 'watching');
    await wake();
    await due();
    void sweep();
    sweepEvery(config);
    looks = openLooks();
    ears = await openListening();
  };
  await begin().catch(async (error: unknown) => {
    await stop('abandon').catch(() => {}); // why it could not begin is what counts; and what is open would keep the process
    throw error;
  });

  return {
    reload: async (next) => {
      sweeping.anew();
      await schedule.idle();
      many.forgetAll();
      const [before, after] = [current, next].map((one) => JSON.stringify(socketmapOf(one, files)));
      if (before !== after) {
        await socketmap?.close();
        socketmap = await openSocketmap(next, files, log).catch(async (error: unknown) => {
          socketmap = await openSocketmap(current, files, log);
          throw error;
        });
      }
      await engine.adopt(next);
      current = next;
      await looks?.close();
      looks = openLooks();
      await ears?.close();
      ears = await openListening();
      await postman.stop();
      postman = openOutbox();
      sweepEvery(current);
      await noteSidecar(state, current, since);
      log.info('configuration reread');
      schedule.wakeStuck();
      void sweepAnew();
    },
    stop,
  };
}

async function openSocketmap(config: Config, files: DataFiles, log: Logger): Promise<Socketmap> {
  const options = socketmapOf(config, files);
  if (options === undefined) return { close: async () => {} };
  const socketmap = await startSocketmap(options);
  log.info({ path: options.place.path }, 'answering Postfix');
  return socketmap;
}
