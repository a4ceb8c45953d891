import type { Command } from 'commander';
import { type LookRound, lastLookRound } from '../bridge/folder-look.ts';
import { LATE_MS, overdueNoted } from '../bridge/overdue.ts';
import { configDifference, lastSidecar } from '../bridge/running-config.ts';
import { fact } from '../bridge/store/facts.ts';
import { listNotices } from '../bridge/store/outbox.ts';
import { listOutcomes } from '../bridge/store/outcomes.ts';
import { nextDue } from '../bridge/store/rows.ts';
import { REPAIR_RULES, rulesChanged } from '../bridge/store/schema.ts';
import type { StateDb } from '../bridge/store/state-db.ts';
import { type Waiting, waitingMailboxes } from '../bridge/store/waiting.ts';
import { missingCopies } from '../bridge/submission/missing-copies.ts';
import { EXIT } from './exit.ts';
import { counted, facts, type Output, oneLine } from './output.ts';
import type { Runner } from './runner.ts';
import type { Session } from './session.ts';
import { shownDuration, shownTime } from './times.ts';

export function statusCommand(program: Command, run: Runner): void {
  program
    .command('status')
    .description(
      'what the sidecar does, and what needs somebody; exits 1 when something failed or is held, or no sidecar runs',
    )
    .action(
      run(async (session) => {
        const { out, config } = session;
        const status = await statusOf(session);
        out.result(status, shown(status, config.policy.timezone, out));
        const held = status.notices.some(({ code }) => code === 'held');
        const failed =
          status.failures.length > 0 || status.late.length > 0 || status.copies.length > 0 || status.outbox.failed > 0;
        const odd = held || status.restored || status.rulesChanged.length > 0 || status.sidecar === null;
        return failed || odd ? EXIT.failed : EXIT.done;
      }),
    );
}

type Status = Awaited<ReturnType<typeof statusOf>>;

async function statusOf(session: Session) {
  const running = session.sidecarRuns();
  const now = new Date().toISOString();
  return session.table((table) =>
    session.state(async (state) => {
      const outcomes = await listOutcomes(state);
      const queue = await waitingMailboxes(table, state, outcomes);
      const noted = new Set(running ? (await overdueNoted(state)).map(({ mailboxId }) => mailboxId) : []);
      const tooOld = new Date(Date.parse(now) - LATE_MS).toISOString();
      const last = await lastSidecar(state);
      const { pid, since } = last;
      return {
        sidecar: running ? { pid, since } : null,
        configFile: session.config.file,
        /** Why what runs isn't what the file says; null where it is. */
        outdated: running ? (configDifference(last, session.config) ?? null) : null,
        waiting: queue.length,
        queue,
        lagMs: lag(queue, now),
        /** Of those that wait, the ones that wait for too long, whatever the reason. */
        late: queue.filter((one) => noted.has(one.mailboxId) || (one.since !== null && one.since < tooOld)),
        failures: outcomes.flatMap(({ address, failure }) =>
          failure === undefined ? [] : [{ mailbox: address, ...failure }],
        ),
        notices: outcomes.flatMap(({ address, notices }) => notices.map((one) => ({ mailbox: address, ...one }))),
        copies: missingCopies((await session.submissions((store) => store.missing())) ?? [], new Date(now)),
        nextDue: (await nextDue(table, now)) ?? null,
        lastSweep: (await fact(state, 'sweep')) ?? null,
        folderLook: (await lastLookRound(state)) ?? null,
        /** An older table was put back, and is obeyed only where it takes away. */
        restored: (await fact(state, 'restored')) === 'held',
        /** The table's own rules differ from the released ones: it is obeyed only where it takes away. */
        rulesChanged: table.differences().map(({ object, how }) => ({ object, how })),
        outbox: await outboxOf(state),
      };
    }),
  );
}

/** Notices on their way, those that could not be sent, and whom nobody has an address of: he is to be told otherwise (R9). */
async function outboxOf(state: StateDb) {
  const found = await listNotices(state, { states: ['waiting', 'sending', 'failed', 'no-address'] });
  const failed = found.filter((one) => one.state === 'failed');
  const noAddress = found.filter((one) => one.state === 'no-address');
  return {
    waiting: found.length - failed.length - noAddress.length,
    failed: failed.length,
    lastError: failed.at(-1)?.error ?? null,
    noAddress: noAddress.map(({ id, kind, subject, mailbox }) => ({ id, kind, subject, mailbox })),
  };
}

