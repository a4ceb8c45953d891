/**
 * A log, read as it grows, from where it was read last, also before a restart: each event once. What the log was before is read to its end
 * first, whatever it's called now. How far it has been read is handed on with the events that were read on the way.
 */
import { statSync } from 'node:fs';
import type { ServerEvent } from '../server-event.ts';
import { type LogFile, openLogFile } from './log-file.ts';
import { type LogPosition, positionText, readPosition } from './log-position.ts';
import { continued, openAgain, unseenSince } from './log-rotation.ts';

export interface LogReaderOptions {
  /** The log's own name. */
  readonly log: string;
  /** What `keep` was given last, also before a restart. Undefined: the log is read from its beginning. It may throw: it's asked again then. */
  readonly position: () => string | undefined;
  /** Commits both, or throws: then it's given them again. Undefined: nobody keeps them, and the log is read from its end. */
  readonly keep: ((events: readonly ServerEvent[], position: string) => void) | undefined;
  /** After a restart: a login that was read before it, and may have begun a session that goes on. */
  readonly recall?: (login: ServerEvent) => void;
  /** Each event once, whether or not it's kept already. Must not throw. */
  readonly hear: (events: readonly ServerEvent[]) => void;
}

export interface LogReader {
  /** Takes a portion. True: there may be more at once. Throws what `position` and `keep` throw. */
  step(): boolean;
  /** Why the log can't be read, in words; undefined where it can. What it was before is read meanwhile. */
  readonly trouble: string | undefined;
  readonly counts: Readonly<LogCounts>;
  /** Of the open log: what a file watch is to be on. It changes with each rotation. */
  readonly inode: string | undefined;
  close(): void;
}

export interface LogCounts {
  readonly events: number;
  /** Lines that began as an event and were none. */
  readonly malformed: number;
  /** How often a log, or what had become of it, could not be found any more before it had been read to its end. */
  readonly lost: number;
  /** Octets that wait to be read. */
  readonly behind: number;
}

/** So many files that were read to their end are followed, the log among them: a process may still write to what it was. */
const MOST_FOLLOWED = 4;
/** Where no event comes for long, how far it was read is kept after so many octets. */
const KEEP_AFTER = 1024 * 1024;

export function openLogReader({ log, position, keep, recall, hear }: LogReaderOptions): LogReader {
  /** The oldest first; the last is the log itself, or was. */
  let files: LogFile[] = [];
  let trouble: string | undefined;
  /** Events that were read and not kept, and of which file. */
  let unkept: { readonly file: LogFile; readonly events: readonly ServerEvent[] } | undefined;
  /** Octets since it was last kept how far it is. */
  let moved = 0;
  let malformedBefore = 0;
  let events = 0;
  let lost = 0;
  let before: LogPosition | undefined;
  let isAsked = false;
  let fromEnd = keep === undefined;

  const add = (more: readonly LogFile[]) => {
    if (more.length === 0) return;
    files.push(...more);
    moved = KEEP_AFTER; // which files there are is kept soon
  };
  /** The last of `files` is the log itself when it returns. Throws where it can't be read. */
  const follow = () => {
    const stat = statSync(log, { throwIfNoEntry: false });
    if (before !== undefined && stat !== undefined) {
      const again = openAgain(log, before);
      before = undefined;
      lost += again.lost ? 1 : 0;
      if (recall !== undefined) for (const file of again.files) file.logins(recall);
      add(again.files);
    }
    if (stat === undefined) {
      fromEnd = false;
      throw new Error('it is not there');
    }
    const last = files.at(-1);
    if (last !== undefined && last.inode === String(stat.ino)) {
      // Of one that was empty nobody sees that it was copied and emptied again.
      if (last.readTo > 0) return;
      const copies = unseenSince(log, last.since, files);
      for (const one of copies) last.knownUntil(one.since);
      files.splice(-1, 0, ...copies);
      return;
    }
    const fresh = openLogFile(log, fromEnd ? 'end' : 'beginning');
    const between = last === undefined ? [] : unseenSince(log, last.position().written, [...files, fresh]);
    add([...between, fresh]);
    fromEnd = false;
  };
  /** It was emptied, or written anew. */
  const emptied = (file: LogFile) => {
    const index = files.indexOf(file);
    const more = index === files.length - 1 ? continued(log, file.position('kept'), files) : { files: [], lost: true };
    files.splice(index, 1);
    malformedBefore += file.malformed;
    file.close();
    lost += more.lost ? 1 : 0;
    add(more.files);
  };
  /** What is read to its end and to which nobody writes any more, or hardly. */
  const forget = () => {
    for (const [oldest] = files; files.length > 1 && oldest !== undefined; ) {
      if (oldest.left() > 0 || !(oldest.isUnlinked() || files.length > MOST_FOLLOWED)) return;
      malformedBefore += oldest.malformed;
      oldest.close();
      files.shift();
      return;
    }
  };
  const commit = () => {
    const events = unkept?.events ?? [];
    if (keep !== undefined && files.length > 0 && (events.length > 0 || moved >= KEEP_AFTER)) {
      keep(events, positionText(files.map((one) => one.position())));
      moved = 0;
    }
    unkept?.file.kept();
    unkept = undefined;
  };
  const readOn = (file: LogFile): boolean => {
    const from = file.readTo;
    const read = file.isSame() ? file.read() : undefined;
    // What was read just now may be half of the one and half of the other.
    if (!file.isSame()) return attempt(() => emptied(file));
    if (read === undefined) return false;
    moved += file.readTo - from;
    events += read.length;
    unkept = { file, events: read };
    hear(read);
    commit();
    return true;
  };

  const attempt = (work: () => void): boolean => {
    try {
      work();
      return true;
    } catch (error) {
      trouble = (error as Error).message;
      return false;
    }
  };

  return {
    step: () => {
      if (!isAsked) before = readPosition(position());
      isAsked = true;
      commit();
      trouble = undefined;
      attempt(follow);
      if (files.some(readOn)) return true;
      commit(); // which files there are
      forget();
      return false;
    },
    get trouble() {
      return trouble;
    },
    get counts() {
      const malformed = files.reduce((sum, one) => sum + one.malformed, malformedBefore);
      return { events, malformed, lost, behind: files.reduce((sum, one) => sum + one.left(), 0) };
    },
    get inode() {
      return files.at(-1)?.inode;
    },
    close: () => {
      for (const one of files) one.close();
      files = [];
    },
  };
}
