import { resolve } from 'node:path';
import type { Command } from 'commander';
import { remainsOn } from '../bridge/configured/stores.ts';
import { describeStep } from '../bridge/reconcile/steps.ts';
import { noteRemoval, removal } from '../bridge/removal/progress.ts';
import type { Asking } from '../bridge/removal/smtp-asks.ts';
import { countPairs } from '../bridge/store/state/ledger-pairs.ts';
import { noteEvent } from '../bridge/store/table/events.ts';
import { confirmed } from './confirm.ts';
import { EXIT, type ExitStatus } from './exit.ts';
import { counted } from './output.ts';
import { refuseWhilePaused } from './paused.ts';
import { openProgress } from './progress.ts';
import type { Runner } from './runner.ts';
import type { Session } from './session.ts';
import { concluded, toldOf } from './sync.ts';
import { type ByHand, byHand, byHandLines, databaseLines } from './uninstall-by-hand.ts';
import { askingText, emptied, lookedAfter, takeGrantsOff } from './uninstall-steps.ts';

interface Options {
  readonly dryRun?: boolean;
  readonly yes?: boolean;
  readonly quiet?: boolean;
  readonly smtpDone?: boolean;
  readonly dovecotConfig?: string | undefined;
  readonly postfixConfig?: string | undefined;
}

/** What removes the package calls or names it: docs/taking-over-and-removal.md. */
export function uninstallCommand(program: Command, run: Runner): void {
  program
    .command('uninstall')
    .description(
      'take mandat off the servers: every delegation, then the sender map, and say what is left to do by hand; interrupted, it goes on when called again',
    )
    .option('--dry-run', 'print what would be done and what would be left to do by hand, and do nothing')
    .option('--quiet', 'nobody is told')
    .option('--yes', 'do not ask')
    .option(
      '--smtp-done',
      "the mail server doesn't ask mandat's map any more, and has reread its configuration: for where mandat can't see that",
    )
    .option('--dovecot-config <file>', "Dovecot's configuration, if not the one that doveconf reads by itself")
    .option('--postfix-config <directory>', "Postfix's configuration, if not /etc/postfix")
    .action(
      run(
        async (session, given: Options) => {
          const options = {
            ...given,
            dovecotConfig: given.dovecotConfig === undefined ? undefined : resolve(given.dovecotConfig),
            postfixConfig: given.postfixConfig === undefined ? undefined : resolve(given.postfixConfig),
          };
          // With the rights of who typed it, before any file of ours is touched.
          const { askedByPostfix } = await import('../bridge/removal/smtp-asks.ts');
          const asking = await askedByPostfix(session.config, session.files, options.postfixConfig);
          const hand = await byHand(session.config, session.files, options);
          session.becomeOwner();
          await refuseWhilePaused(session, 'uninstall');
          return options.dryRun === true ? rehearsed(session, asking, hand) : takenOff(session, options, asking, hand);
        },
        [],
        'caller',
      ),
    );
}

async function rehearsed(session: Session, asking: Asking, hand: ByHand): Promise<ExitStatus> {
  const { out, config, writer } = session;
  const { rehearse } = await import('../bridge/sidecar/dry-run.ts');
  const progress = openProgress(out, 'looked at');
  const options = { force: true, actor: writer.actor, withdrawn: true, onProgress: progress.at };
  const { steps, ...report } = await rehearse(config, process.env, options).finally(progress.end);
  const told = toldOf(report);
  const database = await remains(session);
  const lines = [
    ...(steps.length === 0 ? ['nothing to take off'] : steps.map(describeStep)),
    config.senderRules === undefined
      ? 'no sender map is published'
      : `then the sender map is emptied, once nobody asks it: ${askingText(asking)}`,
    ...byHandLines(hand, out),
    ...databaseLines(database),
    'dry run: nothing was changed',
  ];
  out.result({ dryRun: true, steps, asking, ...hand, database: database ?? null, ...told }, lines.join('\n'));
  return concluded(out, told);
}

async function takenOff(session: Session, options: Options, asking: Asking, hand: ByHand): Promise<ExitStatus> {
  const { out } = session;
  const standing = await session.state((state) => countPairs(state));
  const question = `Take mandat off the servers? ${counted(standing, 'delegation')} end for everybody, what stood before comes back, and nothing comes into force again before "mandat withdraw --undo".`;
  if (!(await confirmed(session, question, options.yes))) return EXIT.failed;
  await begun(session, asking);

  const off = await takeGrantsOff(session, options.quiet === true);
  if (off.status !== EXIT.done) {
    out.result({ done: false, delegations: standing, ...off.document }, off.text);
    out.warn('mandat: it goes on from here when "mandat uninstall" is called again; nothing else was touched');
    return off.status;
  }
  const looked = await lookedAfter(session);
  const map = await emptied(session, options, asking, looked.clean);
  const database = await remains(session);
  const named = hand.leftovers.filter(({ certain }) => certain);
  const done = looked.clean && map.done && named.length === 0;
  const lines = [
    `1. ${off.text}`,
    `2. ${looked.text}`,
    `3. ${map.text}`,
    ...byHandLines(hand, out, 4),
    ...databaseLines(database),
    ...(session.sidecarRuns() ? ['the sidecar is running: systemctl disable --now mandat'] : []),
    done
      ? 'mandat is off the servers: its files may go'
      : 'not done yet: see above, then call "mandat uninstall" again; it goes on from there',
  ];
  if (done) await ended(session);
  const document = {
    done,
    delegations: standing,
    ...off.document,
    looked: looked.document,
    senderMap: map.document,
    ...hand,
    database: database ?? null,
  };
  out.result(document, lines.join('\n'));
  for (const one of map.warnings) out.warn(one);
  if (looked.status !== EXIT.done) return looked.status;
  return done ? EXIT.done : EXIT.failed;
}

const remains = ({ config, state }: Session) => state((opened) => remainsOn(config, opened));

async function begun(session: Session, asking: Asking): Promise<void> {
  const before = await session.state((state) => removal(state));
  const since = before?.since ?? new Date().toISOString();
  const seen = asking.kind === 'asks' || asking.kind === 'not reread' ? [asking.directory] : [];
  const asked = [...new Set([...(before?.asking ?? []), ...seen])];
  await session.state((state) => noteRemoval(state, { ...before, since, asking: asked }));
  if (before === undefined) await session.table((db) => noteEvent(db, session.writer, { action: 'uninstall-begun' }));
}

async function ended(session: Session): Promise<void> {
  const before = await session.state((state) => removal(state));
  if (before === undefined || before.doneAt !== undefined) return;
  await session.table((db) => noteEvent(db, session.writer, { action: 'uninstall-done' }));
  await session.state((state) => noteRemoval(state, { ...before, doneAt: new Date().toISOString() }));
}
