/** Waiting for a grant or a revoke to take effect, and saying how it went and how long it took. */

import type { Command } from 'commander';
import type { Changed, Verb } from '../bridge/acting/delegations.ts';
import { type Waited, waitForChange } from '../bridge/questions/wait-for-change.ts';
import type { Pause } from '../bridge/safeguards/pause.ts';
import type { Failure } from '../bridge/shared/failure.ts';
import type { SeenEntry } from '../bridge/store/state/other-entries.ts';
import type { Outcome } from '../bridge/store/state/outcomes.ts';
import { delegateNamed } from '../bridge/store/table/delegates.ts';
import { rowOf } from '../bridge/store/table/delegations.ts';
import { mailboxAt } from '../bridge/store/table/mailboxes.ts';
import { seconds } from './arguments.ts';
import { EXIT, type ExitStatus } from './exit.ts';
import { missingLines } from './missing-lines.ts';
import { otherEntriesAt, otherEntryLine } from './other-entries.ts';
import { MADE_HERE, NO_SIDECAR, NOBODY_GOES_ON, passHere, sidecarSeen, unseen } from './own-pass.ts';
import { meanwhile, pauseOf } from './paused.ts';
import { openWaiting } from './progress.ts';
import { sentence } from './runner.ts';
import type { Session } from './session.ts';
import { shownDuration } from './times.ts';

export interface Change extends Changed {
  /** performance.now() from before the write. */
  readonly began: number;
}

const DEFAULT_WAIT_S = 30;

export function waitOptions(command: Command): Command {
  return command
    .option('--wait <seconds>', 'how long to wait until it is verified', seconds, DEFAULT_WAIT_S)
    .option('--no-wait', 'do not wait');
}

const GIVEN = {
  inForce: 'in force',
  notInForce: 'the delegation is saved, but not in force yet',
  verified: 'verified as the delegate sees it',
  verifiedNew: 'verified as the delegate sees it',
  notVerified: 'the delegation is in force, but this has not been verified as the delegate sees it yet',
};

const TAKEN = {
  inForce: 'access withdrawn',
  notInForce: 'this is saved, but access has not been withdrawn yet',
  verified: 'verified: they see nothing any more',
  verifiedNew: 'verified for new logins only: they see nothing any more',
  notVerified: 'access is withdrawn, but this has not been verified as the delegate sees it yet',
};

const SAYS: Readonly<Record<Verb, typeof GIVEN>> = { grant: GIVEN, resume: GIVEN, revoke: TAKEN, suspend: TAKEN };

/** `wait`: seconds, or false for --no-wait. */
export async function followChange(session: Session, change: Change, wait: number | false): Promise<ExitStatus> {
  const { out, config } = session;
  const { verb, delegate } = change;
  if (config.sessions === undefined) {
    out.warn(
      `mandat: [sessions] is not configured: sessions that ${delegate} has open ${SAYS[verb] === GIVEN ? 'will outlive a revoke' : `outlive this ${verb}`}`,
    );
  }
  const newcomer = await newcomerOf(session, change);
  const server = await serverOf(session, change);
  // Of another server's mailbox its own sidecar makes the pass, wherever that runs: it is waited for.
  const sidecar =
    server === config.server.name ? sidecarSeen(session) : sidecarSeen(session) !== undefined || undefined;
  if (sidecar === undefined) return saved(session, change, sidecar);
  const pause = await pauseOf(session);
  if (pause !== undefined) return heldUp(session, change, pause, wait);
  if (wait === false) return saved(session, change, sidecar);
  if (!sidecar) {
    const made = await passFor(session, change, wait, newcomer);
    if (made !== undefined)
      return told(session, change, made, await undone(session, change), await stillIn(session, change));
  }
  const waiting = openWaiting(out, 'waiting for the sidecar');
  const look = ({ failure }: Outcome) => {
    if (failure === undefined) return;
    waiting.clear();
    out.warn(`mandat: not yet: ${failure.message}; it is being tried again`);
  };
  const waited = await session
    .state((state) =>
      waitForChange(state, change.written, change.began, wait * 1000, look, undefined, newcomer, server),
    )
    .finally(waiting.end);
  return told(
    session,
    change,
    { by: 'sidecar', waited, wait },
    await undone(session, change),
    await stillIn(session, change),
  );
}

