import type { Command } from 'commander';
import { needsSomebody, type Status as Shared, statusOf } from '../bridge/acting/status/status.ts';
import { FOREIGN_STATE_HINT } from '../bridge/safeguards/foreign-state.ts';
import type { LookRound } from '../bridge/sidecar/folder-look.ts';
import { LATE_MS } from '../bridge/sidecar/overdue.ts';
import { REPAIR_RULES, rulesChanged } from '../bridge/store/table/schema.ts';
import { whole } from './arguments.ts';
import { EXIT } from './exit.ts';
import { counted, facts, type Output, oneLine } from './output.ts';
import { OWNERS_LIST } from './owners-list.ts';
import { pausedText } from './paused.ts';
import type { Runner } from './runner.ts';
import { slowAnswerLine } from './slow-answer.ts';
import { statusOfAll } from './status-all.ts';
import { keptLines, keptRemarks } from './status-disk.ts';
import { portalLine, portalOf } from './status-portal.ts';
import { databaseLine, eventsLine, processLines, serverLine } from './status-processes.ts';
import { traceLines, traceRemarks } from './status-trace.ts';
import { shownDuration, shownTime } from './times.ts';

export function statusCommand(program: Command, run: Runner): void {
  program
    .command('status')
    .description(
      'what the sidecar does, and what needs attention; exits 1 when something failed or is held, or no sidecar runs',
    )
    .option(
      '--all',
      'every mail server of the site instead, a line each: what waits and fails there, who works on it and who stands by',
    )
    .option('--limit <number>', 'how many of each list are shown', whole, 20)
    .action(
      run(async (session, { limit, all }: { readonly limit: number; readonly all?: boolean }) => {
        if (all === true) return statusOfAll(session);
        const { out, config } = session;
        const [found, portal] = await Promise.all([statusOf(session, limit), portalOf(config)]);
        const { held, ...rest } = found;
        const status: Status = { ...rest, portal };
        const pause = status.paused;
        const loud = pause === undefined ? '' : `${out.colour.bad(`PAUSED: ${pausedText(session, pause)}`)}\n`;
        out.result(status, loud + shown(status, config.policy.timezone, out));
        return needsSomebody(found) || portal?.answers === false ? EXIT.failed : EXIT.done;
      }),
    );
}

type Status = Omit<Shared, 'held'> & {
  /** The people's own screens; null where none are configured. */
  readonly portal: Awaited<ReturnType<typeof portalOf>>;
};

function sweepLine(sweep: Status['sweep'], time: (instant: string) => string): readonly (readonly [string, string])[] {
  if (sweep === null) return [];
  return [
    ['this sweep', `since ${time(sweep.begunAt)}, done with ${counted(sweep.mailboxes, 'mailbox', 'mailboxes')}`],
  ];
}

