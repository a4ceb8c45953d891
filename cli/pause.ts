import { setTimeout as delay } from 'node:timers/promises';
import type { Command } from 'commander';
import { actorName } from '../acl/actor.ts';
import { type Pause, paused, pauseSeen, setPaused } from '../bridge/safeguards/pause.ts';
import { Failure } from '../bridge/shared/failure.ts';
import { lockHolder } from '../bridge/store/files/lock.ts';
import { noteEvent } from '../bridge/store/table/events.ts';
import { seconds } from './arguments.ts';
import { EXIT, type ExitStatus } from './exit.ts';
import { counted } from './output.ts';
import { pausedText, waitingForResume } from './paused.ts';
import { openWaiting } from './progress.ts';
import { type Runner, sentence } from './runner.ts';
import type { Session } from './session.ts';
import { broughtInLine, concluded, toldOf } from './sync.ts';
import { shownTime } from './times.ts';

interface Options {
  readonly reason?: string;
  readonly all?: boolean;
  readonly wait: number;
}

/** How long passes in hand are waited for. */
const DEFAULT_WAIT_S = 30;

/** Between two looks whether they are laid down. */
const POLL_MS = 50;

/** What stands in the trail and on one line of status. */
const LONGEST_REASON = 500;

/** Its end is `mandat resume` without arguments (suspend.ts). */
export function pauseCommand(program: Command, run: Runner): void {
  program
    .command('pause')
    .description(
      'write nothing to the servers until "mandat resume", for work on them: the rows stay, revokes by name still go through',
    )
    .option('--reason <text>', 'why: "mandat status" and the audit trail show it')
    .option('--all', 'not even revokes by name go through: whoever has access keeps it')
    .option('--wait <seconds>', 'how long to wait for work that has begun', seconds, DEFAULT_WAIT_S)
    .action(
      run(async (session, { reason, all, wait }: Options) => {
        const { out, config } = session;
        if (reason !== undefined && (reason.trim() === '' || reason.length > LONGEST_REASON))
          throw new Failure('config', `--reason takes 1 to ${LONGEST_REASON} characters`);
        const pause = await begin(session, reason?.trim(), all === true);
        const inHand = await settledWithin(session, pause, wait * 1000);
        const lines = [
          `paused: nothing is written to the servers${inHand === undefined ? '' : ' by passes that begin from now on'}, until "mandat resume"`,
          all === true
            ? '  not even what is revoked by name is taken away: whoever has access keeps it'
            : '  what is revoked or suspended by name is taken away all the same',
          '  what ends by itself meanwhile (an end date, a credential) keeps its access until then; copies for Sent wait in the mail queue',
          `  since ${shownTime(pause.since, config.policy.timezone)}, by ${pause.by}${pause.reason === null ? '' : `: ${pause.reason}`}`,
        ];
        out.result({ paused: pause, inHand: inHand ?? null }, lines.join('\n'));
        if (inHand === undefined) return EXIT.done;
        out.warn(sentence({ message: inHand, hint: 'wait for it, or stop the sidecar', rule: undefined }));
        return EXIT.unreachable;
      }),
    );
}

/** A second one keeps since when it is paused, and who did it first where nothing else is said. */
async function begin(session: Session, reason: string | undefined, all: boolean): Promise<Pause> {
  const before = await session.state((state) => paused(state));
  const pause: Pause = {
    since: before?.since ?? new Date().toISOString(),
    by: actorName(session.actor),
    reason: reason ?? before?.reason ?? null,
    all,
  };
  await written(session, before, pause);
  return pause;
}

/** In the trail too, which wakes the sidecar. Where that can't be written, nothing has changed. */
async function written(session: Session, before: Pause | undefined, after: Pause | undefined): Promise<void> {
  const writer = { ...session.writer, ...(after?.reason == null ? {} : { reason: after.reason }) };
  const event =
    after === undefined
      ? ({ action: 'resumed', detail: { since: before?.since ?? null } } as const)
      : ({ action: 'paused', detail: { all: after.all, since: after.since } } as const);
  await session.state((state) => setPaused(state, after));
  try {
    await session.table((db) => noteEvent(db, writer, event));
  } catch (error) {
    await session.state((state) => setPaused(state, before));
    throw error;
  }
}

/** Undefined once nothing is in hand any more that began before; else what is. */
async function settledWithin(session: Session, pause: Pause, limitMs: number): Promise<string | undefined> {
  const until = performance.now() + limitMs;
  const waiting = openWaiting(session.out, 'waiting for what is in hand');
  try {
    for (;;) {
      const holder = lockHolder(session.files.lock);
      if (holder === undefined) return undefined;
      if (holder === 'sidecar' && (await session.state((state) => pauseSeen(state, pause)))) return undefined;
      if (performance.now() > until)
        return holder === 'sidecar'
          ? 'the sidecar still has a pass in hand: it ends before its next write'
          : 'a "mandat sync" is still at work: it ends before its next write';
      await delay(POLL_MS);
    }
  } finally {
    waiting.end();
  }
}

/** `mandat resume` without arguments. The passes that were due are made: by the sidecar where one runs, else here. */
export async function endPause(session: Session): Promise<ExitStatus> {
  const { out } = session;
  if (session.actor.kind !== 'admin') {
    throw new Failure('refused', `${actorName(session.actor)} may not end a pause: it is for admins`, '', {
      rule: 'MANDAT_ACTOR',
    });
  }
  const before = await session.state((state) => paused(state));
  if (before === undefined) {
    const text =
      'nothing was changed: mandat is not paused. One suspended delegation is resumed by "mandat resume MAILBOX DELEGATE"';
    out.result({ resumed: false, was: null }, text);
    return EXIT.done;
  }
  const due = await waitingForResume(session);
  await written(session, before, undefined);
  const said = `resumed, after ${pausedText(session, before)
    .replace(/ is paused/, ' was paused')
    .replace(/\. "mandat.*$/s, '')}`;
  const was = { resumed: true, was: before, due };
  if (session.sidecarRuns()) {
    const waits = `${counted(due, 'mailbox', 'mailboxes')} waited: the sidecar brings them in line now, "mandat status" shows how it gets on`;
    out.result(was, `${said}\n  ${waits}`);
    return EXIT.done;
  }
  const { report } = await broughtInLine(session, { force: false });
  const told = toldOf(report);
  const { mailboxes } = report;
  const line = `${mailboxes - told.failures.length} of ${counted(mailboxes, 'mailbox', 'mailboxes')} in line`;
  out.result({ ...was, mailboxes, ...told }, `${said}\n  no sidecar is running: the passes were made here, ${line}`);
  return concluded(out, told);
}
