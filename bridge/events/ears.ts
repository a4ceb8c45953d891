/** What the sidecar makes of hints: whose mailbox it may be, and a look at it, soon and never in a revoke's place. R11. */
import type { Logger } from 'pino';
import type { Config } from '../../config/schema.ts';
import type { Environment } from '../configured/drivers.ts';
import { followNaming } from '../imap/shared-naming.ts';
import type { Site } from '../reconcile/site.ts';
import { paused } from '../safeguards/pause.ts';
import { failureOf } from '../shared/failure.ts';
import type { Schedule } from '../sidecar/schedule.ts';
import { openTraceKeeper } from '../trace/trace-keeping.ts';
import { concerned } from './concerned.ts';
import { openEventsNotes } from './events-seen.ts';
import { type Hearing, openHearing } from './hearing.ts';
import type { Hint } from './hint.ts';
import { openLooks } from './looks.ts';

export interface EarsOptions {
  readonly config: Config;
  readonly env: Environment;
  readonly log: Logger;
  readonly site: Pick<Site, 'state' | 'server' | 'audit' | 'clock'>;
  readonly schedule: Pick<Schedule, 'add' | 'pressed' | 'isStuck'>;
  /** All mailboxes are to be looked at, since something may have gone unheard. */
  readonly missed: () => void;
}

/** A sweep because of what was missed, at most this often: whoever can make a flood could have one sweep follow another. */
const MISSED_MS = 3_600_000;
/** Looks at one mailbox in a minute: a person makes fewer folders, and two tools that fight would make many more. */
const ONE_IN_A_MINUTE = 20;
/** Where nothing is traced any more, what is left of the trace goes at its time. */
const LEFT_MONTHS_MS = 3_600_000;

export async function openEars(options: EarsOptions): Promise<Pick<Hearing, 'close'>> {
  const { config, env, log, site, schedule, missed } = options;
  const { state, server } = site;
  const { folderLooksPerSecond } = config.schedule;
  const looks = openLooks(
    { perSecond: folderLooksPerSecond, oneInAMinute: ONE_IN_A_MINUTE },
    () => schedule.pressed,
    (mailboxId) => schedule.add(mailboxId, 'rest'),
  );
  const hearOne = async (hint: Hint) => {
    if ((await paused(state)) !== undefined) return; // nothing could be done about it; a sweep follows the pause
    for (const mailboxId of await concerned(state, server.name, hint)) {
      if (!schedule.isStuck(mailboxId)) looks.add(mailboxId);
    }
  };
  let again: NodeJS.Timeout | undefined;
  let sweptAt = Number.NEGATIVE_INFINITY;
  const keeper = await openTraceKeeper({ config, site, log });
  const trace = config.trace.enabled ? keeper : undefined;
  const clearing = trace === undefined ? setInterval(keeper.deleteLeft, LEFT_MONTHS_MS) : undefined;
  clearing?.unref();
  if (trace === undefined) keeper.deleteLeft();
  const notes = openEventsNotes(state, (error) =>
    log.warn({ reason: failureOf(error).message }, 'what has come by events could not be noted'),
  );
  const hearing = await openHearing({
    config,
    env,
    log,
    trace,
    counted: (counts) => notes.note(counts, looks.begun),
    hear: async (hints) => {
      for (const hint of hints) {
        await hearOne(hint).catch((error: unknown) =>
          log.warn({ reason: failureOf(error).message }, 'what an event hinted at could not be looked up'),
        );
      }
    },
    missed: () => {
      const ms = Math.max(0, sweptAt + MISSED_MS - performance.now());
      again ??= setTimeout(() => {
        again = undefined;
        sweptAt = performance.now();
        missed();
      }, ms);
    },
  });
  const unfollow = trace === undefined ? () => {} : followNaming((found) => hearing.setNaming(trace.learn(found)));
  return {
    close: async () => {
      unfollow();
      clearInterval(clearing);
      clearTimeout(again);
      looks.close();
      await hearing.close();
      await notes.close();
    },
  };
}