/** While it is paused. */
async function heldUp(session: Session, change: Change, pause: Pause, wait: number | false): Promise<ExitStatus> {
  const kind = SAYS[change.verb] === GIVEN ? 'gives' : 'takes';
  const { text, status } = await meanwhile(session, pause, kind, [change.written.mailboxId], wait);
  const lines = [`${did(change)}: ${text}`, ...missingLines('it will not be in force even then', change.withheld)];
  const document = { ...documentOf(change, sidecarSeen(session) ?? null), paused: pause };
  session.out.result({ ...document, putBack: (await undone(session, change)) ?? null }, lines.join('\n'));
  return status;
}

/** What became of a change, and who worked it off; `nobody`: the pass could not even begin. */
type Became =
  | { readonly by: 'sidecar'; readonly waited: Waited; readonly wait: number }
  | { readonly by: 'us'; readonly waited: Waited }
  | { readonly by: 'nobody'; readonly failure: Failure };

/** The login of whom something is given that counts now. */
async function newcomerOf(session: Session, { verb, delegate, withheld }: Change): Promise<string | undefined> {
  if (SAYS[verb] !== GIVEN || withheld.length > 0) return undefined;
  return (await session.table((db) => delegateNamed(db, delegate).catch(() => undefined)))?.login;
}

/** The mail server that the mailbox is on. */
async function serverOf({ config, table }: Session, { mailbox }: Change): Promise<string> {
  return (await table((db) => mailboxAt(db, mailbox).catch(() => undefined)))?.server ?? config.server.name;
}

/** Undefined where a sidecar has started meanwhile. */
async function passFor(
  session: Session,
  change: Change,
  wait: number,
  newcomer: string | undefined,
): Promise<Became | undefined> {
  let ended = false;
  const waiting = openWaiting(session.out, 'making the pass');
  const [pass, waited] = await Promise.all([
    passHere(session, [change.written.mailboxId], wait * 1000).finally(() => {
      ended = true;
    }),
    session.state((state) =>
      waitForChange(
        state,
        change.written,
        change.began,
        Number.POSITIVE_INFINITY,
        () => {},
        () => ended,
        newcomer,
      ),
    ),
  ]).finally(waiting.end);
  if (pass.by === 'sidecar') return undefined;
  return pass.by === 'nobody' ? pass : { by: 'us', waited };
}

/** How the row stands after all, where it isn't as this command left it: somebody, or something in the table, has put it back. */
/** Who still gets in by entries that aren't mandat's, once something was taken away. */
async function stillIn(session: Session, { verb, mailbox, delegate }: Change): Promise<StillIn> {
  if (SAYS[verb] === GIVEN) return { others: [], login: undefined };
  const known = await session.table((db) => delegateNamed(db, delegate).catch(() => undefined));
  return { others: await otherEntriesAt(session, mailbox), login: known?.login ?? delegate };
}

interface StillIn {
  readonly others: readonly SeenEntry[];
  /** Of the delegate from whom something was taken. */
  readonly login: string | undefined;
}

async function undone(session: Session, { verb, mailbox, delegate }: Change): Promise<string | undefined> {
  if (SAYS[verb] === GIVEN) return undefined;
  const row = await session.table((db) => rowOf(db.query, mailbox, delegate));
  if (row === undefined || (verb === 'suspend' && row.suspended)) return undefined;
  const how = verb === 'suspend' ? 'is no longer suspended' : `is in the table again, since ${row.createdAt}`;
  return `${did({ verb, mailbox, delegate })}, but the row ${how}: it has been put back, and ${delegate} has access, or is getting it`;
}

/** Without waiting: the row is there, and when it will count. */
function saved(session: Session, change: Change, sidecar: boolean | undefined): ExitStatus {
  const { out } = session;
  const told = 'The sidecar has been told, and was not waited for: "mandat list" shows what has become of it.';
  const when = sidecar === undefined ? unseen(session) : sidecar ? told : NO_SIDECAR;
  const withheld = missingLines('it will not be in force even then', change.withheld);
  out.result(documentOf(change, sidecar ?? null), `${[`${did(change)}: saved. ${when}`, ...withheld].join('\n')}`);
  return EXIT.done;
}

