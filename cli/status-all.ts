/** `mandat status --all`: every mail server of the site, a line each. */
import { everyServer, type ServerSeen } from '../bridge/questions/every-server.ts';
import { EXIT, type ExitStatus } from './exit.ts';
import { table as columns, oneLine } from './output.ts';
import type { Session } from './session.ts';
import { shownTime } from './times.ts';

export async function statusOfAll(session: Session): Promise<ExitStatus> {
  const { out, config } = session;
  const found = await session.table((table) => session.state((state) => everyServer(table, state)));
  const here = config.server.name;
  const running = session.sidecarRuns();
  // Where the database doesn't tell, this machine alone is known.
  const servers = found.map(({ works, ...one }) => ({
    ...one,
    works: works !== undefined ? works : one.server !== here ? UNKNOWN : running ? HERE : null,
  }));
  const rows = servers.map((one) => [
    one.server + (one.server === here ? ' (here)' : ''),
    workerOf(one, config.policy.timezone),
    one.mailboxes,
    one.inForce,
    one.waiting,
    one.failing,
    one.held,
    shownTime(one.lastSweep, config.policy.timezone),
    filtersOf(one),
  ]);
  const heads = ['SERVER', 'SIDECAR', 'MAILBOXES', 'IN FORCE', 'WAITING', 'FAILING', 'HELD', 'LAST SWEEP', 'FILTERS'];
  const shown = servers.map((one) => ({
    ...one,
    works: one.works === HERE || one.works === UNKNOWN ? null : one.works,
  }));
  out.result({ here, running, servers: shown }, columns(heads, rows));
  const odd = servers.some(
    ({ failing, held, works, filters }) =>
      failing > 0 || held > 0 || works === null || !works.alive || filters.some(({ running: runs }) => !runs),
  );
  return odd ? EXIT.failed : EXIT.done;
}

const HERE = { host: 'this machine', pid: 0, since: '', alive: true, lastSeen: '' };
const UNKNOWN = { ...HERE, host: '' };

type Shown = Omit<ServerSeen, 'works'> & { readonly works: NonNullable<ServerSeen['works']> | null };

/** Which of them don't run. */
function filtersOf({ filters }: Shown): string {
  if (filters.length === 0) return '-';
  const down = filters.filter(({ running }) => !running).map(({ name }) => oneLine(name));
  const up = filters.length - down.length;
  return down.length === 0 ? `${up} run` : `${up} run, not running: ${down.join(', ')}`;
}

function workerOf({ works, standBy }: Shown, timezone: string): string {
  const beside = standBy.length === 0 ? '' : `; stands by: ${standBy.map(({ host }) => oneLine(host)).join(', ')}`;
  if (works === null) return `none runs${beside}`;
  if (works === HERE) return 'runs';
  if (works === UNKNOWN) return 'not known from here';
  const who = `${oneLine(works.host)}, process ${works.pid}`;
  if (works.alive) return `${who}${beside}`;
  return `silent since ${shownTime(works.lastSeen, timezone)} (${who})${beside}`;
}
