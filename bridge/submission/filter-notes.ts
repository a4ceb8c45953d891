/**
 * What a filter notes of itself while it works, under its name. Two of one name would write over each other's notes: whoever finds that another one has
 * written there since goes on under a name apart, and says so. Whoever was killed writes no more, so a filter that is started again keeps its name.
 */
import { hostname } from 'node:os';
import type { Logger } from 'pino';
import type { Instant } from '../../acl/delegation-facts.ts';
import { failureOf } from '../shared/failure.ts';
import type { LoopHolds } from '../shared/loop-holds.ts';
import type { StateDb } from '../store/state/state-db.ts';
import { type FilterName, isSameFilter, type LastFilter, lastFilter, noteFilter } from './last-filter.ts';

export interface FilterNotes {
  /** Under which it is noted now. */
  name(): FilterName;
  /** Never throws. */
  note(loop: LoopHolds | null): Promise<void>;
  /** Of several, who has ended as they should is missed by nobody. */
  ended(): Promise<void>;
}

/** Where it can't be noted just now. */
const AGAIN_MS = 2000;

type About = Pick<LastFilter, 'pid' | 'started' | 'since' | 'child' | 'numbers'>;

/** `wanted`: undefined where there is one filter. */
export function filterNotes(
  state: StateDb,
  wanted: FilterName,
  about: About,
  now: () => Instant,
  log: Pick<Logger, 'warn' | 'error'>,
): FilterNotes {
  let name = wanted;
  let noted = false;
  let again: NodeJS.Timeout | undefined;
  /** Why not, so that it is said once. */
  let told = '';
  const lookForNamesake = async () => {
    if (!noted || name === undefined || name !== wanted) return;
    const there = await lastFilter(state, name);
    if (there === undefined || isSameFilter(there, about)) return;
    name = `${wanted} (${hostname()}, process ${about.pid})`;
    log.error(
      { code: 'config', name: wanted, host: there.host, hint: 'give each a name of its own: [submission] name' },
      `two submission filters of this server are called ${wanted}: this one is noted as ${name}`,
    );
  };
  return {
    name: () => name,
    note: async function note(loop) {
      clearTimeout(again);
      try {
        const place = wanted === undefined ? {} : { host: hostname(), heard: now() };
        await lookForNamesake();
        await noteFilter(state, name, { ...about, loop, ...place });
        noted = true;
        told = '';
      } catch (error) {
        const reason = failureOf(error).message;
        if (reason !== told) log.warn({ reason }, 'how the filter fares could not be noted');
        told = reason;
        again = setTimeout(() => void note(loop), AGAIN_MS).unref();
      }
    },
    ended: async () => {
      clearTimeout(again);
      if (name !== undefined) await noteFilter(state, name, undefined).catch(() => {});
    },
  };
}
