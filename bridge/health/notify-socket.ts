/**
 * Telling systemd how the service is (sd_notify(3)). Node speaks no Unix datagrams; `systemd-notify`, which every systemd brings, does it for
 * us: no compiled module for some messages a minute. It waits until systemd has taken the message, so the order of them is kept, and the unit
 * needs NotifyAccess=all. Without $NOTIFY_SOCKET nothing is told.
 */
import { execFile } from 'node:child_process';

export type Told = Readonly<Record<string, string>>;

export interface Notifier {
  /** Resolves when it is told, or can't be. Never rejects. */
  tell(what: Told): Promise<void>;
}

/** Where it is; of our own environment, which may hold secrets, it needs nothing else. */
const PATH = '/usr/bin:/bin';

/** What takes longer is given up: the next message comes. */
const PATIENCE_MS = 5000;

/** Undefined where nobody listens. `failed`: why a message could not be told, once for a row of them. */
export function openNotifier(
  env: Readonly<Record<string, string | undefined>>,
  failed: (why: string) => void,
): Notifier | undefined {
  const socket = env.NOTIFY_SOCKET;
  if (socket === undefined || socket === '') return undefined;
  let last = Promise.resolve();
  let failing = false;
  const tellOne = (what: Told) =>
    new Promise<void>((done) => {
      const words = Object.entries(what).map(([name, value]) => `${name}=${value.replace(/[\r\n]+/g, ' ')}`);
      const settings = { env: { NOTIFY_SOCKET: socket, PATH }, timeout: PATIENCE_MS };
      execFile('systemd-notify', words, settings, (error) => {
        if (error !== null && !failing) failed(error.message);
        failing = error !== null;
        done();
      });
    });
  return {
    tell: (what) => {
      last = last.then(() => tellOne(what));
      return last;
    },
  };
}
