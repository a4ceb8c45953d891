/**
 * The record of what was sent for somebody else, and refused: committed before the client hears of it, so that it survives the death
 * of this process; many messages in one transaction where many come at once. A message is never held up for it: where the record
 * can't be written (a full disk) the log says so, and it is tried again until it can.
 */
import type { Logger } from 'pino';
import { failureOf } from '../shared/failure.ts';
import type { Note, SubmissionStore } from '../store/submissions/submission-db.ts';

export interface SubmissionRecord {
  /** Resolves when it is committed, or can't be for now. */
  note(...notes: readonly Note[]): Promise<void>;
  /** Writes what is left. */
  close(): Promise<void>;
}

const AGAIN_MS = 1000;
/** So many are kept in memory while they can't be written; what comes then is in the log alone. */
const MOST_KEPT = 100_000;

export function openRecord(store: Pick<SubmissionStore, 'note'>, log: Logger): SubmissionRecord {
  let waiting: Note[] = [];
  let turn: Promise<void> | undefined;
  let again: NodeJS.Timeout | undefined;

  const write = async () => {
    clearTimeout(again);
    again = undefined;
    const notes = waiting;
    waiting = [];
    if (notes.length === 0) return;
    try {
      await store.note(notes);
    } catch (error) {
      const { code, message, hint } = failureOf(error);
      log.error({ code, hint, notes: notes.length, oldest: notes[0] }, `not recorded yet: ${message}`);
      waiting = [...notes, ...waiting].slice(0, MOST_KEPT);
      again = setTimeout(() => void inTurn(), AGAIN_MS);
      again.unref();
    }
  };
  /** One transaction at a time, and in order: what comes while one waits for the file goes into the next. */
  let last = Promise.resolve();
  const inTurn = () => {
    last = last.then(write);
    return last;
  };
  return {
    note: (...notes) => {
      waiting.push(...notes);
      turn ??= new Promise((resolve) => {
        setImmediate(() => {
          turn = undefined;
          resolve(inTurn());
        });
      });
      return turn;
    },
    close: inTurn,
  };
}
