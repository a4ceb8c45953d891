/** Of `mandat status`: which processes there are, and how their threads fare; and which server they speak to. */
import { hostname } from 'node:os';
import { shownDatabase, workersOn } from '../bridge/configured/stores.ts';
import { eventsSeenBy } from '../bridge/events/events-seen.ts';
import type { Seen } from '../bridge/imap/dialects.ts';
import type { LoopHolds } from '../bridge/shared/loop-holds.ts';
import type { LastSidecar } from '../bridge/sidecar/running-config.ts';
import { lastLoss } from '../bridge/sidecar/watch-commits.ts';
import { fact } from '../bridge/store/state/facts.ts';
import type { StateDb } from '../bridge/store/state/state-db.ts';
import { filterName, filtersSeen, filterTrouble } from '../bridge/submission/last-filter.ts';
import { oneLine } from './output.ts';
import type { Session } from './session.ts';
import { shownDuration } from './times.ts';

/** Of the one that runs. `since`: null as long as it is starting. */
export function sidecarOf(session: Session, last: LastSidecar) {
  const pid = session.sidecarPid() ?? last.pid ?? null;
  return { pid, since: last.pid === pid ? (last.since ?? null) : null }; // else it is of the one before
}

/** Which kind of IMAP server it is, as a pass has seen it last; null before the first. */
export async function imapServerOf(state: StateDb): Promise<Seen | null> {
  const stored = await fact(state, 'imap-server');
  return stored === undefined ? null : (JSON.parse(stored) as Seen);
}

export function serverLine(seen: Seen | null): readonly Line[] {
  if (seen === null) return [];
  const how = seen.by === 'looking' ? 'by what it says of itself' : 'as configured';
  return [['IMAP server', `${oneLine(seen.title)}, taken for "${seen.kind}" ${how}`]];
}

/** Where the databases are in PostgreSQL, and when the sidecar last was without them. */
export async function databaseOf({ config }: Session, state: StateDb) {
  const place = await shownDatabase(config);
  return place === undefined ? null : { place, lost: (await lastLoss(state)) ?? null };
}

export function databaseLine(database: Awaited<ReturnType<typeof databaseOf>>, time: Time): readonly Line[] {
  if (database === null) return [];
  const { place, lost } = database;
  const ever = lost === null ? '' : `; the sidecar was without it from ${time(lost.at)} to ${time(lost.back)}`;
  return [['database', `${oneLine(place)}${ever}`]];
}

/** Null without one. */
export async function filterOf(session: Session, state: StateDb) {
  const { submission } = session.config;
  if (submission === undefined) return null;
  const seen = await filtersSeen(state, session.config);
  const own = filterName(session.config);
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
    trouble: there !== undefined || !session.sidecarRuns() ? null : ((await filterTrouble(state)) ?? null),
  };
}

/** Null where no events are configured; `seen` is null while the sidecar has not listened yet. */
export async function eventsOf(session: Session, state: StateDb, pid: number | null | undefined) {
  if (session.config.events === undefined) return null;
  const seen = await eventsSeenBy(state, pid);
  if (seen === undefined) return { listening: false, seen: null };
  const { events, malformed, unauthorised, refused, dropped, looks, lastAt, listening } = seen;
  const last = lastAt === 0 ? null : new Date(lastAt).toISOString();
  return { listening, seen: { last, taken: events, malformed, unauthorised, refused, dropped, looks } };
}

export function eventsLine(events: Awaited<ReturnType<typeof eventsOf>>, time: Time): readonly Line[] {
  if (events === null) return [];
  const { listening, seen } = events;
  if (seen === null || !listening) return [['events', 'none are taken: sweeps and looks find what is changed']];
  const odd = [
    ...(seen.dropped > 0 ? [`${seen.dropped} hints dropped, which a sweep makes up for`] : []),
    ...(seen.unauthorised > 0 ? [`${seen.unauthorised} refused without the password`] : []),
    ...(seen.malformed + seen.refused > 0 ? [`${seen.malformed + seen.refused} that were none`] : []),
  ];
  const last =
    seen.last === null ? 'none has come yet' : `the last at ${time(seen.last)}, ${seen.taken} since the start`;
  return [['events', [last, ...odd].join('; ')]];
}

