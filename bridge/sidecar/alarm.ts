/**
 * The one timer that wakes the sidecar when time alone changes something. Closed, it can't be set any more: a look at when that will be, which was
 * under way when the sidecar was asked to stop (a PostgreSQL that takes its time), would keep its process for an hour.
 */
export interface Alarm {
  /** In place of what it was set to before. At least a millisecond: setTimeout fires at once where it can't hold the number. */
  set(ms: number): void;
  close(): void;
}

export function openAlarm(ring: () => void): Alarm {
  let timer: NodeJS.Timeout | undefined;
  let closed = false;
  return {
    set: (ms) => {
      clearTimeout(timer);
      if (!closed) timer = setTimeout(ring, Math.max(1, ms));
    },
    close: () => {
      closed = true;
      clearTimeout(timer);
    },
  };
}
