/** The submission filter as the process that it is: what stands behind it, and what is noted of it for `mandat status`. */
import type { Logger } from 'pino';
import type { Config } from '../../config/schema.ts';
import type { Environment } from '../configured/drivers.ts';
import { openState } from '../configured/stores.ts';
import { watchLoop } from '../shared/loop-holds.ts';
import { countAnswers } from './answers.ts';
import { startKeptSubmission } from './bookkeeping.ts';
import { filterNotes } from './filter-notes.ts';
import { filterName, processNumbers, startOf } from './last-filter.ts';
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
    const { pid } = process;
    const about = { pid, started: startOf(pid) ?? null, numbers: processNumbers(), since: now(), child };
    const notes = filterNotes(state, filterName(config), about, now, log);
    const answers = countAnswers(state, notes.name, about, log);
    const submission = await startKeptSubmission(config, env, log, answers.answered);
    await notes.note(null);
    const watch = watchLoop(now, notes.note);
    return {
      reload: submission.reload,
      close: async () => {
        watch.close();
        await submission.close();
        await answers.close();
        await notes.ended();
        await state.close();
      },
    };
  } catch (error) {
    await state.close();
    throw error;
  }
}
