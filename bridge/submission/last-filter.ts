/** What is kept of the submission filter that last ran, for `mandat status` and for the next one. */
import { readFileSync } from 'node:fs';
import type { LoopHolds } from '../shared/loop-holds.ts';
import { fact, jsonFact, setFact } from '../store/state/facts.ts';
import type { StateDb } from '../store/state/state-db.ts';

export interface LastFilter {
  readonly pid: number;
  /** When the kernel started it, which tells it from a later process of the same number; null where /proc doesn't say. */
  readonly started: string | null;
  readonly since: string;
  /** Whether `mandat run` started it. */
  readonly child: boolean;
  readonly loop: LoopHolds | null;
}

export async function lastFilter(state: Pick<StateDb, 'query' | 'server'>): Promise<LastFilter | undefined> {
  return jsonFact<LastFilter>(state, 'filter');
}

/** Answers to messages, counted since the filter began: 250, 5xx, and 4xx, whose client keeps the message. */
export type Answers = Readonly<Record<'passed' | 'refused' | 'put-off', number>>;

export const NO_ANSWERS: Answers = { passed: 0, refused: 0, 'put-off': 0 };

type Process = Pick<LastFilter, 'pid' | 'started'>;

export async function noteAnswers(state: StateDb, { pid, started }: Process, answers: Answers): Promise<void> {
  await setFact(state, 'filter-messages', JSON.stringify({ pid, started, answers }));
}

/** Of that very filter. */
export async function answersOf(
  state: Pick<StateDb, 'query' | 'server'>,
  filter: Process | undefined,
): Promise<Answers> {
  const stored = await fact(state, 'filter-messages');
  if (stored === undefined || filter === undefined) return NO_ANSWERS;
  const { pid, started, answers } = JSON.parse(stored) as Process & { readonly answers: Answers };
  return pid === filter.pid && started === filter.started ? answers : NO_ANSWERS;
}

/** Whether that very process is there still. */
export function isThere({ pid, started }: Pick<LastFilter, 'pid' | 'started'>): boolean {
  return started !== null && startOf(pid) === started;
}

/** Field 22 of /proc/PID/stat, behind the name in brackets; undefined where there is no such process, or a dead one. proc(5) */
export function startOf(pid: number): string | undefined {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    return fields[0] === 'Z' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

/** Why there is none, as long as there is none. */
export interface FilterTrouble {
  readonly at: string;
  readonly message: string;
  readonly againAt: string;
}

export async function filterTrouble(state: Pick<StateDb, 'query' | 'server'>): Promise<FilterTrouble | undefined> {
  const text = (await fact(state, 'filter-trouble')) ?? '';
  return text === '' ? undefined : (JSON.parse(text) as FilterTrouble);
}

export async function setFilterTrouble(state: StateDb, trouble: FilterTrouble | undefined): Promise<void> {
  const text = trouble === undefined ? '' : JSON.stringify(trouble);
  if (((await fact(state, 'filter-trouble')) ?? '') !== text) await setFact(state, 'filter-trouble', text);
}
