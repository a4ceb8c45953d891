/**
 * Every octet of a whole grant and a whole revoke: many pairs are granted at once and revoked at once, and on the way of each something breaks
 * at another octet, of the session as the owner, of the session as the delegate, of the request to doveadm.
 */
import { listOutcomes } from '../../../bridge/store/state/outcomes.ts';
import { openStateDb } from '../../../bridge/store/state/state-db.ts';
import { waitFor } from '../../../config/lab/wait.ts';
import { at, type Site } from '../../servers/site.ts';
import { Broken } from '../histories/history.ts';
import { rowsIn } from '../histories/world.ts';
import { judgeAtRest, type RestFigures } from './at-rest.ts';
import type { Fault, Side, Spot } from './faulty-wire.ts';
import { type Holders, holdSessions } from './held-sessions.ts';
import { judgePairs, lastEntry, nothingMore } from './judge-pairs.ts';
import { type ManyPairs, type PairOfMany, PURPOSES, type Purpose } from './many-pairs.ts';

export type Change = 'grant' | 'revoke';

export interface Job {
  readonly change: Change;
  /** `early`: on a connection of which nobody knows yet what it is for. */
  readonly on: Purpose | 'early';
  readonly fault: Fault;
  /** How often it was set without happening. */
  missed: number;
}

type Sizes = Record<Side | 'commands', number>;
export type Measured = Record<Change, Record<Purpose | 'early', Sizes>>;

const CHANGES: readonly Change[] = ['grant', 'revoke'];
const SIDES: readonly Side[] = ['client', 'server'];
/** For a machine that is busy with other things. */
const LIMIT_MS = 600_000;
/** How often it is asked what failed: what does is tried again after a second. */
const LOOK_MS = 400;
/** One that has not happened so often is beyond the end of what is said. */
const MOST_MISSES = 2;
const TOGETHER = 6;
/** Connections that a mailbox may open in a second, at its work or while something fails: a loop without a pause opens hundreds. */
const MOST_CONNECTIONS_PER_S = 12;

export interface OctetFigures extends RestFigures {
  happened: number;
  /** `place side kind`: how many. */
  readonly kinds: Record<string, number>;
  told: number;
  rounds: number;
  /** Tries of sessions that stayed open, after the end was recorded. */
  tries: number;
  beyond: number;
}

export const noOctetFigures = (): OctetFigures => ({
  happened: 0,
  kinds: {},
  told: 0,
  rounds: 0,
  tries: 0,
  idle: 0,
  memory: { first: 0, last: 0 },
  beyond: 0,
});

const noSizes = (): Sizes => ({ client: 0, server: 0, commands: 0 });
const forEach = <T>(one: () => T): Record<Purpose | 'early', T> => ({
  owner: one(),
  delegate: one(),
  doveadm: one(),
  early: one(),
});

/** What undisturbed grants and revokes say: of all pairs one of the shorter ones, since on a busy machine some are tried twice. */
export async function measureMany(many: ManyPairs): Promise<Measured> {
  const sizes: Measured = { grant: forEach(noSizes), revoke: forEach(noSizes) };
  const short = (numbers: number[]) => numbers.sort((a, b) => a - b)[numbers.length >> 3] ?? 0;
  for (let round = 0; round < 2; round++) {
    const change = CHANGES[round % 2] as Change;
    await playRound(many, change, []);
    const most = sizes[change];
    for (const purpose of PURPOSES) {
      const spots = many.pairs.map((pair) => pair.spots[purpose]);
      for (const side of SIDES) most[purpose][side] = short(spots.map(({ passed }) => passed[side]));
      most[purpose].commands = short(spots.map(({ commands }) => commands));
    }
    for (const side of SIDES) most.early[side] = many.imap.unknown[side];
  }
  return sizes;
}

/** `step` by `step`, and NO and BAD to each IMAP command. Beside the cuts, now and then another fault at the same octet. */
export function everyJob(sizes: Measured, step: number, from = 0): Job[] {
  const jobs: Job[] = [];
  for (const change of CHANGES) {
    for (const on of [...PURPOSES, 'early'] as const) {
      const { commands, ...octets } = sizes[change][on];
      // What is said before anybody is named is met by faults of its own.
      const begins = (side: Side) => (on === 'owner' || on === 'delegate' ? sizes[change].early[side] : 0);
      for (const of of SIDES)
        for (let after = begins(of) + from; after < octets[of]; after += step)
          jobs.push({ change, on, fault: { kind: 'cut', of, after }, missed: 0 });
      for (let command = 1; command <= (on === 'owner' || on === 'delegate' ? commands : 0); command++)
        for (const say of ['NO', 'BAD'] as const)
          jobs.push({ change, on, fault: { kind: 'answer', command, say }, missed: 0 });
    }
  }
  return jobs;
}

const told = async (site: Site): Promise<readonly string[]> => {
  const state = openStateDb(site.stateFile, { readonly: true });
  try {
    const failing = (await listOutcomes(state)).filter(
      ({ failure }) => failure !== undefined && failure.retryAt !== null,
    );
    return failing.map(({ address }) => address);
  } finally {
    await state.close();
  }
};

interface Played {
  readonly happened: readonly Job[];
  readonly missed: readonly Job[];
  readonly told: number;
  readonly tries: number;
}

