import type { Command } from 'commander';
import { describeStep } from '../bridge/reconcile/steps.ts';
import type { SyncOptions, SyncReport } from '../bridge/sidecar/sync.ts';
import { mailboxAt } from '../bridge/store/table/mailboxes.ts';
import { address } from './arguments.ts';
import { EXIT, type ExitStatus, exitStatusOf } from './exit.ts';
import { quietLog } from './log.ts';
import { counted, type Output } from './output.ts';
import { pauseOf, refuseWhilePaused, warnOfPause } from './paused.ts';
import { openProgress } from './progress.ts';
import { documentOf, type Runner, sentence } from './runner.ts';
import type { Session } from './session.ts';

interface Options {
  readonly dryRun?: boolean;
  readonly force?: boolean;
}

export function syncCommand(program: Command, run: Runner): void {
  program
    .command('sync')
    .description('bring mailboxes in line now, all of them or those named; hands it to the sidecar where one runs')
    .argument('[mailbox...]', 'addresses')
    .option('--dry-run', 'print the steps and do none of them')
    .option('--force', 'do what the guard holds back')
    .action(
      run(async (session, named: string[], { dryRun, force }: Options) => {
        const { out, config, writer } = session;
        const mailboxIds = named.length === 0 ? undefined : await idsOf(session, named.map(address));
        const what = { mailboxIds, force: force === true };
        if (dryRun === true) {
          const { rehearse } = await import('../bridge/sidecar/dry-run.ts'); // the IMAP library takes its time to load
          const progress = openProgress(out, 'looked at');
          const options = { ...what, actor: writer.actor, onProgress: progress.at };
          const { steps, ...report } = await rehearse(config, process.env, options).finally(progress.end);
          const told = toldOf(report);
          warnOfPause(session, await pauseOf(session));
          out.result({ steps, ...told }, steps.length === 0 ? 'nothing to do' : steps.map(describeStep).join('\n'));
          return concluded(out, told);
        }
        await refuseWhilePaused(session, 'sync');
        const { handed, report } = await broughtInLine(session, what);
        const { mailboxes } = report;
        const told = toldOf(report);
        const summary = `${mailboxes - told.failures.length} of ${counted(mailboxes, 'mailbox', 'mailboxes')} in line`;
        out.result({ mailboxes, ...told }, `${summary}${handed ? ' (the running sidecar did it)' : ''}`);
        return concluded(out, told);
      }),
    );
}

/** A pass over these mailboxes, all of them where none is given: by the sidecar where one runs, else here. */
export async function broughtInLine(
  session: Session,
  what: Pick<SyncOptions, 'mailboxIds' | 'force'>,
): Promise<{ readonly handed: boolean; readonly report: SyncReport }> {
  const { out, config, writer } = session;
  const { syncBySidecar, syncOnce } = await import('../bridge/sidecar/sync.ts'); // the IMAP library takes its time to load
  const handed = session.sidecarRuns();
  const progress = openProgress(out, 'in line');
  const options = { ...what, actor: writer.actor, onProgress: progress.at };
  const work = handed ? syncBySidecar(config, options) : syncOnce(config, process.env, quietLog(config), options);
  return { handed, report: await work.finally(progress.end) };
}

async function idsOf({ table }: Session, addresses: readonly string[]): Promise<readonly number[]> {
  return table(async (db) => Promise.all([...new Set(addresses)].map(async (one) => (await mailboxAt(db, one)).id)));
}

type Told = ReturnType<typeof toldOf>;

export function toldOf({ results, held }: Pick<SyncReport, 'results' | 'held'>) {
  return {
    /** Pairs that the guard holds. */
    held,
    failures: results.flatMap((result) =>
      result.kind === 'failed' ? [{ mailbox: result.address, ...documentOf(result.failure) }] : [],
    ),
    notices: results.flatMap((result) =>
      result.kind === 'verified' ? result.notices.map((one) => ({ mailbox: result.address, ...one })) : [],
    ),
  };
}

export function concluded(out: Output, { held, failures, notices }: Told): ExitStatus {
  for (const { mailbox, message } of notices) out.warn(`mandat: ${mailbox}: ${message}`);
  for (const { mailbox, message, hint } of failures)
    out.warn(sentence({ message: `${mailbox}: ${message}`, hint, rule: undefined }));
  if (held > 0) {
    out.warn(
      `mandat: ${counted(held, 'delegation')} disappeared at once and held back, in case it was an accident: "mandat sync --force" lets go`,
    );
    return EXIT.failed;
  }
  if (failures.length === 0) return EXIT.done;
  return failures.every(({ code }) => code === 'retry') ? exitStatusOf('retry') : EXIT.failed;
}
