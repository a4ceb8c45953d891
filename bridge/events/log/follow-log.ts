/**
 * Follows a log (log-reader.ts): a file watch says at once that something has come, and it's looked at now and then in any case, since watches miss
 * some and rotations move the file away. Portions are small and give way, so that whoever shares the thread has their turn.
 */
import { type FSWatcher, watch } from 'node:fs';
import { NotYet } from '../event-sink.ts';
import { type LogReader, type LogReaderOptions, openLogReader } from './log-reader.ts';

export interface FollowOptions extends LogReaderOptions {
  /** Trouble in words, once for each kind of it; undefined: it's over. */
  readonly say: (trouble: string | undefined) => void;
}

export interface Following {
  readonly counts: LogReader['counts'];
  /** Resolves when nothing is being read any more. What was read is kept. */
  close(): void;
}

/** Events that come close together are kept together. */
const TOGETHER_MS = 20;
const LOOK_MS = 1000;
/** Between two portions, where there is more than one. */
const BREATH_MS = 1;
const RETRY_MAX_MS = 60_000;
/** A rotation leaves a moment without a log. */
const PATIENCE = 3;

export function followLog({ say, ...options }: FollowOptions): Following {
  const reader = openLogReader(options);
  let timer: NodeJS.Timeout | undefined;
  let dueAt = Number.POSITIVE_INFINITY;
  let watched: { readonly inode: string | undefined; readonly watcher: FSWatcher | undefined } | undefined;
  let failures = 0;
  let looksInVain = 0;
  let said: string | undefined;
  let closed = false;
  /** Until it is known whose it is. */
  let waits = false;

  const tell = (trouble: string | undefined) => {
    if (trouble !== said) say(trouble);
    said = trouble;
  };
  const after = (ms: number) => {
    const at = performance.now() + ms;
    if (closed || waits || at >= dueAt) return;
    clearTimeout(timer);
    dueAt = at;
    timer = setTimeout(turn, ms);
    timer.unref();
  };
  const watchIt = () => {
    if (watched?.inode === reader.inode) return;
    watched?.watcher?.close();
    let watcher: FSWatcher | undefined;
    try {
      watcher = watch(options.log, { persistent: false }, () => failures === 0 && after(TOGETHER_MS));
      watcher.on('error', () => watcher?.close()); // looks find it
    } catch {} // no log, or no more watches on this machine
    watched = { inode: reader.inode, watcher };
  };
  const turn = () => {
    dueAt = Number.POSITIVE_INFINITY;
    try {
      const more = reader.step();
      failures = 0;
      watchIt();
      looksInVain = reader.trouble === undefined || more ? 0 : looksInVain + 1;
      if (reader.trouble === undefined) tell(undefined);
      else if (looksInVain >= PATIENCE) tell(`${options.log} can't be read: ${reader.trouble}`);
      after(more ? BREATH_MS : LOOK_MS);
    } catch (error) {
      if (!(error instanceof NotYet)) return failed(error);
      waits = true;
      void error.ready
        .then(
          () => undefined,
          (why: unknown) => why ?? true,
        )
        .then((why) => {
          waits = false;
          if (why === undefined) after(0);
          else failed(why);
        });
    }
  };
  const failed = (error: unknown) => {
    tell(`what ${options.log} tells can't be kept: ${(error as Error).message}`);
    after(Math.min(RETRY_MAX_MS, LOOK_MS * 2 ** failures++));
  };

  after(0);
  return {
    get counts() {
      return reader.counts;
    },
    close: () => {
      closed = true;
      clearTimeout(timer);
      watched?.watcher?.close();
      reader.close();
    },
  };
}
