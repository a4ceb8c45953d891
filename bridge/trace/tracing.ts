/**
 * The trace at work, in the thread that takes events: what comes is kept in batches, the trace's end is brought to the disk and noted beside the
 * key, months that were kept for long enough go. Nothing of it can fail whoever hands an event over: what can't be written waits, bounded, and is
 * tried again; what finds no place is counted as lost.
 */
import type { Placed } from '../configured/stores.ts';
import { type EventSink, NotYet } from '../events/event-sink.ts';
import type { ServerEvent } from '../events/server-event.ts';
import { failureOf } from '../shared/failure.ts';
import { dataFiles } from '../store/files/data-files.ts';
import { guarded } from '../store/files/open.ts';
import { existingSealKey } from '../store/trail/sealing.ts';
import { lookAtClock } from './believed-clock.ts';
import { openPostgresPeople } from './postgres-people.ts';
import type { TablePeople } from './remembered-people.ts';
import { openTablePeople } from './table-people.ts';
import { monthFiles, TRACE, traceDirectory } from './trace-files.ts';
import { traceHeadFile, writeTraceHead } from './trace-head.ts';
import { deleteOldMonths } from './trace-retention.ts';
import { type TraceSink, traceSink } from './trace-sink.ts';
import { openTraceWriter, type TraceWriter } from './trace-writing.ts';
import type { Naming } from './whose-folder.ts';

/** What the audit trail is to hold of the trace's files. */
export type MonthNote =
  /** Those that are there, the last one just begun. */
  | { readonly kind: 'there'; readonly files: readonly string[] }
  /** One that goes now. */
  | { readonly kind: 'deleted'; readonly file: string; readonly accesses: number };

export interface TraceSettings {
  /** Where the table is. */
  readonly placed: Placed;
  readonly keepMonths: number;
  readonly looks: boolean;
  /** The login of mandat's own sessions. */
  readonly adminUser: string;
  readonly naming: Naming;
}

export interface TraceCounts {
  /** Accesses that were written since the start. */
  readonly kept: number;
  /** When the last of them was; ms since the epoch, 0 for none. */
  readonly lastAt: number;
  /** Events that found no place while nothing could be written. */
  readonly lost: number;
  /** Events that wait to be written. */
  readonly waiting: number;
  /** Why nothing can be written just now, with what to do; null where it can. */
  readonly trouble: string | null;
}

export interface Tracing {
  /** `ours`: of a connection of mandat's own. */
  take(event: ServerEvent, ours: boolean): void;
  /** For a source that can be read again: its events, in the same files. Throws where they can't be written now. `isOurs`: of a connection of mandat's own. */
  sink(source: string, isOurs: (event: ServerEvent) => boolean): EventSink;
  setNaming(naming: Naming): void;
  readonly counts: TraceCounts;
  /** All that waits is written first. */
  close(): Promise<void>;
}

export interface TracingOptions extends TraceSettings {
  /** Into the audit trail; resolves when it stands there. */
  readonly note: (what: MonthNote) => Promise<void>;
}

/** How long an event waits for others, so that many share one commit. */
const BATCH_MS = 100;
const BATCH_EVENTS = 500;
/** What waits while nothing can be written, in characters of its fields: the memory of a thread is small. */
const MOST_WAITING = 8 * 1024 * 1024;
const RETRY_MS = 5000;
const HEAD_MS = 5000;
const RETENTION_MS = 3_600_000;
const REFRESH_MS = 1000;
const SOURCE = 'http';
const WRITING = 'nothing can be written';
const READING = 'the table can not be read';
const DELETING = 'old months can not be deleted';

interface Opened {
  readonly key: Buffer;
  readonly writer: TraceWriter;
  readonly people: TablePeople;
  readonly sinks: Map<string, TraceSink>;
}

