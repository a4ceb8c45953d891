/**
 * submission.db: what was sent for somebody else, as events that wait for the sidecar to seal them, and what became of each copy.
 *
 * A file of its own, beside delegation.db: a message must not wait until some program has finished a long transaction on the table,
 * nor wake the sidecar to look for changes in it. Its commits are written to the disk's cache and not forced out
 * (synchronous = NORMAL), so that a submission costs no fsync: what is committed survives the death of the process, and the
 * sidecar's own commit, a moment later, survives the death of the machine. R3.
 */
import type { Instant } from '../../../acl/delegation-facts.ts';
import type { FailureCode } from '../../shared/failure.ts';
import type { Fingerprint } from '../../submission/fingerprint.ts';
import { SUBMISSIONS } from '../databases.ts';
import { dataVersionOf, waitsForNobody, whenFree } from '../files/busy.ts';
import { explained, isThere, migrate, type OpenOptions, open, versionIn } from '../files/open.ts';
import type { AuditEntry } from '../trail/sealing.ts';
import type { AuditFilter } from '../trail/trail-reading.ts';

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

/** What a later look for the mail client's own copy needs to know of ours. */
export interface LookedFor {
  readonly mailboxId: number;
  readonly messageId: string;
  /** In octets. */
  readonly size: number;
  readonly print: Fingerprint;
}

/** A copy that is stored, and after which one of the mail client's may have come. */
export interface DueLook extends Copy, LookedFor {
  /** What the client has sent, as {@link Fingerprint} has `content`; null where that isn't known. */
  readonly submitted: string | null;
  /** How often it was looked since. */
  readonly looks: number;
}

/** What is to be noted; a list of them goes into one transaction. */
export type Note =
  | { readonly kind: 'event'; readonly entry: SubmissionEntry }
  /** It has been given to Postfix. Says nothing new of one that was tried already: Postfix may be faster than we. */
  | { readonly kind: 'copy-sent'; readonly copy: Copy; readonly content?: string | undefined }
  /** Ours, or one as good, is in the folder. `look`: what to look for later, and when first. */
  | {
      readonly kind: 'copy-stored';
      readonly copy: Copy;
      readonly at: Instant;
      readonly look?: { readonly for: LookedFor; readonly at: Instant } | undefined;
    }
  /** `next`: when to look again, null: never. `failed`: that look doesn't count. */
  | { readonly kind: 'copy-looked'; readonly nonce: string; readonly next: Instant | null; readonly failed?: boolean }
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

export interface NotedEvent extends AuditEntry {
  readonly id: number;
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
  lastEvents(filter: AuditFilter): Promise<readonly NotedEvent[]>;
  /** Takes away the events up to this one. */
  forget(lastEvent: number): Promise<void>;
  /** Takes away copies sent before that instant, so many at most. Returns how many. */
  forgetCopies(before: Instant, most: number): Promise<number>;
  isStored(nonce: string): Promise<boolean>;
  /** What the client has sent with this copy (Fingerprint.content); null where it isn't noted, or not yet. */
  submitted(nonce: string): Promise<string | null>;
  /** Whether some copy of ours is this very message (Fingerprint.exact). */
  isCopy(exact: string): Promise<boolean>;
  /**
   * Those to look for now, the longest due first. `until`: they are this caller's, and due again for others then, should nothing come of it; no two
   * callers get the same. `servers`: of mailboxes on these mail servers alone, where several have one store.
   */
  due(now: Instant, most: number, until?: Instant, servers?: readonly string[]): Promise<readonly DueLook[]>;
  /** The oldest first. */
  missing(): Promise<readonly MissingCopy[]>;
  /** How many there are, up to `most` of each: those that were tried in vain, and those sent before `expected` that nobody has brought. */
  countMissing(expected: Instant, most: number): Promise<Readonly<Record<'waiting' | 'failed', number>>>;
  close(): void;
}

/** Makes the file when there is none. */
export function openSubmissions(file: string, options: Opening = {}): SubmissionStore {
  migrate(file, SUBMISSIONS, options);
  return openFile(file, options);
}

/** Undefined where nothing was ever submitted through us. */
export function existingSubmissions(file: string, options: Opening = {}): SubmissionStore | undefined {
  if (!isThere(file, SUBMISSIONS)) return undefined;
  if (versionIn(file, SUBMISSIONS, options.busyMs) < SUBMISSIONS.migrations.length) migrate(file, SUBMISSIONS, options);
  return openFile(file, options);
}

type Opening = Pick<OpenOptions, 'busyMs'>;