/** How long the oldest change has been waiting, in milliseconds. */
function lag(queue: readonly Waiting[], now: string): number | null {
  const oldest = oldestOf(queue);
  return oldest === undefined ? null : Math.max(0, Date.parse(now) - Date.parse(oldest));
}

function oldestOf(queue: readonly Waiting[]): string | undefined {
  return queue.flatMap(({ since }) => since ?? []).sort()[0];
}

function shown(
  { sidecar, queue, lagMs, late, failures, notices, copies, ...rest }: Status,
  timezone: string,
  out: Output,
): string {
  const time = (instant: string | null | undefined) => shownTime(instant, timezone);
  const oldest = oldestOf(queue);
  const head = facts([
    [
      'sidecar',
      sidecar === null
        ? 'not running: start it with "mandat run"'
        : `running (process ${sidecar.pid}, since ${time(sidecar.since)})`,
    ],
    ['configuration', rest.configFile],
    ['waiting', `${counted(queue.length, 'mailbox', 'mailboxes')} to be brought in line`],
    ['lag', lagMs === null ? null : `${shownDuration(lagMs)}: the oldest change that waits is of ${time(oldest)}`],
    ['failing', counted(failures.length, 'mailbox', 'mailboxes')],
    ...outboxLine(rest.outbox),
    ['next due', time(rest.nextDue)],
    ['last sweep', time(rest.lastSweep)],
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
    ...(late.length === 0
      ? []
      : [
          `${counted(late.length, 'mailbox', 'mailboxes')} not brought in line within ${LATE_MS / 1000} s: ${late
            .slice(0, NAMED)
            .map(({ mailbox }) => oneLine(mailbox ?? 'one that has left the table'))
            .join(', ')}${late.length > NAMED ? ', ...' : ''}`,
        ]),
    ...notices.map(({ mailbox, message }) => `${mailbox}: ${oneLine(message)}`),
    ...(rest.outdated === null ? [] : [`configuration: ${rest.outdated}`]),
    ...(rest.restored ? [RESTORED] : []),
    ...(rest.rulesChanged.length > 0 ? [`${oneLine(rulesChanged(rest.rulesChanged))}\n    ${REPAIR_RULES}`] : []),
    ...outboxRemarks(rest.outbox),
  ];
  return [head, ...lines].join('\n');
}

/** How often the folders of a delegated mailbox are really looked at: with many of them less often than configured. */
function lookedAt({ mailboxes, everySeconds }: LookRound): string {
  return `looked at every ${shownDuration(everySeconds * 1000)}, in ${counted(mailboxes, 'delegated mailbox', 'delegated mailboxes')}`;
}

type Outbox = Status['outbox'];

function outboxLine({ waiting, failed, noAddress }: Outbox): readonly (readonly [string, string])[] {
  if (waiting + failed + noAddress.length === 0) return [];
  return [['notices', `${waiting} waiting, ${failed} failed, ${noAddress.length} without an address`]];
}

/** More than these are in "mandat notices list". */
const NAMED = 10;

function outboxRemarks({ failed, lastError, noAddress }: Outbox): readonly string[] {
  const named = noAddress.slice(0, NAMED);
  const more = noAddress.length - named.length;
  return [
    ...(failed === 0
      ? []
      : [
          `${counted(failed, 'notice')} could not be sent: ${oneLine(lastError ?? '')}\n    "mandat notices list --state failed", then "mandat notices retry"`,
        ]),
    ...named.map(
      ({ id, kind, subject, mailbox }) =>
        `no address is known of ${oneLine(subject)}: tell him of the ${kind} (${oneLine(mailbox ?? '')}) yourself, or record one and "mandat notices retry ${id}"`,
    ),
    ...(more === 0 ? [] : [`and ${more} more: "mandat notices list --state no-address"`]),
  ];
}

const RESTORED =
  'the delegation table is older than the one last seen: it is obeyed only where it takes away, until "mandat restore accept"';
