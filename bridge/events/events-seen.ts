/** What the running sidecar has heard by events, noted in state.db for `mandat status`, the doctor and /metrics. */
import { jsonFact, setJsonFact } from '../store/state/facts.ts';
import type { StateDb } from '../store/state/state-db.ts';
import type { IntakeCounts } from './intake.ts';

export interface EventsSeen extends IntakeCounts {
  /** Of the sidecar; all of it counts from its start. */
  readonly pid: number;
  readonly listening: boolean;
  /** Looks at mailboxes that were begun because of events. */
  readonly looks: number;
}

export const eventsSeen = (state: Pick<StateDb, 'query' | 'server'>) => jsonFact<EventsSeen>(state, 'events');

/** Undefined where no events are taken by this process. */
export async function eventsSeenBy(
  state: Pick<StateDb, 'query' | 'server'>,
  pid: number | null | undefined,
): Promise<EventsSeen | undefined> {
  const seen = await eventsSeen(state);
  return seen?.pid === pid ? seen : undefined;
}

const NONE: IntakeCounts = { events: 0, malformed: 0, unauthorised: 0, refused: 0, dropped: 0, lastAt: 0, sign: '' };

export interface EventsNotes {
  note(counts: IntakeCounts | undefined, looks: number): void;
  close(): Promise<void>;
}

/** Writes what is other than before, one after the other. `failed`: hears of what could not be noted. */
export function openEventsNotes(state: StateDb, failed: (error: unknown) => void): EventsNotes {
  let last = '';
  let writing: Promise<void> | undefined;
  const write = async (seen: EventsSeen | undefined) => {
    const text = JSON.stringify(seen);
    if (text === last) return;
    last = text;
    await setJsonFact(state, 'events', seen).catch(failed);
  };
  return {
    note: (counts, looks) => {
      if (writing !== undefined) return; // the next one says it all
      const seen = { pid: process.pid, listening: counts !== undefined, looks, ...(counts ?? NONE) };
      writing = write(seen).finally(() => {
        writing = undefined;
      });
    },
    close: async () => {
      await writing;
    },
  };
}
