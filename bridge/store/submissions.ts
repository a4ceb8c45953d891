/**
 * submission.db: what was sent for somebody else, as events that wait for the sidecar to seal them, and what became of each copy.
 *
 * A file of its own, beside delegation.db: a message must not wait until some program has finished a long transaction on the table,
 * nor wake the sidecar to look for changes in it. Its commits are written to the disk's cache and not forced out
 * (synchronous = NORMAL), so that a submission costs no fsync: what is committed survives the death of the process, and the
 * sidecar's own commit, a moment later, survives the death of the machine. R3.
 */
import { existsSync } from 'node:fs';
import type { Instant } from '../../acl/policy.ts';
import type { FailureCode } from '../failure.ts';
import type { AuditEntry } from './audit.ts';
import type { AuditFilter } from './audit-trail.ts';
import { dataVersionOf, waitsForNobody, whenFree } from './busy.ts';
import { SUBMISSIONS } from './files.ts';
import { explained, migrate, open } from './open.ts';

export interface SubmissionEntry extends AuditEntry {
  readonly on_behalf: string | null;
  readonly via: string | null;
}

export interface Copy {
  readonly nonce: string;
  /** The owner's mailbox, by its address. */
  readonly mailbox: string;
  readonly sentAt: Instant;
}

/** What is to be noted; a list of them goes into one transaction. */
export type Note =
  | { readonly kind: 'event'; readonly entry: SubmissionEntry }
  /** It has been given to Postfix. Says nothing new of one that was tried already: Postfix may be faster than we. */
  | { readonly kind: 'copy-sent'; readonly copy: Copy }
  | { readonly kind: 'copy-stored'; readonly copy: Copy; readonly at: Instant }
  | {
      readonly kind: 'copy-failed';
      readonly copy: Copy;
      readonly at: Instant;
      readonly failure: { readonly code: FailureCode; readonly message: string; readonly hint: string };
      /** Postfix will try no more. */
      readonly forGood: boolean;
    };

/** A copy that isn't where it should be. */
export interface MissingCopy extends Copy {
  readonly state: 'waiting' | 'failed';
  readonly attempts: number;
  readonly triedAt: Instant | null;
  readonly code: FailureCode | null;
  readonly message: string | null;
  readonly hint: string | null;
}

export interface SubmissionStore {
  readonly file: string;
  /** Random, of this very file: the ids of its events begin anew in another one. */
  readonly epoch: string;
  dataVersion(): number;
  note(notes: readonly Note[]): Promise<void>;
  /** The oldest first, so many at most where that is given. */
  events(most?: number): Promise<readonly (SubmissionEntry & { readonly id: number })[]>;
  /** The last of them that match, in their order. */
  lastEvents(filter: AuditFilter): Promise<readonly AuditEntry[]>;
  /** Takes away the events up to this one. */
  forget(lastEvent: number): Promise<void>;
  /** Takes away copies sent before that instant, so many at most. Returns how many. */
  forgetCopies(before: Instant, most: number): Promise<number>;
  isStored(nonce: string): Promise<boolean>;
  /** The oldest first. */
  missing(): Promise<readonly MissingCopy[]>;
  close(): void;
}

/** Makes the file when there is none. */
export function openSubmissions(file: string): SubmissionStore {
  migrate(file, SUBMISSIONS);
  return openFile(file);
}

/** Undefined where nothing was ever submitted through us. */
export function existingSubmissions(file: string): SubmissionStore | undefined {
  return existsSync(file) ? openFile(file) : undefined;
}

const FIELDS = 'at, actor, reason, action, mailbox, delegate, detail, on_behalf, via';
const MISSING = 'nonce, mailbox, sent_at AS sentAt, state, attempts, tried_at AS triedAt, code, message, hint';

function openFile(file: string): SubmissionStore {
  const database = open(file, SUBMISSIONS);
  database.pragma('synchronous = NORMAL');
  waitsForNobody(database);
  const insertEvent = database.prepare(
    `INSERT INTO events (${FIELDS}) VALUES (@at, @actor, @reason, @action, @mailbox, @delegate, @detail, @on_behalf, @via)`,
  );
  const insertCopy = database.prepare(
    "INSERT OR IGNORE INTO copies (nonce, mailbox, sent_at, state) VALUES (@nonce, @mailbox, @sentAt, 'waiting')",
  );
  const updateCopy = database.prepare(`UPDATE copies SET state = @state, attempts = attempts + 1, tried_at = @at,
    code = @code, message = @message, hint = @hint WHERE nonce = @nonce AND state <> 'stored'`);

  const lastEvents = database.prepare<object, AuditEntry>(`SELECT ${FIELDS} FROM events
    WHERE (@mailbox IS NULL OR mailbox = @mailbox) AND (@delegate IS NULL OR delegate = @delegate) AND (@since IS NULL OR at >= @since)
    ORDER BY id DESC LIMIT @limit`);
  // All three states, because the index begins with the state.
  const forgetCopies = database.prepare(`DELETE FROM copies WHERE nonce IN (SELECT nonce FROM copies
    WHERE state IN ('waiting', 'stored', 'failed') AND sent_at < ? LIMIT ?)`);

  const noteOne = (note: Note) => {
    if (note.kind === 'event') {
      insertEvent.run(note.entry);
      return;
    }
    const { nonce } = note.copy;
    insertCopy.run(note.copy);
    if (note.kind === 'copy-stored') {
      updateCopy.run({ nonce, state: 'stored', at: note.at, code: null, message: null, hint: null });
    }
    if (note.kind === 'copy-failed') {
      updateCopy.run({ nonce, state: note.forGood ? 'failed' : 'waiting', at: note.at, ...note.failure });
    }
  };
  const guarded = <T>(work: () => T): Promise<T> =>
    whenFree(work).catch((error: unknown) => {
      throw explained(error, file, SUBMISSIONS.what);
    });
  return {
    file,
    epoch: database.prepare('SELECT epoch FROM file').pluck().get() as string,
    dataVersion: dataVersionOf(database),
    note: (notes) => guarded(() => database.transaction(() => notes.forEach(noteOne)).immediate()),
    events: (most = -1) =>
      guarded(() =>
        database
          .prepare<[number], SubmissionEntry & { id: number }>(`SELECT id, ${FIELDS} FROM events ORDER BY id LIMIT ?`)
          .all(most),
      ),
    lastEvents: async ({ mailbox = null, delegate = null, since = null, limit }) => {
      const last = await guarded(() => lastEvents.all({ mailbox, delegate, since, limit }));
      return [...last].reverse();
    },
    forget: (lastEvent) => guarded(() => void database.prepare('DELETE FROM events WHERE id <= ?').run(lastEvent)),
    forgetCopies: (before, most) => guarded(() => forgetCopies.run(before, most).changes),
    isStored: (nonce) =>
      guarded(
        () => database.prepare('SELECT 1 FROM copies WHERE nonce = ? AND state = ?').get(nonce, 'stored') !== undefined,
      ),
    missing: () =>
      guarded(() =>
        database
          .prepare<[], MissingCopy>(`SELECT ${MISSING} FROM copies WHERE state <> 'stored' ORDER BY sent_at`)
          .all(),
      ),
    close: () => database.close(),
  };
}
