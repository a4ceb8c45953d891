/** How many messages the filter has answered, and how: noted where the sidecar reads it, a few seconds after each burst. */
import type { Logger } from 'pino';
import { failureOf } from '../shared/failure.ts';
import type { StateDb } from '../store/state/state-db.ts';
import { type Answers, type FilterName, type LastFilter, NO_ANSWERS, noteAnswers } from './last-filter.ts';

/** One commit for all that is answered meanwhile. */
const NOTED_MS = 2000;

export interface CountedAnswers {
  /** The code of an answer to a message. RFC 5321 section 4.2.1. */
  answered(code: number): void;
  /** Notes what is left. */
  close(): Promise<void>;
}

export function countAnswers(
  state: StateDb,
  name: () => FilterName,
  filter: Pick<LastFilter, 'pid' | 'started'>,
  log: Pick<Logger, 'warn'>,
): CountedAnswers {
  let answers: Answers = NO_ANSWERS;
  let timer: NodeJS.Timeout | undefined;
  const note = async () => {
    timer = undefined;
    await noteAnswers(state, name(), filter, answers).catch((error: unknown) =>
      log.warn({ reason: failureOf(error).message }, 'how many messages were answered could not be noted'),
    );
  };
  return {
    answered: (code) => {
      const how = code < 400 ? 'passed' : code < 500 ? 'put-off' : 'refused';
      answers = { ...answers, [how]: answers[how] + 1 };
      timer ??= setTimeout(() => void note(), NOTED_MS);
    },
    close: async () => {
      if (timer === undefined) return;
      clearTimeout(timer);
      await note();
    },
  };
}
