/** The filter as the configuration has it, on databases of its own: it needs no sidecar. */
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { Config } from '../../config/schema.ts';
import { policyOf } from '../configured/site-policy.ts';
import { openState, openTable } from '../configured/stores.ts';
import { Failure } from '../shared/failure.ts';
import { openClock } from '../store/state/facts.ts';
import { openAuthority } from './authority.ts';
import { type Behind, type Filter, startFilter } from './filter.ts';
import { type Door, doorOf, hostAndPort } from './listening-place.ts';

export type Seams = Pick<Behind, 'extraRecipients' | 'observe'>;

export interface Submission {
  /**
   * Another configuration, on the same data. It counts from the next message on, and no connection is lost by it; a door that has moved
   * is opened before the old one is closed. Rejects with everything as before.
   */
  reload(config: Config): Promise<void>;
  close(): Promise<void>;
}

/** `answered`: told the code of each answer to a message. */
export async function startSubmission(
  config: Config,
  log: Logger,
  seams: Seams = {},
  answered: (code: number) => void = () => {},
): Promise<Submission> {
  sectionOf(config);
  const opened: { close(): Promise<void> }[] = [];
  const keep = async <T extends { close(): Promise<void> }>(opening: Promise<T>): Promise<T> => {
    const one = await opening;
    opened.push(one);
    return one;
  };
  const close = async () => {
    for (const one of opened) await one.close();
  };
  try {
    const table = await keep(openTable(config, { older: 'refused' }));
    const watched = await keep(openTable(config, { older: 'refused' }));
    const state = await keep(openState(config, { older: 'refused' }));
    const clock = await openClock(state);
    const behind = (given: Config): Behind => {
      const policy = policyOf(given);
      const rules = sectionOf(given);
      const authority = openAuthority(table, watched, state, clock, () => policy, given.guard);
      return { reinject: hostAndPort(rules.reinject), authority, rules, ...seams };
    };
    const start = async (given: Config, door: Door): Promise<Filter> => {
      if (door.kind === 'port')
        log.warn('[submission] listen is a port: every user of this machine may send through it as anybody');
      const started = await startFilter({ door, log, answered, ...behind(given) });
      const { listen, reinject } = sectionOf(given);
      log.info({ listen, reinject }, 'filtering submissions');
      return started;
    };
    let door = doorOf(config);
    let filter = await start(config, door);
    return {
      reload: async (next) => {
        const wanted = doorOf(next);
        if (isDeepStrictEqual(wanted, door)) return filter.adopt(behind(next));
        const before = filter;
        filter = await start(next, wanted);
        door = wanted;
        await before.close();
      },
      close: async () => {
        await filter.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Of [submission]; fails without it. */
export function sectionOf({ submission, file }: Config): NonNullable<Config['submission']> {
  if (submission !== undefined) return submission;
  throw new Failure('config', '[submission] is not configured', `add the section to ${file}`);
}