/** One change of every pair, each with its fault. Throws {@link Broken}. */
async function playRound(many: ManyPairs, change: Change, jobs: readonly Job[]): Promise<Played> {
  const { site, pairs, sidecar, early, imap } = many;
  const since = lastEntry(many);
  const set: { readonly job: Job; readonly spot: Spot; readonly pair?: PairOfMany }[] = [];
  for (const { spots } of pairs) for (const purpose of PURPOSES) spots[purpose].clear();
  const waiting = [...jobs.filter(({ on }) => on !== 'early')];
  for (const pair of pairs) {
    const job = waiting.shift();
    if (job === undefined || job.on === 'early') break;
    pair.spots[job.on].set(job.fault);
    set.push({ job, spot: pair.spots[job.on], pair });
  }
  for (const job of jobs.filter(({ on }) => on === 'early')) {
    const spot = imap.newSpot();
    spot.set(job.fault);
    early.push(spot);
    set.push({ job, spot });
  }
  const holders: Holders | undefined = change === 'revoke' ? await holdSessions(many, since) : undefined;
  const [began, connections] = [performance.now(), imap.connections];
  const failing = new Set<string>();
  try {
    const rows = pairs.map(({ owner, delegate }) => `('${at(owner)}', '${at(delegate)}')`).join(', ');
    await site.sql(
      change === 'grant' ? `INSERT INTO delegation (mailbox, delegate) VALUES ${rows}` : 'DELETE FROM delegation',
    );
    let next = 0;
    const pending = () => rowsIn<{ n: number }>(site.table, 'SELECT count(*) AS n FROM pending')[0]?.n;
    await waitFor(
      `every ${change} is through`,
      LIMIT_MS,
      async () => {
        if (performance.now() > next) {
          for (const address of await told(site)) failing.add(address);
          next = performance.now() + LOOK_MS;
        }
        return pending() === 0;
      },
      () => JSON.stringify(sidecar.log().slice(-10)),
    );
  } catch (error) {
    throw new Broken('convergence', `${(error as Error).message}: ${JSON.stringify(set.map(({ job }) => job))}`);
  } finally {
    early.length = 0;
    await holders?.stop();
  }
  const most = pairs.length * MOST_CONNECTIONS_PER_S * (1 + (performance.now() - began) / 1000);
  if (imap.connections - connections > most) throw new Broken('rest', `${imap.connections - connections} connections`);
  const happened = set.filter(({ spot }) => spot.happened);
  await judgePairs(many, change === 'grant', since, holders).catch((error: unknown) => {
    if (!(error instanceof Broken)) throw error;
    throw new Broken(error.invariant, `${error.what}, after ${JSON.stringify(happened.map(({ job }) => job))}`);
  });
  unharmed(many);
  const missed = set.filter(({ spot }) => !spot.happened).map(({ job }) => job);
  if (jobs.length > 0) for (const { spots } of pairs) for (const purpose of PURPOSES) spots[purpose].clear();
  return {
    happened: happened.map(({ job }) => job),
    missed,
    told: happened.filter(({ pair }) => pair !== undefined && failing.has(at(pair.owner))).length,
    tries: holders?.tries ?? 0,
  };
}

/** The same process, which knows of no defect of its own. */
function unharmed({ sidecar }: ManyPairs): void {
  const log = sidecar.log();
  const defect = log.find(
    ({ code, msg, level }) => code === 'internal' || /unhandled|uncaught/i.test(String(msg)) || level === 60,
  );
  if (defect !== undefined) throw new Broken('a defect', JSON.stringify(defect));
  try {
    process.kill(sidecar.pid, 0);
  } catch {
    throw new Broken('a process', `the sidecar has ended: ${JSON.stringify(log.slice(-5))}`);
  }
}

/** Until every job has happened, or is beyond the end. Throws {@link Broken} at the first that isn't as it must be. */
export async function surviveMany(
  many: ManyPairs,
  jobs: readonly Job[],
  figures: OctetFigures,
  goesOn: () => boolean,
): Promise<void> {
  const queues = Object.fromEntries(
    CHANGES.map((change) => [change, jobs.filter((job) => job.change === change)]),
  ) as Record<Change, Job[]>;
  const pid = many.sidecar.pid;
  const together = async () => {
    await nothingMore(many);
    await judgeAtRest(pid, figures);
  };
  for (let round = 0; (queues.grant.length > 0 || queues.revoke.length > 0) && goesOn(); round++) {
    const change = CHANGES[round % 2] as Change;
    const queue = queues[change];
    const taken: Job[] = [];
    // Those before a login go to any connection: some of them beside what each pair has.
    for (const [early, most] of [
      [true, many.pairs.length >> 1],
      [false, many.pairs.length],
    ] as const) {
      for (let found = 0; found < most; found++) {
        const place = queue.findIndex(({ on }) => (on === 'early') === early);
        if (place < 0) break;
        taken.push(...queue.splice(place, 1));
      }
    }
    const played = await playRound(many, change, taken);
    figures.rounds++;
    figures.happened += played.happened.length;
    figures.told += played.told;
    figures.tries += played.tries;
    for (const { on, fault } of played.happened) {
      const kind = `${change} ${on} ${'of' in fault ? `${fault.of} ` : ''}${fault.kind}`;
      figures.kinds[kind] = (figures.kinds[kind] ?? 0) + 1;
    }
    for (const job of played.missed) {
      if (++job.missed < MOST_MISSES) queue.push(job);
      else figures.beyond++;
    }
    if (figures.rounds % TOGETHER === 0) await together();
  }
  await together();
}