const FIELDS = 'at, actor, reason, action, mailbox, delegate, detail, on_behalf, via';
const MISSING = 'nonce, mailbox, sent_at AS sentAt, state, attempts, tried_at AS triedAt, code, message, hint';

function openFile(file: string, { busyMs }: Opening): SubmissionStore {
  const database = open(file, SUBMISSIONS, { busyMs });
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

  const lastEvents = database.prepare<object, NotedEvent>(`SELECT id, ${FIELDS} FROM events
    WHERE (@mailbox IS NULL OR mailbox = @mailbox) AND (@delegate IS NULL OR delegate = @delegate) AND (@since IS NULL OR at >= @since)
    ORDER BY id DESC LIMIT @limit`);
  // All three states, because the index begins with the state.
  const forgetCopies = database.prepare(`DELETE FROM copies WHERE nonce IN (SELECT nonce FROM copies
    WHERE state IN ('waiting', 'stored', 'failed') AND sent_at < ? LIMIT ?)`);

  const submitted = database.prepare('SELECT content FROM copies WHERE nonce = ?').pluck();
  const isCopy = database.prepare('SELECT 1 FROM copies WHERE exact = ?');
  const due = database.prepare<[string, number], Omit<DueLook, keyof LookedFor> & { readonly look: string }>(
    `SELECT nonce, mailbox, sent_at AS sentAt, content AS submitted, looks, look FROM copies
      WHERE look_at IS NOT NULL AND look_at <= ? ORDER BY look_at LIMIT ?`,
  );
  const takeLook = database.prepare('UPDATE copies SET look_at = ? WHERE nonce = ?');
  const taken = database.transaction((now: Instant, most: number, until: Instant) => {
    const found = due.all(now, most);
    for (const { nonce } of found) takeLook.run(until, nonce);
    return found;
  });
  const noteContent = database.prepare('UPDATE copies SET content = @content WHERE nonce = @nonce');
  const noteLook = database.prepare(
    "UPDATE copies SET exact = @exact, look = @look, look_at = @at WHERE nonce = @nonce AND state = 'stored'",
  );
  // After the last look nothing is kept but what tells our own copies from others.
  const noteLooked = database.prepare(`UPDATE copies SET looks = looks + @counts, look_at = @next,
    look = iif(@next IS NULL, NULL, look), content = iif(@next IS NULL, NULL, content) WHERE nonce = @nonce`);

  const countWaiting = database
    .prepare(
      `SELECT count(*) FROM (SELECT 1 FROM copies WHERE state = 'waiting' AND (code IS NOT NULL OR sent_at < @expected) LIMIT @most)`,
    )
    .pluck();
  const countFailed = database
    .prepare("SELECT count(*) FROM (SELECT 1 FROM copies WHERE state = 'failed' LIMIT @most)")
    .pluck();

  const noteOne = (note: Note) => {
    if (note.kind === 'event') {
      insertEvent.run(note.entry);
      return;
    }
    if (note.kind === 'copy-looked') {
      noteLooked.run({ nonce: note.nonce, next: note.next, counts: note.failed === true ? 0 : 1 });
      return;
    }
    const { nonce } = note.copy;
    insertCopy.run(note.copy);
    if (note.kind === 'copy-sent' && note.content !== undefined) noteContent.run({ nonce, content: note.content });
    if (note.kind === 'copy-stored') {
      updateCopy.run({ nonce, state: 'stored', at: note.at, code: null, message: null, hint: null });
      const { look } = note;
      if (look !== undefined)
        noteLook.run({ nonce, exact: look.for.print.exact, look: JSON.stringify(look.for), at: look.at });
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
    submitted: (nonce) => guarded(() => (submitted.get(nonce) as string | null | undefined) ?? null),
    isCopy: (exact) => guarded(() => isCopy.get(exact) !== undefined),
    due: async (now, most, until) => {
      const there = await guarded(() => due.all(now, most)); // asked every second: nothing is locked where nothing is due
      const found =
        until === undefined || there.length === 0 ? there : await guarded(() => taken.immediate(now, most, until));
      return found.map(({ look, ...row }) => ({ ...row, ...(JSON.parse(look) as LookedFor) }));
    },
    missing: () =>
      guarded(() =>
        database
          .prepare<[], MissingCopy>(`SELECT ${MISSING} FROM copies WHERE state <> 'stored' ORDER BY sent_at`)
          .all(),
      ),
    countMissing: (expected, most) =>
      guarded(() => ({
        waiting: countWaiting.get({ expected, most }) as number,
        failed: countFailed.get({ most }) as number,
      })),
    close: () => database.close(),
  };
}
