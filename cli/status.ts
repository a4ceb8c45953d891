import type { Command } from 'commander';
import { ADOPTING, adoptingFrom, FOREIGN_STATE_HINT, foreignState } from '../bridge/safeguards/foreign-state.ts';
import { paused } from '../bridge/safeguards/pause.ts';
import { withdrawn } from '../bridge/safeguards/withdrawn.ts';
import { type LookRound, lastLookRound } from '../bridge/sidecar/folder-look.ts';
import { LATE_MS, overdueNoted } from '../bridge/sidecar/overdue.ts';
import { configDifference, lastSidecar, loopOf } from '../bridge/sidecar/running-config.ts';
import { lastProof } from '../bridge/sidecar/trail-upkeep.ts';
import { fact } from '../bridge/store/state/facts.ts';
import { countOtherEntries } from '../bridge/store/state/other-entries.ts';
import { listNotices } from '../bridge/store/state/outbox.ts';
import { slowAnswers } from '../bridge/store/state/slow-answers.ts';
import type { StateDb } from '../bridge/store/state/state-db.ts';
import { sweepBegun } from '../bridge/store/state/sweep-begun.ts';
import { anythingHeld, countNotices, outcomesWith } from '../bridge/store/state/troubles.ts';
import { type Waiting, waitingMailboxes } from '../bridge/store/state/waiting-mailboxes.ts';
import { nextDue } from '../bridge/store/table/due-times.ts';
import { REPAIR_RULES, rulesChanged } from '../bridge/store/table/schema.ts';
import { missingCopies } from '../bridge/submission/missing-copies.ts';
import { whole } from './arguments.ts';
import { EXIT } from './exit.ts';
import { counted, facts, type Output, oneLine } from './output.ts';
import { OWNERS_LIST } from './owners-list.ts';
import { pausedText } from './paused.ts';
import type { Runner } from './runner.ts';
import type { Session } from './session.ts';
import { slowAnswerLine } from './slow-answer.ts';
import { statusOfAll } from './status-all.ts';
import { keptLines, keptOf, keptRemarks } from './status-disk.ts';
import { portalLine, portalOf } from './status-portal.ts';
import {
  databaseLine,
  databaseOf,
  eventsLine,
  eventsOf,
  filterOf,
  imapServerOf,
  isSilent,
  processLines,
  serverLine,
  sidecarOf,
  workersOfServer,
} from './status-processes.ts';
import { isTraceOdd, traceLines, traceOf, traceRemarks } from './status-trace.ts';

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
        const { held, ...status } = await statusOf(session, limit);
        const pause = status.paused;
        const loud = pause === undefined ? '' : `${out.colour.bad(`PAUSED: ${pausedText(session, pause)}`)}\n`;
        out.result(status, loud + shown(status, config.policy.timezone, out));
        const failed =
          status.failing > 0 || status.lateCount > 0 || status.copies.length > 0 || status.outbox.failed > 0;
        const noFilter =
          status.filter !== null &&
          (status.filter.running === null || status.filter.filters.some((one) => !one.running));
        const odd =
          status.paused !== undefined ||
          status.foreignState !== null ||
          status.trailBroken !== null ||
          isTraceOdd(status.trace) ||
          held ||
          noFilter ||
          status.portal?.answers === false ||
          status.restored ||
          status.rulesChanged.length > 0 ||
          isSilent(status.sidecar, status.workers) ||
          (status.sidecar === null && (status.workers?.works ?? null) === null);
        return failed || odd ? EXIT.failed : EXIT.done;
      }),
    );
}

type Status = Omit<Awaited<ReturnType<typeof statusOf>>, 'held'>;

