/** The trace as a source of events sees it: events in, accesses on disk, and how far the source was read with them in the same transaction. */
import type { EventSink } from '../events/event-sink.ts';
import type { ServerEvent } from '../events/server-event.ts';
import { accessesOf, type Judging } from './accesses-of-event.ts';
import type { TraceWriter } from './trace-writing.ts';

export interface TraceSink extends EventSink {
  /** A session that somebody is known to have opened in its user's name, whether or not its login is told. */
  opened(session: string, by: string): void;
  /** Accesses that were written. */
  readonly kept: number;
}

/** So many sessions that others opened are remembered. */
const MOST_SESSIONS = 20_000;

/** What a batch is judged by. */
export type JudgingBatch = Omit<Judging, 'masterOf'> & {
  /** When it was judged, and before it is kept: throws where it was judged without knowing everybody. */
  readonly known?: () => void;
};

/** `judging` is asked anew for each batch. `source`: names its position among those of others. */
export function traceSink(writer: TraceWriter, source: string, judging: () => JudgingBatch): TraceSink {
  const masters = new Map<string, string>();
  let kept = 0;
  const opened = (session: string, by: string) => {
    if (session === '' || masters.has(session)) return;
    if (masters.size >= MOST_SESSIONS) masters.delete(masters.keys().next().value ?? '');
    masters.set(session, by);
  };
  const note = ({ kind, master, state, session }: ServerEvent) => {
    if (kind === 'login' && master !== '' && state === 'OK') opened(session, master);
  };
  return {
    opened,
    recall: note,
    get kept() {
      return kept;
    },
    keep: (events, position) => {
      const batch = judging();
      const by: Judging = { ...batch, masterOf: (session) => masters.get(session) };
      const accesses = events.flatMap((event) => {
        note(event);
        return accessesOf(event, by);
      });
      batch.known?.();
      writer.keep(accesses, position === undefined ? {} : { [`read ${source}`]: position });
      kept += accesses.length;
    },
    position: () => writer.mark(`read ${source}`),
  };
}
