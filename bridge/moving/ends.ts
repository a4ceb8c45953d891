/** The two ends of a move, whichever kind each is (files-ends.ts, postgres-ends.ts). */
import type { Kysely } from 'kysely';
import type { StateDatabase } from '../store/state/state-db.ts';
import type { Destination, Room, Source, Table } from './tables.ts';

export interface From {
  /** For people, as in `postgres://mandat@db.example.org/mandat`. */
  readonly shown: string;
  /** Whether an earlier copy to this destination has closed it already. */
  readonly closed: boolean;
  readonly tables: readonly Table[];
  /**
   * What stands there at one moment; nobody waits for it. `moved`: rooms in which anybody may have committed since the last time; of the others all is
   * as it was.
   */
  snapshot<T>(work: (source: Source, moved: ReadonlySet<Room>) => Promise<T>): Promise<T>;
  /**
   * The same, and nobody else writes meanwhile. When `work` has come to its end, nobody ever writes there again: whoever tries is told where it has moved.
   * Where it throws, all is as before. Fails `retry` where somebody keeps writing for too long.
   */
  close<T>(work: (source: Source, moved: ReadonlySet<Room>) => Promise<T>): Promise<T>;
  end(): Promise<void>;
}

export interface To {
  readonly shown: string;
  /** Whether a copy that was begun before goes on. */
  readonly goesOn: boolean;
  readonly destination: Destination;
  /** Of mandat's own state there, to prove its trail. */
  readonly query: Kysely<StateDatabase>;
  /** What takes its time, before nobody may write. Fails where it could not be made whole in the end. */
  prepare(): Promise<void>;
  /** All that was written is on the disk. */
  settle(): Promise<void>;
  /** Makes it whole, under the names that others look for: the one step from which on it counts. Its rules are the released ones then. What was put aside for it. */
  install(): Promise<string | undefined>;
  end(): Promise<void>;
}
