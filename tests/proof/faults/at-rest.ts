/** What the sidecar takes while nothing is to be done: next to no processor time, and no more memory than after the first faults. */
import { Broken } from '../histories/history.ts';
import { idleBusy, residentKb } from './inject.ts';

export interface RestFigures {
  /** The greatest part of the time that its processor time took. */
  idle: number;
  /** Resident, after the first faults and at the end, in kB. */
  memory: { first: number; last: number };
}

const IDLE_MS = 1500;
/** Of one processor. */
const TOO_BUSY_IDLE = 0.3;
const MORE_MEMORY_KB = 80_000;

/** Throws {@link Broken}. */
export async function judgeAtRest(pid: number, figures: RestFigures): Promise<void> {
  figures.idle = Math.max(figures.idle, await idleBusy(pid, IDLE_MS));
  if (figures.idle > TOO_BUSY_IDLE) throw new Broken('rest', `${figures.idle} of the time while nothing is to be done`);
  figures.memory.last = residentKb(pid);
  if (figures.memory.first === 0) figures.memory.first = figures.memory.last;
  const more = figures.memory.last - figures.memory.first;
  if (more > MORE_MEMORY_KB) throw new Broken('memory', `${more} kB more than after the first faults`);
}