function told(
  { out, config }: Session,
  change: Change,
  became: Became,
  putBack: string | undefined,
  { others, login }: StillIn,
): ExitStatus {
  const sidecar = became.by === 'sidecar';
  if (putBack !== undefined) {
    out.result({ ...documentOf(change, sidecar), putBack, others }, '');
    const hint = `"mandat doctor" shows whether the table's rules were changed; "mandat audit --mailbox ${change.mailbox}" shows who writes`;
    out.warn(sentence({ message: putBack, hint, rule: undefined }));
    return EXIT.failed;
  }
  const says = SAYS[change.verb];
  const { inForceMs, verifiedMs, outcome } = became.by === 'nobody' ? NOT_WAITED : became.waited;
  const verified = verifiedMs !== undefined;
  const tried = became.by === 'nobody' ? plain(became.failure) : failureFor(outcome, change.written.version);
  const failure = verified ? undefined : tried;
  const noticed = verified ? (outcome?.notices ?? []) : [];
  const notices = noticed.filter(({ code }) => code !== 'no-session-cutting'); // said before the wait
  const letIn = noticed.some((one) => one.code === 'let-in-by-foreign-entry' && one.login === login);
  const newOnly = noticed.some(({ code }) => code === 'no-session-cutting' || code === 'cut-not-proven');
  const lines = [did(change)];
  if (became.by === 'us') lines.push(`  ${MADE_HERE}`);
  const missing = missingLines('saved, and not in force yet', change.withheld);
  if (missing.length > 0) lines.push(...missing);
  else {
    if (inForceMs !== undefined) lines.push(`  ${says.inForce} after ${shownDuration(inForceMs)}`);
    if (verifiedMs !== undefined)
      lines.push(
        `  ${letIn ? STILL_IN : newOnly ? says.verifiedNew : says.verified} after ${shownDuration(verifiedMs)}`,
      );
  }
  if (others.length > 0) lines.push('  who still has access:');
  lines.push(...others.map((one) => `    ${otherEntryLine(one, config.policy.timezone)}`));
  const document = documentOf(change, sidecar, { inForceMs, verifiedMs, notices, failure });
  out.result({ ...document, others }, lines.join('\n'));
  for (const one of notices) out.warn(`mandat: ${one.message}`);
  if (verified) return EXIT.done;
  const lacking = inForceMs === undefined ? says.notInForce : says.notVerified;
  const after = sidecar ? `after ${became.wait} s` : 'and the pass left it undone';
  const message = `${lacking}, ${failure === undefined ? after : `because: ${failure.message}`}`;
  const next = sidecar ? 'the sidecar goes on trying: "mandat status" shows how it fares' : NOBODY_GOES_ON;
  const hint = [failure?.hint, next].filter(Boolean);
  out.warn(sentence({ message, hint: hint.join('\n        '), rule: undefined }));
  return failure === undefined || failure.code === 'retry' ? EXIT.unreachable : EXIT.failed;
}

/** What was taken is gone, and somebody else's entry gives the same again: the notice names it. */
const STILL_IN = "verified: nothing of mandat's is left there, and they still get in by somebody else's entry";

const plain = ({ code, message, hint }: Failure) => ({ code, message, hint });

const NOT_WAITED: Waited = { inForceMs: undefined, verifiedMs: undefined, outcome: undefined };

function did({ verb, mailbox, delegate }: Pick<Change, 'verb' | 'mailbox' | 'delegate'>): string {
  const pair = `${mailbox} to ${delegate}`;
  switch (verb) {
    case 'grant':
      return `${mailbox} delegated to ${delegate}`;
    case 'revoke':
      return `${mailbox} no longer delegated to ${delegate}`;
    case 'suspend':
      return `${pair}: suspended`;
    case 'resume':
      return `${pair}: resumed`;
  }
}

/** Always the same keys, whatever became of it. */
function documentOf(
  { mailbox, delegate, withheld }: Change,
  sidecar: boolean | null,
  became: Partial<Pick<Waited, 'inForceMs' | 'verifiedMs'> & Pick<Outcome, 'notices'>> & {
    readonly failure?: Outcome['failure'] | Pick<Failure, 'code' | 'message' | 'hint'>;
  } = {},
) {
  const { inForceMs, verifiedMs, notices = [], failure } = became;
  return {
    mailbox,
    delegate,
    saved: true,
    /** Whether one runs; where none does, the command has made the pass itself. Null: this user may not see it. */
    sidecar,
    withheld: withheld[0]?.sentence ?? null,
    missing: withheld.map(({ sentence, remedy }) => ({ sentence, remedy })),
    inForceMs: withheld.length === 0 ? rounded(inForceMs) : null,
    verifiedMs: withheld.length === 0 ? rounded(verifiedMs) : null,
    notices,
    failure: failure ?? null,
    /** Of what was taken: who still has access, by entries that aren't mandat's. */
    others: [] as readonly SeenEntry[],
    /** What was taken and stands in the table again: a sentence. */
    putBack: null as string | null,
  };
}

function failureFor(outcome: Outcome | undefined, version: number): Outcome['failure'] {
  return outcome?.failure !== undefined && outcome.failure.version >= version ? outcome.failure : undefined;
}

const rounded = (ms: number | undefined) => (ms === undefined ? null : Math.round(ms));