export function openTracing(options: TracingOptions): Tracing {
  const { keepMonths, looks, adminUser, note } = options;
  const { placed } = options;
  const files = dataFiles(placed.dataDir);
  const directory = traceDirectory(files);
  const headFile = traceHeadFile(files);
  let { naming } = options;
  let opened: Opened | undefined;
  let queue: { readonly event: ServerEvent; readonly ours: boolean }[] = [];
  let weight = 0;
  let kept = 0;
  let lastAt = 0;
  let lost = 0;
  const troubles = new Map<string, string>();
  let noted = '';
  let headOf = -1;
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  let deleting: Promise<void> | undefined;
  /** Until PostgreSQL has said whose the events are that wait. */
  let asking: Promise<void> | undefined;

  /** All that this has to do with a file or a table; what goes wrong is told, and tried again. */
  const attempt = <T>(what: string, work: () => T): T | undefined => {
    try {
      const done = guarded(directory, TRACE, work);
      troubles.delete(what);
      return done;
    } catch (error) {
      if (error instanceof NotYet) waitFor(what, error.ready);
      else failed(what, error);
      return undefined;
    }
  };
  /** No failure, unless the answer is one. */
  const waitFor = (what: string, ready: Promise<void>) => {
    asking = ready
      .catch((error: unknown) => failed(what, error))
      .then(() => {
        asking = undefined;
        if (troubles.has(what)) flushAfter(RETRY_MS);
        else flush();
      });
  };
  const failed = (what: string, error: unknown) => {
    const { code, message, hint } = failureOf(error);
    troubles.set(what, `${what}: ${message}${hint === '' || code === 'internal' ? '' : `; ${hint}`}`);
  };
  const ready = (): Opened => {
    if (opened !== undefined) return opened;
    const key = existingSealKey(files.sealKey);
    const people =
      placed.database === undefined
        ? openTablePeople(files.delegations)
        : openPostgresPeople(async () => {
            const { openTable } = await import('../configured/stores.ts');
            return openTable(placed, { readonly: true, older: 'refused' });
          });
    try {
      const writer = openTraceWriter(directory, key, () => new Date());
      opened = { key, people, writer, sinks: new Map() };
      tellMonths(writer);
      setImmediate(deleteOld);
      return opened;
    } catch (error) {
      void people.close();
      throw error;
    }
  };
  /** Which files there are: told when there is another one. */
  const tellMonths = (writer: TraceWriter) => {
    const file = writer.current()?.file ?? '';
    if (file === noted) return;
    noted = file;
    void note({ kind: 'there', files: monthFiles(directory) }).catch(() => {
      noted = '';
    });
  };
  const sinkOf = (source: string): TraceSink => {
    const { writer, people, sinks } = ready();
    const there = sinks.get(source);
    if (there !== undefined) return there;
    const made = traceSink(writer, source, () => {
      people.refresh(source);
      return { people, naming, adminUser, looks, known: () => people.known(source) };
    });
    sinks.set(source, made);
    return made;
  };
  const keep = (source: string, events: readonly ServerEvent[], position?: string) => {
    const sink = sinkOf(source);
    const before = sink.kept;
    sink.keep(events, position);
    if (sink.kept > before) lastAt = Date.now();
    kept += sink.kept - before;
    const { writer } = ready();
    tellMonths(writer);
  };
  const flush = () => {
    clearTimeout(timer);
    timer = undefined;
    while (queue.length > 0 && asking === undefined) {
      const batch = queue.slice(0, BATCH_EVENTS);
      const done = attempt(WRITING, () => {
        const sink = sinkOf(SOURCE);
        for (const { event, ours } of batch) if (ours) sink.opened(event.session, adminUser);
        keep(
          SOURCE,
          batch.map(({ event }) => event),
        );
        return true;
      });
      if (done === undefined) break;
      queue = queue.slice(batch.length);
      for (const { event } of batch) weight -= weightOf(event);
    }
    if (asking === undefined) flushAfter(RETRY_MS);
  };
  const flushAfter = (ms: number) => {
    if (queue.length > 0 && !closed) timer ??= setTimeout(flush, ms);
  };
  const look = () =>
    void opened?.people.look().then(
      () => troubles.delete(READING),
      (error: unknown) => failed(READING, error),
    );
  const keepHead = () => {
    if (opened === undefined) return;
    const { writer, key } = opened;
    attempt('its end can not be noted', () => {
      const head = writer.head();
      if (head === undefined || head.id === headOf) return;
      writer.bringToDisk();
      writeTraceHead(headFile, key, head);
      headOf = head.id;
    });
  };
  const deleteOld = () => {
    if (opened === undefined || closed) return;
    const { writer, key } = opened;
    deleting ??= (async () => {
      const tell = ({ file, accesses }: { file: string; accesses: number }) =>
        note({ kind: 'deleted', file, accesses });
      const clock = lookAtClock(writer, new Date());
      const gone = await deleteOldMonths(directory, key, writer, keepMonths, clock.now, tell);
      if (gone.length > 0) tellMonths(writer);
      if (clock.held === undefined) troubles.delete(DELETING);
      else {
        const [from, to, until] = [clock.held.from, clock.held.to, clock.held.until].map((at) => at.toISOString());
        troubles.set(
          DELETING,
          `${DELETING}: the clock has jumped from ${from} to ${to}, and is believed from ${until} on`,
        );
      }
    })()
      .catch((error: unknown) => failed(DELETING, error))
      .finally(() => {
        deleting = undefined;
      });
  };

  attempt(WRITING, ready);
  const timers = [setInterval(keepHead, HEAD_MS), setInterval(deleteOld, RETENTION_MS), setInterval(look, REFRESH_MS)];
  return {
    take: (event, ours) => {
      const more = weightOf(event);
      if (weight + more > MOST_WAITING) {
        lost++;
        return;
      }
      queue.push({ event, ours });
      weight += more;
      if (queue.length >= BATCH_EVENTS && !troubles.has(WRITING)) flush();
      else timer ??= setTimeout(flush, BATCH_MS);
    },
    sink: (source, isOurs) => ({
      keep: (events, position) => {
        for (const event of events) if (isOurs(event)) sinkOf(source).opened(event.session, adminUser);
        keep(source, events, position);
      },
      position: () => sinkOf(source).position(),
      recall: (login) => sinkOf(source).recall(login),
    }),
    setNaming: (next) => {
      naming = next;
    },
    get counts() {
      return { kept, lastAt, lost, waiting: queue.length, trouble: [...troubles.values()][0] ?? null };
    },
    close: async () => {
      closed = true;
      for (const one of timers) clearInterval(one);
      flush();
      while (asking !== undefined) await asking;
      await deleting;
      keepHead();
      opened?.writer.close();
      await opened?.people.close();
    },
  };
}

/** About what it takes in memory. */
function weightOf({ args, mailbox, oldMailbox, newMailbox, reply, user }: ServerEvent): number {
  const texts = [args, mailbox, oldMailbox, newMailbox, reply, user];
  return texts.reduce((sum, text) => sum + (text?.length ?? 0), 400);
}
