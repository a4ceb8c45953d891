/** Which processes there are, and how their threads fare; and which server they speak to. */
import { hostname } from 'node:os';
import { shownDatabase, workersOn } from '../../configured/stores.ts';
import { eventsSeenBy } from '../../events/events-seen.ts';
import type { Seen } from '../../imap/dialects.ts';
import type { LoopHolds } from '../../shared/loop-holds.ts';
import type { LastSidecar } from '../../sidecar/running-config.ts';
import { lastLoss } from '../../sidecar/watch-commits.ts';
import { jsonFact } from '../../store/state/facts.ts';
import type { StateDb } from '../../store/state/state-db.ts';
import { filterName, filtersSeen, filterTrouble } from '../../submission/last-filter.ts';
import type { Site } from '../site.ts';

/** Of the one that runs. `since`: null as long as it is starting. */
export function sidecarOf(site: Site, last: LastSidecar) {
  const pid = site.sidecarPid() ?? last.pid ?? null;
  return { pid, since: last.pid === pid ? (last.since ?? null) : null }; // else it is of the one before
}

/** Which kind of IMAP server it is, as a pass has seen it last; null before the first. */
export async function imapServerOf(state: StateDb): Promise<Seen | null> {
  return (await jsonFact<Seen>(state, 'imap-server')) ?? null;
}

/** Where the databases are in PostgreSQL, and when the sidecar last was without them. */
export async function databaseOf({ config }: Site, state: StateDb) {
  const place = await shownDatabase(config);
  return place === undefined ? null : { place, lost: (await lastLoss(state)) ?? null };
}

/** Null without one. */
export async function filterOf(site: Site, state: StateDb) {
  const { submission } = site.config;
  if (submission === undefined) return null;
  const seen = await filtersSeen(state, site.config);
  const own = filterName(site.config);
  const there = seen.find((one) => one.runs && one.name === (own ?? '')) ?? seen.find((one) => one.runs);
  return {
    process: submission.process,
    running: there === undefined ? null : { pid: there.pid, since: there.since, loop: there.loop },
    /** Of several on one database: each, wherever it runs. */
    filters:
      own === undefined
        ? []
        : seen.map(({ name, host, pid, since, heard, runs }) => ({ name, host, pid, since, heard, running: runs })),
    /** Why there is none, where the sidecar tries to start it. */
    trouble: there !== undefined || !site.sidecarRuns() ? null : ((await filterTrouble(state)) ?? null),
  };
}

/** Null where no events are configured; `seen` is null while the sidecar has not listened yet. */
export async function eventsOf(site: Site, state: StateDb, pid: number | null | undefined) {
  if (site.config.events === undefined) return null;
  const seen = await eventsSeenBy(state, pid);
  if (seen === undefined) return { listening: false, seen: null };
  const { events, malformed, unauthorised, refused, dropped, looks, lastAt, listening } = seen;
  const last = lastAt === 0 ? null : new Date(lastAt).toISOString();
  return { listening, seen: { last, taken: events, malformed, unauthorised, refused, dropped, looks } };
}

/** Who works on this server's mailboxes and who stands by, wherever they run; null with files. */
export async function workersOfServer({ config }: Site) {
  const workers = await workersOn(config);
  if (workers === undefined) return null;
  const { works, silent, standBy } = workers;
  return {
    works: works === undefined ? null : { host: works.host, pid: works.pid, since: works.since, fence: works.fence },
    /** Nobody works, and whoever did has not let go. */
    silent:
      silent === undefined
        ? null
        : { host: silent.host, pid: silent.pid, lastSeen: new Date(Date.now() + silent.leftMs).toISOString() },
    standBy,
  };
}

export interface Processes {
  readonly sidecar: ReturnType<typeof sidecarOf> | null;
  readonly workers: Awaited<ReturnType<typeof workersOfServer>>;
  readonly loop: LoopHolds | null;
  readonly filter: Awaited<ReturnType<typeof filterOf>>;
}

export const isMine = (sidecar: Processes['sidecar'], one: { readonly host: string; readonly pid: number } | null) =>
  one !== null && one.pid === sidecar?.pid && one.host === hostname();

/** Whether there is a process of this data_dir, and it neither works, by the database, nor waits for its turn. */
export function isSilent(sidecar: Processes['sidecar'], workers: Processes['workers']): boolean {
  if (sidecar === null || workers === null || standsBy(sidecar, workers)) return false;
  return workers.works === null ? isMine(sidecar, workers.silent) : !isMine(sidecar, workers.works);
}

/** Whether the sidecar of this data_dir is one that waits for its turn. */
export function standsBy(sidecar: Processes['sidecar'], workers: Processes['workers']): boolean {
  return sidecar !== null && workers?.standBy.some(({ pid }) => pid === sidecar.pid) === true;
}
