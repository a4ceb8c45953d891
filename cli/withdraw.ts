import type { Command } from 'commander';
import { noteRemoval } from '../bridge/removal/progress.ts';
import { setWithdrawn, withdrawn } from '../bridge/safeguards/withdrawn.ts';
import { Failure } from '../bridge/shared/failure.ts';
import { countPairs } from '../bridge/store/state/ledger-pairs.ts';
import { noteEvent } from '../bridge/store/table/events.ts';
import { confirmed } from './confirm.ts';
import { EXIT, type ExitStatus } from './exit.ts';
import { counted } from './output.ts';
import { refuseWhilePaused } from './paused.ts';
import type { Runner } from './runner.ts';
import type { Session } from './session.ts';
import { broughtInLine, concluded, toldOf } from './sync.ts';
import { shownTime } from './times.ts';

interface Options {
  readonly all?: boolean;
  readonly undo?: boolean;
  readonly quiet?: boolean;
  readonly yes?: boolean;
}

/** The first step of taking mandat off a site: docs/operations.md, "Taking it off". */
export function withdrawCommand(program: Command, run: Runner): void {
  program
    .command('withdraw')
    .description('take every delegation out of force at once: entries, sender rules, subscriptions; the rows stay')
    .option('--all', 'all delegations of the site; until --undo nothing comes into force')
    .option('--undo', 'obey the table again')
    .option('--quiet', 'with --all: nobody is told')
    .option('--yes', 'do not ask')
    .action(
      run(async (session, { all, undo, quiet, yes }: Options) => {
        if ((all === true) === (undo === true)) {
          const message = 'which way: --all or --undo?';
          throw new Failure('config', message, 'a single delegation ends with "mandat revoke MAILBOX DELEGATE"');
        }
        if (quiet === true && undo === true)
          throw new Failure('config', '--quiet goes with --all: whoever was told of that is told of its end too');
        await refuseWhilePaused(session, 'withdraw');
        return undo === true ? bringBack(session, yes) : takeAll(session, quiet === true, yes);
      }),
    );
}

async function takeAll(session: Session, quiet: boolean, yes: boolean | undefined): Promise<ExitStatus> {
  const { out } = session;
  const standing = await session.state((state) => countPairs(state));
  const question = `Withdraw ${counted(standing, 'delegation')}, all there are? Nobody gets into another person's mailbox, and nobody comes back before "mandat withdraw --undo". The rows stay.`;
  if (!(await confirmed(session, question, yes))) return EXIT.failed;
  const { since, told, left } = await withdrawEverything(session, quiet);
  const lines = [
    `${standing - left} of ${counted(standing, 'delegation')} withdrawn: entries, sender rules and subscriptions are gone, and what stood before is back`,
    left === 0 ? '  verified: each delegate sees nothing any more' : `  ${left} not withdrawn yet, or not verified`,
    `  since ${shownTime(since, session.config.policy.timezone)} no delegation of this site is in force; "mandat withdraw --undo" brings them back`,
  ];
  out.result({ delegations: standing, left, since, ...told }, lines.join('\n'));
  const status = concluded(out, told);
  return status === EXIT.done && left > 0 ? EXIT.failed : status;
}

/** Every pass made, whatever was held. May be called again: what is done is done. `left`: pairs that aren't taken off yet. */
export async function withdrawEverything(session: Session, quiet: boolean) {
  const since = await session.state(async (state) => {
    const before = await withdrawn(state);
    const now = new Date().toISOString();
    await setWithdrawn(state, { ...before, since: before?.since ?? now, quiet });
    return before?.since ?? now;
  });
  await session.table((db) => noteEvent(db, session.writer, { action: 'all-withdrawn', detail: { quiet } }));
  const told = await brought(session);
  return { since, told, left: await session.state((state) => countPairs(state)) };
}

async function bringBack(session: Session, yes: boolean | undefined): Promise<ExitStatus> {
  const { out } = session;
  const before = await session.state((state) => withdrawn(state));
  if (before === undefined) {
    out.result({ undone: false }, 'nothing was withdrawn: the table is obeyed');
    return EXIT.done;
  }
  if (!(await confirmed(session, 'Obey the table again? Every delegation whose row stands comes back.', yes)))
    return EXIT.failed;
  await session.state(async (state) => {
    await setWithdrawn(state, undefined);
    await noteRemoval(state, undefined);
  });
  await session.table((db) => noteEvent(db, session.writer, { action: 'all-restored' }));
  const told = await brought(session);
  const standing = await session.state((state) => countPairs(state));
  out.result(
    { undone: true, delegations: standing, ...told },
    `the table is obeyed: ${counted(standing, 'delegation')} in force`,
  );
  return concluded(out, told);
}

/** What the guard held goes too: it has been asked for. */
const brought = async (session: Session) => toldOf((await broughtInLine(session, { force: true })).report);
