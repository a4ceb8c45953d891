/**
 * What goes wrong, as a value with a code that says who must act, a sentence and a hint.
 * Scripts rely on the codes through the exit status; people on the hint.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';

export type FailureCode =
  | 'retry' // a server or the database can't be reached now: trying again may help
  | 'refused' // a rule says no: other input is needed
  | 'absent' // no such mailbox, delegate or delegation
  | 'config' // the set-up of mandat or of a server is wrong: an administrator must act
  | 'unsafe' // going on might open mail to somebody who shouldn't read it
  | 'internal'; // a defect of ours

interface Named {
  readonly cause?: unknown;
  readonly rule?: string | undefined;
  readonly fault?: string | undefined;
  readonly about?: string | undefined;
}

export class Failure extends Error {
  readonly code: FailureCode;
  /** What to do next, a sentence; empty where the message says it all. */
  readonly hint: string;
  /** The stable name of the rule behind a `refused`, as in `MANDAT_LIMIT`. */
  readonly rule: string | undefined;
  /** Which of the faults that the rule knows, where there are several: for whoever says it in other words. */
  readonly fault: string | undefined;
  /** Whom or what the message names beside whoever asks; for the same. */
  readonly about: string | undefined;

  constructor(code: FailureCode, message: string, hint = '', options: Named = {}) {
    super(message, { cause: options.cause });
    this.name = 'Failure';
    this.code = code;
    this.hint = hint;
    this.rule = options.rule;
    this.fault = options.fault;
    this.about = options.about;
  }
}

/** Any thrown value as a Failure; what nobody foresaw is `internal`. */
export function failureOf(thrown: unknown): Failure {
  if (thrown instanceof Failure) return thrown;
  if (thrown instanceof Error && thrown.message.includes('io_uring may be enabled')) {
    return new Failure(
      'config',
      `this Node (${process.version}, ${process.execPath}) lets no program become another user, as a command of root's must: Debian 13's own is so`,
      'take Node from nodejs.org, or the Debian package of mandat, which brings its own; or run the command as the owner of the data: runuser -u mandat -- mandat ...',
      { cause: thrown },
    );
  }
  if (isForeignModule(thrown)) {
    return new Failure(
      'config',
      `the SQLite module was not built for this Node (${process.version}): Node was changed since mandat was installed`,
      `build it anew, then restart the sidecar: cd ${installation()} && npm rebuild better-sqlite3`,
      { cause: thrown },
    );
  }
  const trouble = thrown instanceof Error ? machineTrouble(thrown) : undefined;
  if (trouble !== undefined) return trouble;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new Failure('internal', message, 'this is a defect of mandat: please report it with the log', {
    cause: thrown,
  });
}

/** What the machine refuses in the middle of the work, by the code of Node's or SQLite's error: it passes, and is tried again. */
const TROUBLES: readonly (readonly [code: RegExp, message: string, hint: string])[] = [
  [
    /^(?:SQLITE_FULL|ENOSPC|EDQUOT)/,
    "the disk is full: a file of mandat's can't be written",
    'make room: it goes on by itself',
  ],
  [
    /^(?:EMFILE|ENFILE|SQLITE_CANTOPEN)/,
    "a file of mandat's can't be opened now: too many are open, or its directory is away",
    'look at data_dir, and at how many files the process may open (LimitNOFILE of its unit); it goes on by itself',
  ],
  [
    /^(?:SQLITE_IOERR|EIO$)/,
    "the disk fails: a file of mandat's can't be read or written",
    "look at the kernel's log, and at the disk",
  ],
  [
    /^(?:SQLITE_READONLY|EROFS)/,
    "a file of mandat's can't be written: its file system is read-only",
    'mount it to be written again: it goes on by itself',
  ],
];

function machineTrouble(thrown: Error): Failure | undefined {
  const code = 'code' in thrown ? String(thrown.code) : '';
  const [, message, hint] = TROUBLES.find(([known]) => known.test(code)) ?? [];
  return message === undefined ? undefined : new Failure('retry', `${message} (${code})`, hint, { cause: thrown });
}

/** Node's own complaint about a compiled module of another version, or that there is none for it. */
function isForeignModule(thrown: unknown): boolean {
  if (!(thrown instanceof Error)) return false;
  return (
    ('code' in thrown && thrown.code === 'ERR_DLOPEN_FAILED') ||
    thrown.message.startsWith('Could not locate the bindings file')
  );
}

/** The directory of our package.json: above this file, and above dist/, which has one of its own, once built. */
function installation(): string {
  let at = import.meta.dirname;
  while (!isOurs(path.join(at, 'package.json')) && path.dirname(at) !== at) at = path.dirname(at);
  return at;
}

function isOurs(file: string): boolean {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).name === 'mandat';
  } catch {
    return false;
  }
}
