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
import type { Job } from '../health/pulse.ts';
import { NO_SIGNS, type Signs } from '../health/signs.ts';
import { openPostman } from '../notify/postman.ts';
import { notePauseSeen, type Pause, samePause } from '../safeguards/pause.ts';
import type { Opened } from '../safeguards/replaced-files.ts';
import { socketmapOf } from '../sender/configured-outputs.ts';
import { type Socketmap, startSocketmap } from '../sender/socketmap.ts';
import { closeAll } from '../shared/close-all.ts';
import { type Failure, failureOf } from '../shared/failure.ts';
import { watchLoop } from '../shared/loop-holds.ts';
import { oneAtATime } from '../shared/one-at-a-time.ts';
import { atMost, type GiveWay, giveBack } from '../shared/portions.ts';
import { type DataFiles, dataFiles } from '../store/files/data-files.ts';
import { givePagesBack } from '../store/files/free-pages.ts';
import { shrinkLog } from '../store/files/write-ahead-log.ts';
import { fact, setFact } from '../store/state/facts.ts';
import { mailboxPortions } from '../store/state/swept-mailboxes.ts';
import { dueBetween, nextDue } from '../store/table/due-times.ts';
import { changedSinceTakeOver, longestCommand } from './after-take-over.ts';
import { openAlarm } from './alarm.ts';
import { followCredentials } from './changed-secrets.ts';
import { openDelegatesHalf } from './delegates-half.ts';
import { type Half, openEngine, type Standing } from './engine.ts';
import { lookAtFolders } from './folder-look.ts';
import { openLogWarnings } from './large-log.ts';
import { openLater } from './later.ts';
import { openOverdue } from './overdue.ts';
import { noteLoop, noteSidecar } from './running-config.ts';
import { type GoOn, type Next, openSchedule, type Schedule, type Urgency } from './schedule.ts';
import { openSweeping } from './sweeping.ts';
import { watchCommits } from './watch-commits.ts';
import type { Watch } from './watch-table.ts';

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

