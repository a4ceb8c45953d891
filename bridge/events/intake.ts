/**
 * What becomes of events: read, told to whoever takes all of them, and, where one hints at a change by somebody else, kept as a hint until it
 * is asked for. It runs in a thread of its own (intake-thread.ts): however many come, the thread that does revokes is asked for nothing but
 * a few hints at a time.
 */
import { authorisation, type Bounds, serveEvents } from './endpoint.ts';
import { type Hint, hintOf } from './hint.ts';
import { keepHints } from './kept-hints.ts';
import { readServerEvent, type ServerEvent } from './server-event.ts';
import { signOf } from './sign.ts';

/** Takes every event that was accepted, one after the other; `ours`: of a connection of mandat's own. Must not throw, and returns at once. */
export type EventTaker = (event: ServerEvent, ours: boolean) => void;

export interface IntakeOptions {
  /** '': nobody is listened to, and all comes by {@link Intake.hear}. */
  readonly host: string;
  readonly port: number;
  readonly password: string;
  readonly takers?: readonly EventTaker[];
  readonly bounds?: Partial<Bounds>;
  /** A hint has come where there was none. */
  readonly onHint: () => void;
}

/** What has come since the start. */
export interface IntakeCounts {
  /** Events that were read, of every kind that we know. */
  readonly events: number;
  /** Bodies that were no event. */
  readonly malformed: number;
  readonly unauthorised: number;
  /** Requests that were too large, to another place, broken off, or one connection too many. */
  readonly refused: number;
  /** Hints that found no place. */
  readonly dropped: number;
  /** When the last event came; ms since the epoch, 0 for none. */
  readonly lastAt: number;
  /** The last name of a folder by which `mandat doctor` looks whether events arrive (sign.ts); '' for none. */
  readonly sign: string;
}

export interface Intake {
  /** So many hints at most. */
  hints(most: number): readonly Hint[];
  readonly waiting: number;
  readonly counts: IntakeCounts;
  readonly port: number;
  setPassword(password: string): void;
  /** A connection of ours: what is done over it is no news. `at`: its own address and port. */
  own(at: string, open: boolean): void;
  /** One event that came by another way than HTTP; false where it is none. */
  take(text: string): boolean;
  /** One that somebody else keeps: what it hints at. */
  hear(event: ServerEvent): void;
  /** Whether it's of a connection of ours. */
  isOurs(event: ServerEvent): boolean;
  close(): Promise<void>;
}

/** Events of a connection of ours may still come when it is closed already. */
const OWN_FOR_MS = 30_000;

/** Rejects where it can't listen. */
export async function openIntake(options: IntakeOptions): Promise<Intake> {
  const { host, port, takers = [], bounds, onHint } = options;
  let expected = authorisation(options.password);
  const kept = keepHints();
  const ours = new Map<string, number>();
  let events = 0;
  let malformed = 0;
  let lastAt = 0;
  let sign = '';

  const isOurs = ({ remoteIp, remotePort }: ServerEvent) => {
    const until = ours.get(`${remoteIp}:${remotePort}`);
    return until !== undefined && until > performance.now();
  };
  const note = (hint: Hint) => {
    const before = kept.size;
    kept.add(hint);
    if (before === 0 && kept.size > 0) onHint();
  };
  const take = (text: string): boolean => {
    const event = readServerEvent(text);
    if (typeof event === 'string') {
      if (event !== 'other') malformed++;
      return event === 'other';
    }
    const own = isOurs(event);
    for (const taker of takers) taker(event, own);
    hear(event);
    return true;
  };
  const hear = (event: ServerEvent) => {
    events++;
    lastAt = Date.now();
    sign = signOf(event) ?? sign;
    const hint = isOurs(event) ? undefined : hintOf(event);
    if (hint !== undefined) note(hint);
  };
  const endpoint =
    host === ''
      ? undefined
      : await serveEvents({ host, port, expected: () => expected, take, ...(bounds && { bounds }) });

  return {
    hints: kept.take,
    take,
    hear,
    isOurs,
    get waiting() {
      return kept.size;
    },
    get counts() {
      const { unauthorised, refused } = endpoint?.counts ?? { unauthorised: 0, refused: 0 };
      return { events, malformed, unauthorised, refused, dropped: kept.dropped, lastAt, sign };
    },
    port: endpoint?.port ?? 0,
    setPassword: (password) => {
      expected = authorisation(password);
    },
    own: (at, open) => {
      const now = performance.now();
      ours.set(at, open ? Number.POSITIVE_INFINITY : now + OWN_FOR_MS);
      if (ours.size > 1000) for (const [one, until] of ours) if (until < now) ours.delete(one);
    },
    close: async () => endpoint?.close(),
  };
}
