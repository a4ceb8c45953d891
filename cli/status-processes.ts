/** Of `mandat status`: which processes there are, and how their threads fare; and which server they speak to. */
import {
  type databaseOf,
  type eventsOf,
  isMine,
  isSilent,
  type Processes,
  standsBy,
} from '../bridge/acting/status/processes.ts';
import type { Seen } from '../bridge/imap/dialects.ts';
import type { LoopHolds } from '../bridge/shared/loop-holds.ts';
import { oneLine } from './output.ts';
import { shownDuration } from './times.ts';

export function serverLine(seen: Seen | null): readonly Line[] {
  if (seen === null) return [];
  const how = seen.by === 'looking' ? 'by what it says of itself' : 'as configured';
  return [['IMAP server', `${oneLine(seen.title)}, taken for "${seen.kind}" ${how}`]];
}

export function databaseLine(database: Awaited<ReturnType<typeof databaseOf>>, time: Time): readonly Line[] {
  if (database === null) return [];
  const { place, lost } = database;
  const ever = lost === null ? '' : `; the sidecar was without it from ${time(lost.at)} to ${time(lost.back)}`;
  return [['database', `${oneLine(place)}${ever}`]];
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
