/**
 * Looks at the folders of delegated mailboxes between the sweeps: one login and one LIST each, one after the other, so many a second at
 * most and never while a revoke or a grant waits. A mailbox whose folders differ from what its last pass saw is worked on. With more
 * mailboxes than that rate allows, a round takes longer; {@link LookRound} says how long. R11, R46.
 */

import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Config } from '../../config/schema.ts';
import { isStuckBy } from '../configured/retrying.ts';
import type { Site } from '../reconcile/site.ts';
import { paused } from '../safeguards/pause.ts';
import { failureOf } from '../shared/failure.ts';
import { jsonFact, setJsonFact } from '../store/state/facts.ts';
import { asSeen } from '../store/state/folders-seen.ts';
import type { StateDb } from '../store/state/state-db.ts';
import type { Schedule } from './schedule.ts';

/** The last round that ended, as it is kept for `mandat status`. */
export interface LookRound {
  readonly endedAt: string;
  readonly mailboxes: number;
  /** How long after a look at a mailbox the next one came, or will come. */
  readonly everySeconds: number;
}

/** How often it is asked whether what is more urgent is over. */
const PRESSED_MS = 100;

type Ground = Pick<Site, 'state' | 'server' | 'clock'>;

export async function lastLookRound(state: StateDb): Promise<LookRound | undefined> {
  return jsonFact<LookRound>(state, 'folder-look');
}

export interface FolderLooks {
  /** Takes no more, and waits for no server: what a look in hand still finds counts for nothing. */
  close(): Promise<void>;
}

/** The first round comes when the first sweep has had its time. */
export function lookAtFolders(
  site: Ground,
  schedule: Pick<Schedule, 'add' | 'pressed'> & Partial<Pick<Schedule, 'isStuck'>>,
  { folderLookSeconds, folderLooksPerSecond }: Config['schedule'],
  log: Logger,
): FolderLooks {
  if (folderLookSeconds === 0) return { close: async () => {} };
  const everyMs = folderLookSeconds * 1000;
  const leaving = new AbortController();
  const { signal } = leaving;
  const until = (instant: number) => delay(Math.max(0, instant - performance.now()), undefined, { signal });

  const round = async () => {
    const began = performance.now();
    let mailboxes = 0;
    for (let one = await following(site, 0); one !== undefined; one = await following(site, one.mailboxId)) {
      await until(began + (mailboxes++ * 1000) / folderLooksPerSecond);
      while (schedule.pressed) await delay(PRESSED_MS, undefined, { signal });
      if ((await paused(site.state)) !== undefined) return; // nothing could be done about it
      if (schedule.isStuck?.(one.mailboxId)) continue; // nor can we log in: a failed login counts against us
      const why = await unlessLeaving(worthAPass(site, one, log), signal);
      if (why !== undefined) {
        log.info({ address: one.address }, why);
        schedule.add(one.mailboxId, 'rest');
      }
    }
    if (mailboxes === 0) return;
    const everySeconds = Math.ceil(Math.max(everyMs, performance.now() - began) / 1000);
    const done: LookRound = { endedAt: site.clock.now(), mailboxes, everySeconds };
    await setJsonFact(site.state, 'folder-look', done);
  };
  const rounds = async () => {
    for (let begin = performance.now(); ; ) {
      begin = Math.max(begin + everyMs, performance.now());
      await until(begin);
      await round().catch((error: unknown) => {
        if (!signal.aborted) log.warn({ reason: failureOf(error).message }, 'a look at the folders was broken off');
      });
    }
  };
  const ended = rounds().catch(() => {}); // told to leave
  return {
    close: async () => {
      leaving.abort();
      await ended;
    },
  };
}

async function unlessLeaving<T>(looking: Promise<T>, signal: AbortSignal): Promise<T> {
  const heard = new AbortController(); // or each look would leave a listener behind
  const left = once(signal, 'abort', { signal: heard.signal }).then(() => signal.throwIfAborted());
  try {
    signal.throwIfAborted();
    return (await Promise.race([looking, left])) as T;
  } finally {
    left.catch(() => {});
    heard.abort();
  }
}

interface Looked {
  readonly mailboxId: number;
  readonly address: string;
  readonly ownerLogin: string;
}

/** The next mailbox that somebody has something of; those on their way in or out have a pass before them. */
async function following({ state }: Ground, mailboxId: number): Promise<Looked | undefined> {
  return state.query
    .selectFrom('ledger')
    .select(['mailbox_id as mailboxId', 'address', 'owner_login as ownerLogin'])
    .where('server', '=', state.server)
    .where('mailbox_id', '>', mailboxId)
    .where('phase', 'in', ['in-force', 'verified'])
    .orderBy('mailbox_id')
    .limit(1)
    .executeTakeFirst();
}

/** Undefined, too, where it can't be seen, but for a login that is refused: sweeps and passes say what is wrong there. */
async function worthAPass({ state, server }: Ground, one: Looked, log: Logger): Promise<string | undefined> {
  try {
    const view = await server.asOwner(one.ownerLogin);
    try {
      const same = await asSeen(state, server.name, one.ownerLogin, await view.folders());
      return same ? undefined : 'its folders have changed';
    } finally {
      view.close();
    }
  } catch (error) {
    const { message, rule } = failureOf(error);
    log.debug({ address: one.address, reason: message }, 'its folders could not be looked at');
    return isStuckBy(rule) ? 'nobody can be logged in there' : undefined; // a pass tells of it, and then it isn't tried each minute
  }
}
