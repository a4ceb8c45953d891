/**
 * Notices that another program has committed to the delegation table.
 *
 * A watch on the -wal file fires at the write, before the commit is visible, so after each event the database's data_version is
 * read again at doubling delays. File events can be lost, so a slow poll runs underneath. The wake-up carries no data.
 */
import { type FSWatcher, watch } from 'node:fs';
import type { DelegationDb } from '../store/table/delegation-db.ts';

const DELAYS_MS = [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

export interface Watch {
  /** Whether the database can't be reached just now: what can wait is not tried meanwhile. Undefined where it is a file. */
  readonly away?: () => boolean;
  close(): void;
  /** Of the connection to PostgreSQL; absent where the table is a file. */
  readonly database?: () => { readonly up: boolean; readonly losses: number };
}

export function watchTable(table: Pick<DelegationDb, 'file' | 'dataVersion'>, pollMs: number, wake: () => void): Watch {
  let seen = table.dataVersion();
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  const look = (): boolean => {
    const version = table.dataVersion();
    if (version === seen) return false;
    seen = version;
    wake();
    return true;
  };
  const lookAgain = (step: number) => {
    if (closed) return;
    look(); // found or not: the event of a second commit may have come while this chain ran
    const next = DELAYS_MS[step + 1];
    timer = next === undefined ? undefined : setTimeout(() => lookAgain(step + 1), next);
  };
  const onEvent = () => {
    clearTimeout(timer);
    lookAgain(0);
  };

  // The -wal file lives as long as our own connection is open, so it is there now and stays the same file.
  const watcher: FSWatcher | undefined = startWatching(`${table.file}-wal`, onEvent);
  const poll = setInterval(look, pollMs);
  return {
    close: () => {
      closed = true;
      clearTimeout(timer);
      clearInterval(poll);
      watcher?.close();
    },
  };
}

/** Undefined where the file can't be watched (no inotify left, a network file system): the poll alone serves then. */
function startWatching(file: string, onEvent: () => void): FSWatcher | undefined {
  try {
    return watch(file, { persistent: false }, onEvent).on('error', () => {});
  } catch {
    return undefined;
  }
}