/** Who works on this server's mailboxes and who stands by, wherever they run; null with files. */
export async function workersOfServer({ config }: Session) {
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

interface Processes {
  readonly sidecar: ReturnType<typeof sidecarOf> | null;
  readonly workers: Awaited<ReturnType<typeof workersOfServer>>;
  readonly loop: LoopHolds | null;
  readonly filter: Awaited<ReturnType<typeof filterOf>>;
}

export function processLines({ sidecar, workers, loop, filter }: Processes, time: Time): readonly Line[] {
  return [
    ['sidecar', sidecarLine(sidecar, workers, time)],
    ...(workers?.standBy ?? []).map(
      ({ host, pid, since }) => ['stands by', `process ${pid} on ${oneLine(host)}, since ${time(since)}`] as const,
    ),
    ...heldLine('thread', loop, time),
    ...filterLines(filter, time),
  ];
}

function sidecarLine(sidecar: Processes['sidecar'], workers: Processes['workers'], time: Time): string {
  const works = workers?.works ?? null;
  const silent = workers?.silent ?? null;
  const whoWorks = works && `process ${works.pid} on ${oneLine(works.host)} works, since ${time(works.since)}`;
  const whoDid =
    silent &&
    `process ${silent.pid} on ${oneLine(silent.host)}, which worked last, is silent since ${time(silent.lastSeen)}: it hangs, is cut off from PostgreSQL, or has ended without a word`;
  if (sidecar === null) {
    if (whoWorks !== null) return `none here; ${whoWorks}`;
    return `not running: start it with "mandat run"${whoDid === null ? '' : `; ${whoDid}`}`;
  }
  const { pid, since } = sidecar;
  if (standsBy(sidecar, workers))
    return [`process ${pid ?? '?'} stands by`, whoWorks ?? whoDid].filter(isSaid).join('; ');
  if (isSilent(sidecar, workers)) {
    const what = `process ${pid ?? '?'} is not at work`;
    return isMine(sidecar, silent)
      ? `${what}, and silent since ${time(silent?.lastSeen)}: it hangs, or is cut off from PostgreSQL`
      : `${what} and does not stand by: it hangs, is cut off from PostgreSQL, or has started just now; ${whoWorks}`;
  }
  if (since === null) return `process ${pid ?? '?'} is starting: it does not watch the table yet`;
  return `running (process ${pid}, since ${time(since)})`;
}

const isSaid = (one: string | null): one is string => one !== null;

const isMine = (sidecar: Processes['sidecar'], one: { readonly host: string; readonly pid: number } | null) =>
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

type Time = (instant: string | null | undefined) => string;
type Line = readonly [string, string];

function heldLine(name: string, loop: LoopHolds | null, time: Time): readonly Line[] {
  if (loop === null) return [];
  const { minuteMs, hourMs, longestMs, longestAt } = loop;
  const ever = longestAt === null ? '' : `, ${shownDuration(longestMs)} since it began (${time(longestAt)})`;
  return [
    [
      name,
      `held for ${shownDuration(minuteMs)} at most in the last minute, ${shownDuration(hourMs)} in the last hour${ever}`,
    ],
  ];
}

function filterLines(filter: Processes['filter'], time: Time): readonly Line[] {
  if (filter === null) return [];
  const { running, trouble, filters } = filter;
  if (running !== null && filters.length > 0) {
    const line = (one: (typeof filters)[number]) => {
      const which = `process ${one.pid}${one.host === undefined ? '' : ` on ${oneLine(one.host)}`}`;
      if (one.running) return `${oneLine(one.name)}: running (${which}, since ${time(one.since)})`;
      return `${oneLine(one.name)}: not running: ${which} has ended without a word, heard of last at ${time(one.heard)}`;
    };
    return [...filters.map((one) => ['filter', line(one)] as const), ...heldLine('its thread', running.loop, time)];
  }
  if (running !== null) {
    const is = `running (process ${running.pid}, since ${time(running.since)})`;
    return [['filter', is], ...heldLine('its thread', running.loop, time)];
  }
  const who = filter.process === 'unit' ? '"systemctl start mandat-filter"' : '"mandat run" starts it';
  const why = trouble === null ? who : `${oneLine(trouble.message)}; again at ${time(trouble.againAt)}`;
  return [['filter', `not running, so that nobody can submit mail: ${why}`]];
}