function shown(
  { sidecar, waiting, oldest, lagMs, late, lateCount, failures, failing, notices, noticed, copies, ...rest }: Status,
  timezone: string,
  out: Output,
): string {
  const time = (instant: string | null | undefined) => shownTime(instant, timezone);
  const named = late.slice(0, NAMED).map(({ mailbox }) => oneLine(mailbox ?? 'one that has left the table'));
  const head = facts([
    ...processLines({ sidecar, workers: rest.workers, loop: rest.loop, filter: rest.filter }, time),
    ...portalLine(rest.portal),
    ['configuration', rest.configFile],
    ...serverLine(rest.server),
    ...databaseLine(rest.database, time),
    ['waiting', `${counted(waiting, 'mailbox', 'mailboxes')} to be brought in line`],
    ['lag', lagMs === null ? null : `${shownDuration(lagMs)}: the oldest waiting change was made at ${time(oldest)}`],
    ['failing', counted(failing, 'mailbox', 'mailboxes')],
    ...outboxLine(rest.outbox),
    ...othersLine(rest.otherEntries),
    ...(rest.subscriptionsKeptBy === 'owner' ? [['subscriptions', OWNERS_LIST] as const] : []),
    ...traceLines(rest.trace, time),
    ...keptLines(rest.kept, time),
    ['next due', time(rest.nextDue)],
    ['last sweep', time(rest.lastSweep)],
    ...eventsLine(rest.events, time),
    ...sweepLine(rest.sweep, time),
    ...(rest.folderLook === null ? [] : [['folders', lookedAt(rest.folderLook)] as const]),
  ]);
  const lines = [
    ...failures.map(({ mailbox, code, message, hint, attempts, retryAt }) => {
      const again = sidecar === null ? '; again when a sidecar runs' : `, again at ${time(retryAt)}`;
      const told = [message, hint, `attempt ${attempts}${again}`].filter((line) => line !== '').map(oneLine);
      return `${mailbox}: ${out.colour.bad(code)}: ${told.join('\n    ')}`;
    }),
    ...copies.map((one) => {
      const what = `${counted(one.count, 'copy', 'copies')} not in Sent, since ${time(one.since)}`;
      const again = one.queued ? "in Postfix's queue, which tries again by itself" : 'given up';
      const told = [one.message, one.hint, again].filter((line) => line !== '').map(oneLine);
      return `${one.mailbox}: ${what}: ${out.colour.bad(one.code)}: ${told.join('\n    ')}`;
    }),
    ...more(failing - failures.length, 'that fail'),
    ...rest.slow.map((one) => `${one.mailbox}: ${slowAnswerLine(one, timezone)}`),
    ...(lateCount === 0
      ? []
      : [
          `${rest.lateAtLeast ? 'at least ' : ''}${counted(lateCount, 'mailbox', 'mailboxes')} not brought in line within ${LATE_MS / 1000} s: ${named.join(', ')}${lateCount > named.length ? ', ...' : ''}`,
        ]),
    ...notices.map(({ mailbox, message }) => `${mailbox}: ${oneLine(message)}`),
    ...more(noticed - new Set(notices.map(({ mailbox }) => mailbox)).size, 'with something to report'),
    ...(rest.outdated === null ? [] : [`configuration: ${rest.outdated}`]),
    ...(rest.withdrawn === null
      ? []
      : [`all delegations are withdrawn, since ${time(rest.withdrawn)}: "mandat withdraw --undo" brings them back`]),
    ...(rest.trailBroken === null ? [] : [`${oneLine(rest.trailBroken)}\n    "mandat audit verify" says more`]),
    ...traceRemarks(rest.trace, time),
    ...(rest.restored ? [RESTORED] : []),
    ...(rest.foreignState === null ? [] : [`${rest.foreignState}: ${FOREIGN_STATE_HINT}`]),
    ...(rest.rulesChanged.length > 0 ? [`${oneLine(rulesChanged(rest.rulesChanged))}\n    ${REPAIR_RULES}`] : []),
    ...outboxRemarks(rest.outbox),
    ...keptRemarks(rest.kept),
  ];
  return [head, ...lines].join('\n');
}

/** How often the folders of a delegated mailbox are really looked at: with many of them less often than configured. */
function lookedAt({ mailboxes, everySeconds }: LookRound): string {
  return `looked at every ${shownDuration(everySeconds * 1000)}, in ${counted(mailboxes, 'delegated mailbox', 'delegated mailboxes')}`;
}

function more(count: number, what: string): readonly string[] {
  return count <= 0 ? [] : [`and ${counted(count, 'mailbox', 'mailboxes')} more ${what}: "mandat status --limit N"`];
}

type Outbox = Status['outbox'];

function othersLine({ entries, mailboxes }: Status['otherEntries']): readonly (readonly [string, string])[] {
  if (entries === 0) return [];
  const at = counted(mailboxes, 'mailbox', 'mailboxes');
  return [
    ["others' access", `${counted(entries, 'entry', 'entries')} that mandat didn't make, at ${at}: "mandat verify"`],
  ];
}

function outboxLine({ waiting, failed, noAddressCount }: Outbox): readonly (readonly [string, string])[] {
  if (waiting + failed + noAddressCount === 0) return [];
  return [['notices', `${waiting} waiting, ${failed} failed, ${noAddressCount} without an address`]];
}

/** More than these are in "mandat notices list". */
const NAMED = 10;

function outboxRemarks({ failed, lastError, noAddress, noAddressCount }: Outbox): readonly string[] {
  const named = noAddress.slice(0, NAMED);
  const unnamed = noAddressCount - named.length;
  return [
    ...(failed === 0
      ? []
      : [
          `${counted(failed, 'notice')} could not be sent: ${oneLine(lastError ?? '')}\n    "mandat notices list --state failed", then "mandat notices retry"`,
        ]),
    ...named.map(
      ({ id, kind, subject, mailbox }) =>
        `no address is known for ${oneLine(subject)}: tell them of the ${kind} (${oneLine(mailbox ?? '')}) yourself, or record one and "mandat notices retry ${id}"`,
    ),
    ...(unnamed === 0 ? [] : [`and ${unnamed} more: "mandat notices list --state no-address"`]),
  ];
}

const RESTORED =
  'the delegation table is older than the one last seen: it is obeyed only where it takes access away, until "mandat restore accept"';
