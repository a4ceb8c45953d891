import type { Command } from 'commander';
import { fact } from '../bridge/store/facts.ts';
import { listOutcomes } from '../bridge/store/outcomes.ts';
import { nextDue, pendingMailboxes } from '../bridge/store/rows.ts';
import { EXIT } from './exit.ts';
import { facts } from './output.ts';
import type { Runner } from './runner.ts';
import { shownTime } from './times.ts';

export function statusCommand(program: Command, run: Runner): void {
  program
    .command('status')
    .description('what the sidecar does, and what went wrong; exits 1 when something did')
    .action(
      run(async (session) => {
        const { out, config } = session;
        const running = session.sidecarRuns();
        const { pending, due } = await session.table(async (db) => ({
          pending: await pendingMailboxes(db),
          due: await nextDue(db, new Date().toISOString()),
        }));
        const { outcomes, sweep, restored, sidecar } = await session.state(async (db) => ({
          outcomes: await listOutcomes(db),
          sweep: await fact(db, 'sweep'),
          restored: (await fact(db, 'restored')) === 'held',
          sidecar: await fact(db, 'sidecar'),
        }));
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
          ['waiting', pending.length],
          ['failing', failures.length],
          ['next due', shownTime(due, timezone)],
          ['last sweep', shownTime(sweep, timezone)],
        ]);
        const lines = [
          ...failures.map(
            ({ mailbox, code, message, hint, attempts, retryAt }) =>
              `${mailbox}: ${out.colour.bad(code)}: ${message}\n    ${hint}\n    attempt ${attempts}, again at ${shownTime(retryAt, timezone)}`,
          ),
          ...notices.map(({ mailbox, message }) => `${mailbox}: ${message}`),
        ];
        if (restored)
          lines.push(
            'the delegation table is older than the one last seen: it is obeyed only where it takes away, until "mandat restore accept"',
          );
        out.result(
          {
            sidecar: running ? { pid, since } : null,
            waiting: pending.length,
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
