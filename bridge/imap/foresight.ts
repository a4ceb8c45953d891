/**
 * Questions that are asked as soon as a session is open, because what is about to be done in it will ask them: their answers come in one way there
 * and back, and each is given to whoever asks just that. It is an answer of this session, given to one asker only; what a change of ours
 * may have made stale is asked anew.
 */
import type { Argument } from './arguments.ts';
import type { Connection, Reply } from './connection.ts';
import { QUESTIONS } from './pipeline.ts';

export interface Question {
  readonly command: string;
  readonly args: readonly Argument[];
  /** Kinds of untagged responses that tell. */
  readonly collect: readonly string[];
}

export interface Foresight extends Connection {
  /** Asks now. What is foreseen in vain costs the server its answer, and nothing else. */
  foresee(questions: readonly Question[]): void;
}

/** The same connection; what was foreseen is answered by what has come, or is on its way. */
export function withForesight(connection: Connection): Foresight {
  const asked = new Map<string, Promise<Reply>[]>();
  const keyOf = ({ command, args, collect }: Question) => JSON.stringify([command, args, collect]);
  const answerTo = (question: Question) => {
    const waiting = asked.get(keyOf(question));
    return waiting?.shift();
  };
  return {
    ...connection,
    foresee: (questions) => {
      for (const question of questions) {
        const { command, args, collect } = question;
        const reply = connection.run(command, args, ...collect);
        reply.catch(() => {}); // whoever comes to ask hears of it
        asked.set(keyOf(question), [...(asked.get(keyOf(question)) ?? []), reply]);
      }
    },
    run: async (command, args, ...collect) => {
      if (!QUESTIONS.has(command)) asked.clear();
      return answerTo({ command, args, collect }) ?? connection.run(command, args, ...collect);
    },
  };
}
