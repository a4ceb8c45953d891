/** Being the one who works on a server's mailboxes: with files by the lock alone, in PostgreSQL by a lease that has to be made longer all the time. */
import type { Failure } from '../shared/failure.ts';

export interface Working {
  /** What a worker's connections carry (OpenOptions.worker); undefined with files. */
  readonly token: string | undefined;
  /** Who had it until it was taken from them, as they were silent; undefined where there was nobody. */
  readonly takenFrom: string | undefined;
  /**
   * Before each piece of work, and before each write to a server. Free while it was confirmed a moment ago; else the database is asked. Fails `retry`:
   * MANDAT_SUPERSEDED where it is another's for good, without a rule where that can't be found out just now.
   */
  sure(): Promise<void>;
  /** Whether it is certain without asking: what was begun before this was false may have reached a server late. */
  readonly certain: boolean;
  /** Hears when it has become uncertain, or another's: nothing may be on its way to a server any more. The answer ends that. */
  onDoubt(hear: () => void): () => void;
  /** Resolves when it is another's. */
  readonly lost: Promise<Failure>;
  readonly isLost: boolean;
  /** Lets the next one have it at once. */
  release(): Promise<void>;
}

/** With files the lock dies with the process, and nothing else takes it away. */
export const ALONE: Working = {
  token: undefined,
  takenFrom: undefined,
  sure: async () => {},
  certain: true,
  onDoubt: () => () => {},
  lost: new Promise(() => {}),
  isLost: false,
  release: async () => {},
};
