/**
 * The service as systemd sees it: READY, RELOADING, STOPPING, a line of STATUS, and a watchdog that is fed only while the event loop turns and
 * the work goes on; else systemd ends the service, and starts it anew. sd_notify(3), sd_watchdog_enabled(3).
 */
import type { Logger } from 'pino';
import type { Health } from './health.ts';
import { openNotifier } from './notify-socket.ts';

type Environment = Record<string, string | undefined>;

export interface Supervisor {
  ready(): Promise<void>;
  /** READY follows, whatever comes of it. */
  reloading(): Promise<void>;
  stopping(): Promise<void>;
}

/** Without a watchdog, how often the line is told anew; ms. */
const TOLD_MS = 30_000;

/** `env` loses what is meant for this process alone, so that no program we start takes it for its own. */
export function openSupervisor(env: Environment, health: Pick<Health, 'alive' | 'line'>, log: Logger): Supervisor {
  const watchdogMs = watchdogOf(env);
  const notifier = openNotifier({ ...env }, (why) =>
    log.warn({ reason: why }, 'systemd could not be told how the service is'),
  );
  delete env.NOTIFY_SOCKET;
  delete env.WATCHDOG_USEC;
  delete env.WATCHDOG_PID;
  if (notifier === undefined) {
    const nobody = async () => {};
    return { ready: nobody, reloading: nobody, stopping: nobody };
  }
  let told = '';
  let starving = false;
  let timer: NodeJS.Timeout | undefined;
  let busy = false;
  const look = async () => {
    if (busy) return; // systemd-notify is still at it
    busy = true;
    const broken = health.alive().filter(({ ok }) => !ok);
    if (broken.length > 0 && !starving)
      log.error(
        { parts: broken.map(({ name, told: how }) => `${name}: ${how}`) },
        'the work does not go on: the watchdog is fed no more',
      );
    starving = broken.length > 0;
    const line = starving ? broken.map(({ name, told: how }) => `${name}: ${how}`).join('; ') : health.line();
    const status = line === told ? {} : { STATUS: line };
    told = line;
    const fed = watchdogMs === undefined || starving ? {} : { WATCHDOG: '1' };
    const what = { ...fed, ...status };
    if (Object.keys(what).length > 0) await notifier.tell(what);
    busy = false;
  };
  return {
    ready: async () => {
      told = health.line();
      await notifier.tell({ READY: '1', STATUS: told });
      timer ??= setInterval(() => void look(), watchdogMs === undefined ? TOLD_MS : Math.min(TOLD_MS, watchdogMs / 3));
      timer.unref();
    },
    reloading: () =>
      notifier.tell({
        RELOADING: '1',
        MONOTONIC_USEC: String(process.hrtime.bigint() / 1000n), // CLOCK_MONOTONIC, as Type=notify-reload wants it
        STATUS: 'rereading the configuration',
      }),
    stopping: () => {
      // Fed still: the step in hand may take as long as TimeoutStopSec.
      return notifier.tell({ STOPPING: '1', STATUS: 'finishing what is in hand' });
    },
  };
}

/** Within how many milliseconds systemd wants to hear of us; undefined where it doesn't. */
export function watchdogOf(env: Environment, pid: number = process.pid): number | undefined {
  if (env.WATCHDOG_PID !== undefined && Number(env.WATCHDOG_PID) !== pid) return undefined;
  const ms = Number(env.WATCHDOG_USEC) / 1000;
  return ms > 0 ? ms : undefined;
}
