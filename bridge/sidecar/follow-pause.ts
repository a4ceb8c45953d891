/** The site's pause as the running sidecar follows it. Each pass asks for itself; this is what follows from a change of it. */
import type { Logger } from 'pino';
import { notePauseSeen, type Pause, samePause } from '../safeguards/pause.ts';
import { failureOf } from '../shared/failure.ts';
import type { StateDb } from '../store/state/state-db.ts';
import type { Schedule } from './schedule.ts';

export interface FollowPauseOptions {
  readonly state: StateDb;
  readonly log: Logger;
  readonly schedule: Pick<Schedule, 'idle' | 'unpark'>;
  readonly paused: () => Promise<Pause | undefined>;
  readonly resumed: () => void;
}

/** @param first as it is at the start */
export function followPause(first: Pause | undefined, { state, log, schedule, paused, resumed }: FollowPauseOptions) {
  let pause = first;
  const tell = (how: Pause) => {
    log.warn({ ...how }, 'paused: nothing is written to the servers');
    void schedule
      .idle()
      .then(() => notePauseSeen(state, how))
      .catch((error: unknown) => log.error({ reason: failureOf(error).message }, 'the pause could not be noted'));
  };
  if (pause !== undefined) tell(pause);
  return {
    /** Whoever pauses or resumes notes it in the trail too, and so wakes the sidecar, which looks. */
    look: async (): Promise<void> => {
      const before = pause;
      pause = await paused();
      if (samePause(before, pause)) return;
      if (pause === undefined) log.warn('resumed: what was due is done now');
      else tell(pause);
      schedule.unpark(); // what may go now goes, the rest is laid down again
      if (pause === undefined) resumed();
    },
    /** As it was at the last look. */
    get isPaused() {
      return pause !== undefined;
    },
  };
}
