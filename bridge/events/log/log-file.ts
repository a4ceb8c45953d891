/**
 * One file of a log, open: its lines from where it has been read, and whether it's still what it was. A file is known by its inode and its
 * first octets, which hold times: one that was emptied and written anew has others.
 */
import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import type { ServerEvent } from '../server-event.ts';
import { LARGEST_EVENT } from '../server-event.ts';
import { logLines } from './log-lines.ts';
import type { FilePosition } from './log-position.ts';
import { loginsBefore } from './logins-before.ts';

/** Of the beginning of a file that are compared. */
const HEAD_OCTETS = 1024;
/** What is read at a time, by whichever of them: nothing of it is kept but copies. */
const PORTION = 256 * 1024;
const portion = Buffer.allocUnsafe(PORTION);
/** A line that is longer is passed over. No event is; docs/server-notes.md. */
const LONGEST_LINE = 2 * LARGEST_EVENT;

export interface LogFile {
  readonly inode: string;
  /** Some of what comes next, in order; undefined where nothing has come. */
  read(): readonly ServerEvent[] | undefined;
  /** False: it was cut short or written anew, also since the last {@link read}. */
  isSame(): boolean;
  /** Octets that have not been read. */
  left(): number;
  /** How many have been. */
  readonly readTo: number;
  /** Of one of which nothing has been read: files that were written to later, ms since the epoch, may be what it was meanwhile. */
  readonly since: number;
  /** What was written to until then is known. */
  knownUntil(written: number): void;
  /** No name leads to it any more. */
  isUnlinked(): boolean;
  /** What was read of it has been kept: see {@link position}. */
  kept(): void;
  /** As of what was read; with `kept`, as of what was kept. */
  position(which?: 'kept'): FilePosition;
  /** Lines that were no event, though they began as one, or were too long. */
  readonly malformed: number;
  /** The logins that it told of before where reading began. */
  logins(tell: (login: ServerEvent) => void): void;
  close(): void;
}

/** Throws where it can't be opened, or is no file. */
export function openLogFile(place: string, from: FilePosition | 'beginning' | 'end' = 'beginning'): LogFile {
  const fd = openSync(place, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) throw new Error(`${place} is no file`);
    const known = typeof from === 'string' ? { at: from === 'end' ? stat.size : 0, written: stat.mtimeMs } : from;
    return logFile(fd, String(stat.ino), {
      at: Math.min(known.at, stat.size),
      since: known.written,
      midLine: from === 'end',
    });
  } catch (error) {
    closeSync(fd);
    throw error;
  }
}

export const sha256 = (octets: Buffer) => createHash('sha256').update(octets).digest('hex');

/** The first octets of a file, fewer where it hasn't as many. */
export function headOf(fd: number, octets: number): Buffer {
  const head = Buffer.alloc(octets);
  return head.subarray(0, readSync(fd, head, 0, octets, 0));
}

/** Whether the open file begins with what that position is of, and reaches as far. */
export function isOf(fd: number, { head, at }: FilePosition): boolean {
  return fstatSync(fd).size >= at && sha256(headOf(fd, head.octets)) === head.sha256;
}

interface Start {
  readonly at: number;
  readonly since: number;
  readonly midLine: boolean;
}

function logFile(fd: number, inode: string, { at: start, since, midLine }: Start): LogFile {
  const lines = logLines();
  let malformed = 0;
  let known = since;
  let head = headOf(fd, Math.min(start, HEAD_OCTETS));
  /** Everything before is done with: no line, and no event of several lines, has begun before and goes on behind. */
  let at = start;
  let keptAt = start;
  /** How far it has been read: behind `at` is half a line, or part of an event. */
  let readTo = start;
  let half: Buffer = Buffer.alloc(0);
  /** The rest of a line that is no whole one. */
  let passing = midLine && start > 0;

  const linesIn = (data: Buffer, dataAt: number): ServerEvent[] => {
    const events: ServerEvent[] = [];
    let begin = 0;
    for (let end = data.indexOf(10); end >= 0; end = data.indexOf(10, begin)) {
      const event = passing ? undefined : lines.take(data.subarray(begin, end));
      passing = false;
      begin = end + 1;
      if (event !== undefined) events.push(event);
      if (!lines.begun) at = dataAt + begin;
    }
    half = Buffer.from(data.subarray(begin));
    if (passing) half = Buffer.alloc(0);
    else if (half.length > LONGEST_LINE) {
      malformed++;
      half = Buffer.alloc(0);
      passing = true;
    }
    return events;
  };

  return {
    inode,
    get since() {
      return known;
    },
    knownUntil: (written) => {
      known = Math.max(known, written);
    },
    read: () => {
      const length = readSync(fd, portion, 0, PORTION, readTo);
      if (length === 0) return undefined;
      const fresh = portion.subarray(0, length);
      const data = half.length === 0 ? fresh : Buffer.concat([half, fresh]);
      const dataAt = readTo - half.length;
      readTo += length;
      return linesIn(data, dataAt);
    },
    isSame: () => {
      if (fstatSync(fd).size < readTo) return false;
      const now = headOf(fd, Math.min(HEAD_OCTETS, readTo));
      if (now.length < head.length || !now.subarray(0, head.length).equals(head)) return false;
      head = now;
      return true;
    },
    left: () => Math.max(0, fstatSync(fd).size - readTo),
    get readTo() {
      return readTo;
    },
    isUnlinked: () => fstatSync(fd).nlink === 0,
    kept: () => {
      keptAt = at;
    },
    position: (which) => ({
      inode,
      head: { octets: head.length, sha256: sha256(head) },
      at: which === 'kept' ? keptAt : at,
      written: readTo === 0 ? known : fstatSync(fd).mtimeMs,
    }),
    get malformed() {
      return malformed + lines.malformed;
    },
    logins: (tell) => loginsBefore(fd, start, tell),
    close: () => closeSync(fd),
  };
}
