/** The submission filter as the process that it is: what stands behind it, and what is noted of it for `mandat status`. */
import type { Logger } from 'pino';
import type { Config } from '../../config/schema.ts';
import type { Environment } from '../configured/drivers.ts';
import { openState } from '../configured/stores.ts';
import { failureOf } from '../shared/failure.ts';
import { type LoopHolds, watchLoop } from '../shared/loop-holds.ts';
import { setFact } from '../store/state/facts.ts';
import { countAnswers } from './answers.ts';
import { startKeptSubmission } from './bookkeeping.ts';
import { type LastFilter, startOf } from './last-filter.ts';
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
    const answers = countAnswers(state, about, log);
    const submission = await startKeptSubmission(config, env, log, answers.answered);
    const note = (loop: LoopHolds | null) => {
      const text = JSON.stringify({ ...about, loop } satisfies LastFilter);
      return setFact(state, 'filter', text).catch((error: unknown) =>
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
        await state.close();
      },
    };
  } catch (error) {
    await state.close();
    throw error;
  }
}
