/** What the sidecar makes of hints: whose mailbox it may be, and a look at it, soon and never in a revoke's place. R11. */
import type { Logger } from 'pino';
import type { Config } from '../../config/schema.ts';
import type { Environment } from '../configured/drivers.ts';
import type { Site } from '../reconcile/site.ts';
import { paused } from '../safeguards/pause.ts';
import { failureOf } from '../shared/failure.ts';
import type { Schedule } from '../sidecar/schedule.ts';
import { concerned } from './concerned.ts';
import { type Hearing, openHearing } from './hearing.ts';
import type { Hint } from './hint.ts';
import { openLooks } from './looks.ts';

export interface EarsOptions {
  readonly config: Config;
  readonly env: Environment;
  readonly log: Logger;
  readonly site: Pick<Site, 'state' | 'server'>;
  readonly schedule: Pick<Schedule, 'add' | 'pressed' | 'isStuck'>;
  /** All mailboxes are to be looked at, since something may have gone unheard. */
  readonly missed: () => void;
}

/** A sweep because of what was missed, at most this often: whoever can make a flood could have one sweep follow another. */
const MISSED_MS = 3_600_000;
/** Looks at one mailbox in a minute: a person makes fewer folders, and two tools that fight would make many more. */
const ONE_IN_A_MINUTE = 20;

export async function openEars({ config, env, log, site, schedule, missed }: EarsOptions): Promise<Hearing> {
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
  const hearing = await openHearing({
    config,
    env,
    log,
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
  return {
    close: async () => {
      clearTimeout(again);
      looks.close();
      await hearing.close();
    },
  };
}
