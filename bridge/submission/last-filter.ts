/**
 * What is kept of the submission filter that last ran, for `mandat status` and for the next one. With the table in PostgreSQL there may be several,
 * each beside a Postfix of its own: each notes itself by its name, and that it is there once a minute.
 */
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Config } from '../../config/schema.ts';
import { once } from '../shared/found-once.ts';
import { isHeardOf } from '../shared/heard-of.ts';
import type { LoopHolds } from '../shared/loop-holds.ts';
import { type FactName, fact, filterFacts, jsonFact, type ServerFacts, setFact } from '../store/state/facts.ts';
import type { StateDb } from '../store/state/state-db.ts';

export interface LastFilter {
  readonly pid: number;
  /** When the kernel started it, which tells it from a later process of the same number; null where /proc doesn't say. */
  readonly started: string | null;
  readonly since: string;
  /** Whether `mandat run` started it. */
  readonly child: boolean;
  readonly loop: LoopHolds | null;
  /** The machine that it runs on; not given by one that was alone. */
  readonly host?: string;
  /** Whose process numbers are the same; hosts of one name are told apart by it. Not given by one of an older version. */
  readonly numbers?: string;
  /** When it was last heard of. */
  readonly heard?: string;
}

/** One of several; undefined where there is one. */
export type FilterName = string | undefined;

/** With files there is one filter; in PostgreSQL each machine's has a name. */
export const filterName = ({ database, submission }: Pick<Config, 'database' | 'submission'>): FilterName =>
  database === undefined ? undefined : (submission?.name ?? hostname());

const about = (name: FilterName): FactName => (name === undefined ? 'filter' : `filter/${name}`);
const messages = (name: FilterName): FactName => (name === undefined ? 'filter-messages' : `filter-messages/${name}`);

export async function lastFilter(state: ServerFacts, name: FilterName): Promise<LastFilter | undefined> {
  return jsonFact<LastFilter>(state, about(name));
}

/** Undefined: it has ended as it should. */
export async function noteFilter(state: StateDb, name: FilterName, filter: LastFilter | undefined): Promise<void> {
  await setFact(state, about(name), filter === undefined ? '' : JSON.stringify(filter));
}

export interface FilterSeen extends LastFilter {
  readonly name: string;
  readonly server: string;
  /** As far as this machine can tell. */
  readonly runs: boolean;
}

/** What has been silent for so long is taken to have been taken out of use. */
const FORGOTTEN_MS = 86_400_000;

/** Those of this server, by name. Those that ended as they should are not among them. Where there is one: that one, whatever its name. */
export async function filtersSeen(
  state: ServerFacts,
  config: Pick<Config, 'database'>,
): Promise<readonly FilterSeen[]> {
  if (config.database === undefined) {
    const last = await lastFilter(state, undefined);
    return last === undefined ? [] : [{ ...last, name: '', server: state.server, runs: isThere(last) }];
  }
  return seenAmong(await filterFacts(state, 'filter', state.server));
}

/** Those of all servers of a site in PostgreSQL. */
export const filtersOfSite = async (state: ServerFacts): Promise<readonly FilterSeen[]> =>
  seenAmong(await filterFacts(state, 'filter'));

function seenAmong(found: Awaited<ReturnType<typeof filterFacts>>, now = Date.now()): readonly FilterSeen[] {
  return found
    .map(({ filter, server, value }) => ({ ...(JSON.parse(value) as LastFilter), name: filter, server }))
    .filter(({ heard, since }) => now - Date.parse(heard ?? since) < FORGOTTEN_MS)
    .map((one) => ({ ...one, runs: runs(one, now) }));
}

/** One on this machine is looked at; pure but for that. `now` in ms. */
export function runs(filter: LastFilter, now: number): boolean {
  const { heard, since } = filter;
  return isOfHere(filter) ? isThere(filter) : isHeardOf(heard ?? since, now);
}

/** Whether its process number is one that is looked for here. */
function isOfHere({ host, numbers }: Pick<LastFilter, 'host' | 'numbers'>): boolean {
  if (numbers !== undefined) return numbers === processNumbers();
  return host === undefined || host === hostname();
}

/** Which processes have their numbers from the same count as this one: this boot of this kernel, this container. Empty where /proc doesn't say. */
export const processNumbers = once((): string => {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'latin1').trim();
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`;
  } catch {
    return '';
  }
});

/** Whether that is the very process that is meant. */
export function isSameFilter(noted: LastFilter, { pid, started, numbers }: Process): boolean {
  return noted.pid === pid && noted.started === started && noted.numbers === numbers;
}

/** Answers to messages, counted since the filter began: 250, 5xx, and 4xx, whose client keeps the message. */
export type Answers = Readonly<Record<'passed' | 'refused' | 'put-off', number>>;

export const NO_ANSWERS: Answers = { passed: 0, refused: 0, 'put-off': 0 };

type Process = Pick<LastFilter, 'pid' | 'started' | 'numbers'>;

export async function noteAnswers(
  state: StateDb,
  name: FilterName,
  { pid, started }: Process,
  answers: Answers,
): Promise<void> {
  await setFact(state, messages(name), JSON.stringify({ pid, started, answers }));
}

/** Of that very filter. */
export async function answersOf(state: ServerFacts, name: FilterName, filter: Process | undefined): Promise<Answers> {
  const stored = (await fact(state, messages(name))) ?? '';
  if (stored === '' || filter === undefined) return NO_ANSWERS;
  const { pid, started, answers } = JSON.parse(stored) as Process & { readonly answers: Answers };
  return pid === filter.pid && started === filter.started ? answers : NO_ANSWERS;
}

/** Whether that very process is there still. */
export function isThere(filter: Pick<LastFilter, 'pid' | 'started' | 'host' | 'numbers'>): boolean {
  const { pid, started } = filter;
  return isOfHere(filter) && started !== null && startOf(pid) === started;
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

export async function filterTrouble(
  state: Pick<StateDb, 'query' | 'server' | 'stamp'>,
): Promise<FilterTrouble | undefined> {
  const text = (await fact(state, 'filter-trouble')) ?? '';
  return text === '' ? undefined : (JSON.parse(text) as FilterTrouble);
}

export async function setFilterTrouble(state: StateDb, trouble: FilterTrouble | undefined): Promise<void> {
  const text = trouble === undefined ? '' : JSON.stringify(trouble);
  if (((await fact(state, 'filter-trouble')) ?? '') !== text) await setFact(state, 'filter-trouble', text);
}