/** How long the same failure isn't told again, in milliseconds. */
const TOLD_MS = 60_000;

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
  let [pause, lookedAt = ''] = await Promise.all([engine.paused(), fact(state, 'clock')]).catch(
    async (error: unknown) => {
      await engine.close().catch(() => {}); // nothing is left that would keep the process
      throw error;
    },
  );
  const files = dataFiles(config.dataDir);
  let current = config;
  let stopping = false;

  const work = async (mailboxId: number, attempt: number, goOn: GoOn): Promise<Next> => {
    const began = performance.now();
    try {
      const half = halfOf(mailboxId, goOn.urgency);
      const pass = (login?: () => void) =>
        signs.pass(mailboxId, attempt, (own) => engine.work(mailboxId, attempt, goOn, half, { signs: own, login }));
      const result = await (goOn.urgency === 'sweep' ? sweeping.budget.spending(pass) : pass());
      postman.wake();
      const ms = Math.round(performance.now() - began);
      if (result.kind === 'superseded') return 'again';
      if (result.kind === 'paused') return 'parked';
      if (result.kind === 'unseen') {
        (goOn.urgency === 'sweep' ? sweeping.half : many).keep(result.unseen);
        return 'done';
      }
      credentials.heard(result);
      const { address, version } = result;
      if (result.kind === 'in-force') {
        log.info({ address, version, ms }, 'in force; verified when others have had their turn');
        return 'rest';
      }
      if (result.kind === 'verified') {
        log.info({ address, version, ms, notices: result.notices }, 'verified');
        for (const message of result.drift ?? []) log.warn({ address }, message);
        if (result.againInMs !== undefined) later.add(mailboxId, result.againInMs);
        if (engine.changes.heldIn(mailboxId).size === 0) overdue.workedOff(mailboxId, performance.now());
        return 'done';
      }
      const { code, message, hint } = result.failure;
      log.error({ address, version, ms, attempt, code, hint }, message);
      if (code === 'internal') log.debug({ err: result.failure.cause }, 'internal failure');
      return result.retry;
    } catch (error) {
      if (engine.working.isLost) return 'parked';
      // The database itself failed. Where it is the machine's doing, no trace of the program helps anybody.
      const { code, message, hint } = failureOf(error);
      const what = code === 'internal' ? { err: error } : { code, reason: message, hint };
      log.error({ mailboxId, ...what }, 'a pass could not be recorded');
      return 'retry';
    } finally {
      comparing ??= setTimeout(() => {
        comparing = undefined;
        void drain();
      }, COMPARED_MS);
      sweeping.worked(mailboxId);
      lookAtMany();
      await giveBack(); // a pass that had nothing to ask a server was one turn of the loop so far
    }
  };

  /** What a pass need not do itself: of a sweep, and of many grants at once, delegates are looked at by person. */
  const halfOf = (mailboxId: number, urgency: Urgency | undefined): Half => {
    const [swept, granted] = [sweeping.half.take(mailboxId), many.take(mailboxId)];
    if (urgency === 'sweep') return { later: sweeping.waitsFor(mailboxId) };
    if (urgency !== 'rest') return {};
    const others = schedule.sizes.queued.rest > 0 || many.waiting > 0;
    return { looked: swept ?? granted, later: others && !many.full };
  };
  /** Once no grant waits for what is left of it. */
  const lookAtMany = () => {
    const { rest, change } = schedule.sizes.queued;
    if (many.waiting > 0 && (many.full || rest + change === 0)) void many.look();
  };

  /** What was worked on is compared with what was seen before, once for a burst. */
  let comparing: NodeJS.Timeout | undefined;

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
    work,
    concurrency: config.imap.connections,
    ...retryWaits(config),
  });

  /** What is left for some minutes, because it was put right too often, is looked at then. */
  const later = openLater((mailboxId) => schedule.add(mailboxId, 'rest'));

  engine.changes.onChange(schedule.add);
  const sweeping = openSweeping({ site: () => engine.site, config: () => current, schedule });
  const many = openDelegatesHalf({ site: () => engine.site, schedule });
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

  const serially = (job: () => Promise<void>, name?: Job) =>
    oneAtATime(name === undefined ? job : () => signs.job(name, job), (error) => {
      if (stopping || engine.working.isLost) return; // what it worked on is closed, or about to be
      if (name !== undefined) undone.add(name);
      const failure = failureOf(error);
      if (failure.rule === 'MANDAT_MOVED') return moved(failure);
      const { code, message, hint } = failure;
      if (config.database === undefined || !toldLately(message)) log.error({ code, hint }, message);
    });

  /** While PostgreSQL is away each job fails at each look: said once a minute. */
  const toldAt = new Map<string, number>();
  const toldLately = (message: string): boolean => {
    const now = performance.now();
    for (const [one, at] of toldAt) if (now - at > TOLD_MS) toldAt.delete(one);
    if (toldAt.has(message)) return true;
    toldAt.set(message, now);
    return false;
  };

  /** Jobs that have failed, of those that nothing calls again by itself: a database that was away for a moment. */
  const undone = new Set<Job>();
  const doAgain = () => {
    if (undone.delete('wake')) void wake();
    if (undone.delete('due')) void due();
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
    await lookAtPause();
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

  /** Whoever pauses or resumes notes it in the trail too, and so wakes us. Each pass asks for itself; this is what follows from it. */
  const lookAtPause = async () => {
    const before = pause;
    pause = await engine.paused();
    if (samePause(before, pause)) return;
    if (pause === undefined) log.warn('resumed: what was due is done now');
    else tellPause(pause);
    schedule.unpark(); // what may go now goes, the rest is laid down again
    if (pause === undefined) void sweepAnew();
  };
  const tellPause = (how: Pause) => {
    log.warn({ ...how }, 'paused: nothing is written to the servers');
    void schedule
      .idle()
      .then(() => notePauseSeen(state, how))
      .catch((error: unknown) => log.error({ reason: failureOf(error).message }, 'the pause could not be noted'));
  };
  if (pause !== undefined) tellPause(pause);

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
      await engine.adoptAll(mailboxPortions(table, state));
      await engine.changes.lookAtAll(giveWay);
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

  const tellOfLog = openLogWarnings(log);
  const upkeep = serially(async () => {
    await engine.keepHead();
    if (pause === undefined) await overdue.look(performance.now());
    // Where they are in PostgreSQL, those that may lie here are nobody's any more.
    for (const file of config.database === undefined ? [files.delegations, files.state, files.submissions] : []) {
      const shrunk = shrinkLog(file);
      if (shrunk?.done) log.info({ file, size: shrunk.size }, 'the log of writes was large, and has been emptied');
      else if (shrunk !== undefined) tellOfLog(file, shrunk.size);
      const pages = await givePagesBack(file, giveWay);
      if (pages > 0) log.info({ file, pages }, 'pages that it no longer needs were given back to the system');
    }
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
