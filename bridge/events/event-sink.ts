import type { ServerEvent } from './server-event.ts';

/**
 * Who keeps events for good: the trace of access. A source that can be read again (Dovecot's log) has its position kept in the same
 * transaction as the events, so that nothing is lost and nothing stands there twice, whatever ends us in between.
 */
export interface EventSink {
  /**
   * Commits all of them, or none and throws: {@link NotYet} where they may come again in a moment. On disk when it returns.
   * @param events in the order in which they were read; those that are none of its business are passed over
   * @param position how far the source has been read with them, as the source understands it: JSON text of some kB at most. Undefined:
   * the one before stands
   */
  keep(events: readonly ServerEvent[], position?: string): void;
  /** What was given last, also after a restart. Undefined: never one. */
  position(): string | undefined;
  /** A login that was kept before a restart, and may have begun a session that goes on. */
  recall(login: ServerEvent): void;
}

/** Something that isn't here has to be asked for first. No failure: the same may be tried again when it is. */
export class NotYet extends Error {
  /** Rejects where it can't be asked. */
  readonly ready: Promise<void>;

  constructor(ready: Promise<void>) {
    super('it is not known yet to whom it belongs');
    this.ready = ready;
  }
}
