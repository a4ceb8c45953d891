/** The submission filter as the process that it is: what stands behind it, and what is noted of it for `mandat status`. */
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { Config } from '../../config/schema.ts';
import type { Environment } from '../configured/drivers.ts';
import { openState } from '../configured/stores.ts';
import { failureOf } from '../shared/failure.ts';
import { type LoopHolds, watchLoop } from '../shared/loop-holds.ts';
import { countAnswers } from './answers.ts';
import { startKeptSubmission } from './bookkeeping.ts';
import { filterName, noteFilter, startOf } from './last-filter.ts';
import type { Submission } from './service.ts';

/** `child`: of a `mandat run`. */
export async function startFilterProcess(
  config: Config,
  env: Environment,
  log: Logger,
  child: boolean,
): Promise<Submission> {
  const state = await openState(config);
  try {
    const now = () => new Date().toISOString();
    const about = { pid: process.pid, started: startOf(process.pid) ?? null, since: now(), child };
    const name = filterName(config);
    const answers = countAnswers(state, name, about, log);
    const submission = await startKeptSubmission(config, env, log, answers.answered);
    const place = name === undefined ? {} : { host: hostname() };
    const note = (loop: LoopHolds | null) => {
      const heard = name === undefined ? {} : { heard: now() };
      return noteFilter(state, name, { ...about, loop, ...place, ...heard }).catch((error: unknown) =>
        log.warn({ reason: failureOf(error).message }, 'how the filter fares could not be noted'),
      );
    };
    await note(null);
    const watch = watchLoop(now, note);
    return {
      reload: submission.reload,
      close: async () => {
        watch.close();
        await submission.close();
        await answers.close();
        // Of several, who has ended as they should is missed by nobody.
        if (name !== undefined) await noteFilter(state, name, undefined).catch(() => {});
        await state.close();
      },
    };
  } catch (error) {
    await state.close();
    throw error;
  }
}
