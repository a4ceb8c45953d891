import type { Command } from 'commander';
import { pino } from 'pino';
import { guard, release } from '../bridge/guard.ts';
import type { Result } from '../bridge/reconcile/mailbox.ts';
import { describeStep } from '../bridge/reconcile/steps.ts';
import { mailboxAt } from '../bridge/store/mailboxes.ts';
import { mailboxIds, markPending } from '../bridge/store/rows.ts';
import { waitForChange } from '../bridge/wait.ts';
import { address } from './arguments.ts';
import { EXIT, type ExitStatus, exitStatusOf } from './exit.ts';
import { openLog } from './log.ts';
import { counted } from './output.ts';
import { documentOf, type Runner, sentence } from './runner.ts';
import type { Session } from './session.ts';

interface Options {
  readonly dryRun?: boolean;
  readonly force?: boolean;
}

/** How long one mailbox may take when a running sidecar does it, in milliseconds. */
const LIMIT_MS = 120_000;

export function syncCommand(program: Command, run: Runner): void {
  program
    .command('sync')
    .description('bring mailboxes in line now, all of them or those named; hands it to the sidecar where one runs')
    .argument('[mailbox...]', 'addresses')
    .option('--dry-run', 'print the steps and do none of them')
    .option('--force', 'let go what the guard holds')
    .action(
      run(async (session, named: string[], { dryRun, force }: Options) => {
        const ids = named.length === 0 ? undefined : await idsOf(session, named.map(address));
        const options = { mailboxIds: ids, force: force === true, actor: session.writer.actor };
        if (dryRun === true) {
          const { rehearse } = await import('../bridge/sync.ts'); // the IMAP library takes its time to load
          const { steps, results, held } = await rehearse(session.config, process.env, options);
          const text = steps.length === 0 ? 'nothing to do' : steps.map(describeStep).join('\n');
          session.out.result({ steps, held, failures: failuresOf(results) }, text);
          return concluded(session, results, held);
        }
        if (session.sidecarRuns()) return handOver(session, ids, options.force);
        const { syncOnce } = await import('../bridge/sync.ts');
        const { results, held } = await syncOnce(session.config, process.env, quietLog(session), options);
        session.out.result({ mailboxes: results.length, held, failures: failuresOf(results) }, summary(results));
        return concluded(session, results, held);
      }),
    );
}

async function idsOf({ table }: Session, addresses: readonly string[]): Promise<readonly number[]> {
  return table(async (db) => Promise.all(addresses.map(async (one) => (await mailboxAt(db, one)).id)));
}

/** Steps and failures come in the result; the log says more where a level below info is asked for. */
function quietLog({ config }: Session) {
  return ['debug', 'trace'].includes(config.log.level) ? openLog(config.log.level) : pino({ level: 'silent' });
}

async function handOver(session: Session, ids: readonly number[] | undefined, force: boolean): Promise<ExitStatus> {
  const { out, config, writer } = session;
  const began = performance.now();
  const change = await session.table(async (db) => {
    if (force) await session.state(async (state) => release(db, await guard(db, state, config.guard), writer.actor));
    const wanted = ids ?? (await mailboxIds(db));
    return { wanted, version: await markPending(db, wanted, writer.actor) };
  });
  const waited = await session.state((state) =>
    Promise.all(
      change.wanted.map((mailboxId) =>
        waitForChange(state, { mailboxId, version: change.version }, began, LIMIT_MS, () => false),
      ),
    ),
  );
  const failed = waited.flatMap(({ verifiedMs, outcome }) => (verifiedMs === undefined ? [outcome] : []));
  const failures = failed.map((outcome) => ({ mailbox: outcome?.address ?? null, ...outcome?.failure }));
  out.result(
    { mailboxes: waited.length, held: 0, failures },
    `${inLine(waited.length - failed.length, waited.length)} (the running sidecar did it)`,
  );
  for (const { mailbox, message, hint } of failures) {
    out.warn(
      sentence({
        message: `${mailbox ?? 'a mailbox'}: ${message ?? 'no answer from the sidecar'}`,
        hint: hint ?? '',
        rule: undefined,
      }),
    );
  }
  if (failed.length === 0) return EXIT.done;
  return failed.every((outcome) => outcome?.failure?.code === 'retry') ? exitStatusOf('retry') : EXIT.failed;
}

function failuresOf(results: readonly Result[]) {
  return results.flatMap((result) =>
    result.kind === 'failed' ? [{ mailbox: result.address, ...documentOf(result.failure) }] : [],
  );
}

function summary(results: readonly Result[]): string {
  const verified = results.filter(({ kind }) => kind === 'verified').length;
  return inLine(verified, results.length);
}

function inLine(done: number, all: number): string {
  return `${done} of ${counted(all, 'mailbox', 'mailboxes')} in line`;
}

function concluded({ out }: Session, results: readonly Result[], held: number): ExitStatus {
  for (const result of results) {
    if (result.kind === 'verified') for (const { message } of result.notices) out.warn(`mandat: ${message}`);
    if (result.kind === 'failed') {
      const { message, hint } = result.failure;
      out.warn(sentence({ message: `${result.address}: ${message}`, hint, rule: undefined }));
    }
  }
  if (held > 0) {
    out.warn(
      `mandat: ${counted(held, 'delegation')} disappeared at once and held back, in case it was an accident: "mandat sync --force" lets go`,
    );
    return EXIT.failed;
  }
  const failures = results.flatMap((result) => (result.kind === 'failed' ? [result.failure] : []));
  if (failures.length === 0) return EXIT.done;
  return failures.every(({ code }) => code === 'retry') ? exitStatusOf('retry') : EXIT.failed;
}
