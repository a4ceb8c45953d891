/**
 * What the sidecar does, and what needs somebody, as `mandat status` and the administrator's page say it: read from the databases, without
 * speaking to a mail server. Of long lists the first, and how many there are.
 */
import { ADOPTING, adoptingFrom, foreignState } from '../../safeguards/foreign-state.ts';
import { paused } from '../../safeguards/pause.ts';
import { withdrawn } from '../../safeguards/withdrawn.ts';
import { lastLookRound } from '../../sidecar/folder-look.ts';
import { LATE_MS, overdueNoted } from '../../sidecar/overdue.ts';
import { configDifference, lastSidecar, loopOf } from '../../sidecar/running-config.ts';
import { lastProof } from '../../sidecar/trail-upkeep.ts';
import { fact } from '../../store/state/facts.ts';
import { countOtherEntries } from '../../store/state/other-entries.ts';
import { listNotices } from '../../store/state/outbox.ts';
import { slowAnswers } from '../../store/state/slow-answers.ts';
import type { StateDb } from '../../store/state/state-db.ts';
import { sweepBegun } from '../../store/state/sweep-begun.ts';
import { anythingHeld, countNotices, outcomesWith } from '../../store/state/troubles.ts';
import { type Waiting, waitingMailboxes } from '../../store/state/waiting-mailboxes.ts';
import { nextDue } from '../../store/table/due-times.ts';
import { missingCopies } from '../../submission/missing-copies.ts';
import type { Site } from '../site.ts';
import { keptOf } from './kept.ts';
import { databaseOf, eventsOf, filterOf, imapServerOf, isSilent, sidecarOf, workersOfServer } from './processes.ts';
import { isTraceOdd, traceOf } from './trace.ts';

export type Status = Awaited<ReturnType<typeof statusOf>>;

/** Whether something failed, is held or broken, or nobody works. */
export function needsSomebody(status: Status): boolean {
  const { filter, failing, lateCount, copies, outbox, workers } = status;
  const failed = failing > 0 || lateCount > 0 || copies.length > 0 || outbox.failed > 0;
  const noFilter = filter !== null && (filter.running === null || filter.filters.some((one) => !one.running));
  const nobodyWorks =
    isSilent(status.sidecar, workers) || (status.sidecar === null && (workers?.works ?? null) === null);
  const refuses = status.paused !== undefined || status.restored || status.rulesChanged.length > 0;
  const broken = status.foreignState !== null || status.trailBroken !== null || isTraceOdd(status.trace);
  return failed || noFilter || nobodyWorks || refuses || broken || status.held;
}

/** `most`: of each list. */
export async function statusOf(site: Site, most: number) {
  const running = site.sidecarRuns();
  const now = new Date().toISOString();
  return site.table((table) =>
    site.state(async (state) => {
      const failing = await outcomesWith(state, 'failure', most);
      const noticed = await outcomesWith(state, 'notices', most);
      const noted = new Set(running ? (await overdueNoted(state)).map(({ mailboxId }) => mailboxId) : []);
      const { count: waiting, looked } = await waitingMailboxes(table, state, most, [...noted]);
      const tooOld = new Date(Date.parse(now) - LATE_MS).toISOString();
      const last = await lastSidecar(state);
      const sidecar = running ? sidecarOf(site, last) : null;
      const late = looked.filter((one) => noted.has(one.mailboxId) || (one.since !== null && one.since < tooOld));
      return {
        sidecar,
        workers: await workersOfServer(site),
        /** For how long its thread was held at a stretch; null as long as nothing has been noted. */
        loop: (await loopOf(state, sidecar?.pid)) ?? null,
        filter: await filterOf(site, state),
        configFile: site.config.file,
        /** Why what runs isn't what the file says; null where it is. */
        outdated: sidecar?.since ? (configDifference(last, site.config) ?? null) : null,
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
        copies: missingCopies((await site.submissions((store) => store.missing())) ?? [], new Date(now)),
        nextDue: (await nextDue(table, now)) ?? null,
        /** Which kind of IMAP server it is, as a pass has seen it. */
        server: await imapServerOf(state),
        lastSweep: (await fact(state, 'sweep')) ?? null,
        /** What has come by Dovecot's events since the sidecar began; null where they are not configured. */
        events: await eventsOf(site, state, sidecar?.pid),
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
        trace: await traceOf(site, state),
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
        database: await databaseOf(site, state),
        /** How much room the data take, and when they were backed up. */
        kept: await keptOf(site, state),
      };
    }),
  );
}

async function sweepAge(state: StateDb) {
  const begun = await sweepBegun(state);
  return begun === undefined ? null : { begunAt: begun.at, mailboxes: begun.looked };
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
