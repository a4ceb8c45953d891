import type { Command } from 'commander';
import { fact } from '../bridge/store/facts.ts';
import { listOutcomes } from '../bridge/store/outcomes.ts';
import { nextDue } from '../bridge/store/rows.ts';
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
    .description('what the sidecar does, and what needs somebody; exits 1 when something failed or is held')
    .action(
      run(async (session) => {
        const { out, config } = session;
        const status = await statusOf(session);
        out.result(status, shown(status, config.policy.timezone, out));
        const held = status.notices.some(({ code }) => code === 'held');
        const failed = status.failures.length > 0 || status.copies.length > 0;
        return failed || held || status.restored ? EXIT.failed : EXIT.done;
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
      const { pid, since } = JSON.parse((await fact(state, 'sidecar')) ?? '{}') as { pid?: number; since?: string };
      return {
        sidecar: running ? { pid, since } : null,
        waiting: queue.length,
        queue,
        lagMs: lag(queue, now),
        failures: outcomes.flatMap(({ address, failure }) =>
          failure === undefined ? [] : [{ mailbox: address, ...failure }],
        ),
        notices: outcomes.flatMap(({ address, notices }) => notices.map((one) => ({ mailbox: address, ...one }))),
        copies: missingCopies(session.submissions((store) => store.missing()) ?? [], new Date(now)),
        nextDue: (await nextDue(table, now)) ?? null,
        lastSweep: (await fact(state, 'sweep')) ?? null,
        /** An older table was put back, and is obeyed only where it takes away. */
        restored: (await fact(state, 'restored')) === 'held',
      };
    }),
  );
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
  { sidecar, queue, lagMs, failures, notices, copies, ...rest }: Status,
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
    ['waiting', `${counted(queue.length, 'mailbox', 'mailboxes')} to be brought in line`],
    ['lag', lagMs === null ? null : `${shownDuration(lagMs)}: the oldest change that waits is of ${time(oldest)}`],
    ['failing', counted(failures.length, 'mailbox', 'mailboxes')],
    ['next due', time(rest.nextDue)],
    ['last sweep', time(rest.lastSweep)],
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
    ...notices.map(({ mailbox, message }) => `${mailbox}: ${oneLine(message)}`),
    ...(rest.restored ? [RESTORED] : []),
  ];
  return [head, ...lines].join('\n');
}

const RESTORED =
  'the delegation table is older than the one last seen: it is obeyed only where it takes away, until "mandat restore accept"';