/** `most`: of each list. */
async function statusOf(session: Session, most: number) {
  const running = session.sidecarRuns();
  const now = new Date().toISOString();
  return session.table((table) =>
    session.state(async (state) => {
      const failing = await outcomesWith(state, 'failure', most);
      const noticed = await outcomesWith(state, 'notices', most);
      const noted = new Set(running ? (await overdueNoted(state)).map(({ mailboxId }) => mailboxId) : []);
      const { count: waiting, looked } = await waitingMailboxes(table, state, most, [...noted]);
      const tooOld = new Date(Date.parse(now) - LATE_MS).toISOString();
      const last = await lastSidecar(state);
      const sidecar = running ? sidecarOf(session, last) : null;
      const late = looked.filter((one) => noted.has(one.mailboxId) || (one.since !== null && one.since < tooOld));
      return {
        sidecar,
        workers: await workersOfServer(session),
        /** For how long its thread was held at a stretch; null as long as nothing has been noted. */
        loop: (await loopOf(state, sidecar?.pid)) ?? null,
        filter: await filterOf(session, state),
        /** The people's own screens; null where none are configured. */
        portal: await portalOf(session.config),
        configFile: session.config.file,
        /** Why what runs isn't what the file says; null where it is. */
        outdated: sidecar?.since ? (configDifference(last, session.config) ?? null) : null,
        waiting,
        /** The first of them. */
        queue: looked.slice(0, most),
        oldest: oldestOf(looked) ?? null,
        lagMs: lag(looked, now),
        lateCount: late.length,
        /** Not all that wait were looked at: so many are late at least. */
        lateAtLeast: looked.length < waiting,
        /** Of those that wait, the ones that wait for too long, whatever the reason; the first of them. */
        late: late.slice(0, most),
        failing: failing.count,
        failures: failing.first.flatMap(({ address, failure }) =>
          failure === undefined ? [] : [{ mailbox: address, ...failure }],
        ),
        /** How many mailboxes have any. */
        noticed: noticed.count,
        notices: noticed.first.flatMap(({ address, notices }) => notices.map((one) => ({ mailbox: address, ...one }))),
        held: await anythingHeld(state),
        /** What passes are waiting for just now, because a server is slow to answer. */
        slow: running ? await slowAnswers(state) : [],
        copies: missingCopies((await session.submissions((store) => store.missing())) ?? [], new Date(now)),
        nextDue: (await nextDue(table, now)) ?? null,
        /** Which kind of IMAP server it is, as a pass has seen it. */
        server: await imapServerOf(state),
        lastSweep: (await fact(state, 'sweep')) ?? null,
        /** What has come by Dovecot's events since the sidecar began; null where they are not configured. */
        events: await eventsOf(session, state, sidecar?.pid),
        /** The sweep that is going on, or goes on when a sidecar runs: since when, and how many mailboxes it is done with. */
        sweep: await sweepAge(state),
        folderLook: (await lastLookRound(state)) ?? null,
        /** Entries of other people by which somebody else has access: "mandat verify" lists them. */
        otherEntries: await countOtherEntries(state),
        /** Whose list of subscriptions a delegate's SUBSCRIBE writes, as last seen: the owner's or the delegate's. */
        subscriptionsKeptBy: (await fact(state, 'subscriptions-kept-by')) ?? null,
        /** How the audit trail is broken, by the sidecar's last proof of all of it. */
        trailBroken: (await lastProof(state))?.broken ?? null,
        /** The trace of access; null where there is none. */
        trace: await traceOf(session, state),
        /** Nothing is written to the servers: since when, by whom and why. Left out where it is. */
        paused: await paused(state),
        /** Every delegation of the site is out of force, since when. */
        withdrawn: (await withdrawn(state))?.since ?? null,
        /** Why this state.db isn't the one that the table was worked off with; null where it is. */
        foreignState:
          (await foreignState(table, state)) ?? ((await adoptingFrom(state)) === undefined ? null : ADOPTING),
        /** An older table was put back, and is obeyed only where it takes access away. */
        restored: (await fact(state, 'restored')) === 'held',
        /** The table's own rules differ from the released ones: it is obeyed only where it takes access away. */
        rulesChanged: (await table.differences()).map(({ object, how }) => ({ object, how })),
        outbox: await outboxOf(state, most),
        /** Where the table is, in PostgreSQL, and when the sidecar last was without it; null where it is a file. */
        database: await databaseOf(session, state),
        /** How much room the data take, and when they were backed up. */
        kept: await keptOf(session, state),
      };
    }),
  );
}

async function sweepAge(state: StateDb) {
  const begun = await sweepBegun(state);
  return begun === undefined ? null : { begunAt: begun.at, mailboxes: begun.looked };
}

function sweepLine(sweep: Status['sweep'], time: (instant: string) => string): readonly (readonly [string, string])[] {
  if (sweep === null) return [];
  return [
    ['this sweep', `since ${time(sweep.begunAt)}, done with ${counted(sweep.mailboxes, 'mailbox', 'mailboxes')}`],
  ];
}

/** Notices on their way, those that could not be sent, and whom nobody has an address of: they are to be told otherwise (R9). */
async function outboxOf(state: StateDb, most: number) {
  const count = await countNotices(state);
  const [last] = await listNotices(state, { states: ['failed'], most: 1, newest: true });
  const noAddress = await listNotices(state, { states: ['no-address'], most });
  return {
    waiting: count.waiting + count.sending,
    failed: count.failed,
    lastError: last?.error ?? null,
    noAddressCount: count['no-address'],
    noAddress: noAddress.map(({ id, kind, subject, mailbox }) => ({ id, kind, subject, mailbox })),
  };
}

/** How long the oldest change has been waiting, in milliseconds. */
function lag(queue: readonly Waiting[], now: string): number | null {
  const oldest = oldestOf(queue);
  return oldest === undefined ? null : Math.max(0, Date.parse(now) - Date.parse(oldest));
}

function oldestOf(queue: readonly Waiting[]): string | undefined {
  let oldest: string | undefined;
  for (const { since } of queue) if (since !== null && (oldest === undefined || since < oldest)) oldest = since;
  return oldest;
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
