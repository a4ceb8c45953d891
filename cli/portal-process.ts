/**
 * The portal that `mandat run` has beside itself, where the configuration wants one: a process of its own, without the secrets of the mail servers.
 * One that can't start is told of and tried again; it keeps nobody's access waiting.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import type { Logger } from 'pino';
import { retryDelay } from '../bridge/sidecar/schedule.ts';
import type { Config } from '../config/schema.ts';
import { DOVEADM_API_KEY, EVENTS_PASSWORD, IMAP_ADMIN_PASSWORD, SMTP_PASSWORD } from '../config/secret.ts';

export interface PortalBeside {
  /** One whose configuration is another is started anew: people sign in again. */
  reload(config: Config): Promise<void>;
  stop(): Promise<void>;
}

const RETRY_MIN_MS = 1_000;
const RETRY_MAX_MS = 60_000;
const END_MS = 15_000;

export function portalBeside(first: Config, log: Logger): PortalBeside {
  let config = first;
  let child: ChildProcess | undefined;
  let again: NodeJS.Timeout | undefined;
  let attempt = 0;
  const start = () => {
    if (!isOurs(config)) return;
    const since = performance.now();
    const begun = spawn(process.execPath, [...process.execArgv, program(), '--config', config.file, 'portal'], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: withoutServers(process.env),
    });
    child = begun;
    const over = (how: string) => {
      if (child !== begun) return; // it was asked to end
      child = undefined;
      if (performance.now() - since > RETRY_MAX_MS) attempt = 0;
      const ms = retryDelay(++attempt, RETRY_MIN_MS, RETRY_MAX_MS);
      log.error({ againInMs: ms }, `the portal is not running: it ${how}`);
      again = setTimeout(start, ms);
    };
    begun.once('error', ({ message }) => over(`could not be started: ${message}`));
    begun.once('exit', (status, signal) => over(`ended with ${signal ?? `status ${status}`}`));
  };
  const stop = async () => {
    clearTimeout(again);
    const last = child;
    child = undefined;
    if (last !== undefined) await ended(last);
  };
  start();
  return {
    reload: async (next) => {
      const same = JSON.stringify(next) === JSON.stringify(config);
      config = next;
      if (same && child !== undefined) return;
      await stop();
      start();
    },
    stop,
  };
}

const isOurs = ({ portal }: Config) => portal?.process === 'child';
const program = () => path.resolve(process.argv[1] ?? '');

/** It never logs in at a mail server. */
function withoutServers(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const secrets = [IMAP_ADMIN_PASSWORD, DOVEADM_API_KEY, EVENTS_PASSWORD, SMTP_PASSWORD].map(({ envName }) => envName);
  const others = ['NOTIFY_SOCKET', 'WATCHDOG_USEC', 'WATCHDOG_PID']; // the sidecar alone says how the service is
  return Object.fromEntries(Object.entries(env).filter(([name]) => ![...secrets, ...others].includes(name)));
}

/** What takes too long is killed. */
async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), END_MS);
  await gone;
  clearTimeout(late);
}
