/**
 * By which time months are deleted: the clock's, unless it has jumped ahead. One that is wrong by years would have the whole trace deleted at once, and
 * nobody could bring it back. So after a jump the time before it counts, until the clock has gone on steadily for a while: it was right, and the
 * sidecar was off, or somebody has had time to put it right. Kept among the marks of the trace's file of now.
 */
import * as z from 'zod';
import { endOf } from './month.ts';
import type { TraceWriter } from './trace-writing.ts';

const DAY_MS = 86_400_000;

/** A sidecar that is off for longer, or a clock that goes ahead by more between two looks, has jumped. */
export const JUMP_MS = 2 * DAY_MS;

/** For as long as it has jumped, but within these: how long it has to go on steadily. */
const LEAST_WAIT_MS = 7 * DAY_MS;
const MOST_WAIT_MS = 31 * DAY_MS;

/** In ms since the epoch. `seen`: by the clock, at the last look. `from`, `at`: the looks before and after the jump that isn't believed yet. */
export interface ClockMark {
  readonly seen: number;
  readonly jump?: Jump | undefined;
}

interface Jump {
  readonly from: number;
  readonly at: number;
}

export interface BelievedClock {
  /** By which months are deleted. */
  readonly now: Date;
  /** The jump that isn't believed, and until when; by the clock. */
  readonly held: { readonly from: Date; readonly to: Date; readonly until: Date } | undefined;
}

/** What is to be remembered of this look. Pure. */
export function lookedAt({ seen, jump }: ClockMark, now: number): ClockMark {
  if (now - seen > JUMP_MS) return { seen: now, jump: { from: jump?.from ?? seen, at: now } };
  // Set back by as much: it was put right, and what it said before counts no more.
  if (seen - now > JUMP_MS || jump === undefined || now >= waitEnds(jump)) return { seen: now };
  return { seen: now, jump };
}

function waitEnds({ from, at }: Jump): number {
  return at + Math.min(MOST_WAIT_MS, Math.max(LEAST_WAIT_MS, at - from));
}

/** What the last look has left; nothing of it is looked at anew. */
export function believed({ seen, jump }: ClockMark): BelievedClock {
  if (jump === undefined) return { now: new Date(seen), held: undefined };
  const held = { from: new Date(jump.from), to: new Date(jump.at), until: new Date(waitEnds(jump)) };
  return { now: held.from, held };
}

const MARK = 'clock';

const clockMark = z.object({ seen: z.number(), jump: z.object({ from: z.number(), at: z.number() }).optional() });

/** Of what is read in a file's marks; undefined where there is none that can be understood. */
export function clockMarkOf(text: string | undefined): ClockMark | undefined {
  if (text === undefined) return undefined;
  try {
    return clockMark.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** One look at the clock, remembered; at a trace that holds nothing, nothing is. To be called once an hour at least, and at the start. */
export function lookAtClock(writer: TraceWriter, now: Date): BelievedClock {
  const current = writer.current();
  if (current === undefined) return { now, held: undefined };
  const mark = lookedAt(clockMarkOf(writer.mark(MARK)) ?? { seen: lastWritten(current, now) }, now.getTime());
  writer.keep([], { [MARK]: JSON.stringify(mark) });
  return believed(mark);
}

/** Where no look was remembered: when the file was last written to, by what stands in it. */
function lastWritten({ database, beginning }: NonNullable<ReturnType<TraceWriter['current']>>, now: Date): number {
  return Math.min(now.getTime(), Math.max(Date.parse(beginning.madeAt), endOf(database).newest ?? 0));
}
