import type { Command } from 'commander';
import { fact } from '../bridge/store/facts.ts';
import { listOutcomes } from '../bridge/store/outcomes.ts';
import { nextDue } from '../bridge/store/rows.ts';
import { waitingMailboxes } from '../bridge/store/waiting.ts';
import { EXIT } from './exit.ts';
import { counted, facts, oneLine } from './output.ts';
import type { Runner } from './runner.ts';
import { shownDuration, shownTime } from './times.ts';

export function statusCommand(program: Command, run: Runner): void {
  program
    .command('status')
    .description('what the sidecar does, and what went wrong; exits 1 when something did')
    .action(
      run(async (session) => {
        const { out, config } = session;
        const running = session.sidecarRuns();
        const now = new Date().toISOString();
        const { outcomes, waiting, due, sweep, restored, sidecar } = await session.table((table) =>
          session.state(async (state) => {
            const known = await listOutcomes(state);
            return {
              outcomes: known,
              waiting: await waitingMailboxes(table, state, known),
              due: await nextDue(table, now),
              sweep: await fact(state, 'sweep'),
              restored: (await fact(state, 'restored')) === 'held',
              sidecar: await fact(state, 'sidecar'),
            };
          }),
        );
        const [oldest] = waiting.flatMap(({ since: at }) => at ?? []).sort();
        const lagMs = oldest === undefined ? undefined : Math.max(0, Date.parse(now) - Date.parse(oldest));
        const { timezone } = config.policy;
        const failures = outcomes.flatMap(({ address, failure }) =>
          failure === undefined ? [] : [{ mailbox: address, ...failure }],
        );
        const notices = outcomes.flatMap(({ address, notices: these }) =>
          these.map((one) => ({ mailbox: address, ...one })),
        );
        const { pid, since } = JSON.parse(sidecar ?? '{}') as { pid?: number; since?: string };
        const head = facts([
          [
            'sidecar',
            running
              ? `running (process ${pid}, since ${shownTime(since, timezone)})`
              : 'not running: start it with "mandat run"',
          ],
          ['waiting', `${counted(waiting.length, 'mailbox', 'mailboxes')} to be brought in line`],
          [
            'lag',
            lagMs === undefined
              ? null
              : `${shownDuration(lagMs)}: the oldest change that waits is of ${shownTime(oldest, timezone)}`,
          ],
          ['failing', counted(failures.length, 'mailbox', 'mailboxes')],
          ['next due', shownTime(due, timezone)],
          ['last sweep', shownTime(sweep, timezone)],
        ]);
        const lines = [
          ...failures.map(({ mailbox, code, message, hint, attempts, retryAt }) => {
            const again = running ? `, again at ${shownTime(retryAt, timezone)}` : '; again when a sidecar runs';
            const told = [message, hint, `attempt ${attempts}${again}`].filter((line) => line !== '').map(oneLine);
            return `${mailbox}: ${out.colour.bad(code)}: ${told.join('\n    ')}`;
          }),
          ...notices.map(({ mailbox, message }) => `${mailbox}: ${oneLine(message)}`),
        ];
        if (restored)
          lines.push(
            'the delegation table is older than the one last seen: it is obeyed only where it takes away, until "mandat restore accept"',
          );
        out.result(
          {
            sidecar: running ? { pid, since } : null,
            waiting: waiting.length,
            queue: waiting,
            lagMs: lagMs ?? null,
            failures,
            notices,
            nextDue: due ?? null,
            lastSweep: sweep ?? null,
            restored,
          },
          [head, ...lines].join('\n'),
        );
        return failures.length > 0 ? EXIT.failed : EXIT.done;
      }),
    );
}
