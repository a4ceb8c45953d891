/** Waiting for a grant or a revoke to take effect, and saying how it went and how long it took. */
import { accessSync, constants } from 'node:fs';
import type { Command } from 'commander';
import type { Policy } from '../acl/desired.ts';
import { type Condition, conditions } from '../acl/policy.ts';
import { failureOf } from '../bridge/failure.ts';
import { policyOf } from '../bridge/policy.ts';
import type { DelegationDb } from '../bridge/store/delegation-db.ts';
import { listDelegations } from '../bridge/store/delegation-list.ts';
import { rowOf, type Written } from '../bridge/store/delegations.ts';
import type { Outcome } from '../bridge/store/outcomes.ts';
import { type Waited, waitForChange } from '../bridge/wait.ts';
import { inEffect } from '../bridge/withdrawn.ts';
import { seconds } from './arguments.ts';
import { EXIT, type ExitStatus } from './exit.ts';
import { openWaiting } from './progress.ts';
import { sentence } from './runner.ts';
import type { Session } from './session.ts';
import { shownDuration } from './times.ts';

export type Verb = 'grant' | 'revoke' | 'suspend' | 'resume';

/** A condition that doesn't hold, and what would change it. */
export type Missing = Pick<Condition, 'sentence' | 'remedy'>;

export interface Change {
  readonly verb: Verb;
  readonly mailbox: string;
  readonly delegate: string;
  readonly written: Written;
  /** performance.now() from before the write. */
  readonly began: number;
  /** What keeps what was given from being in force although its row is there; empty when nothing does, and where something was taken. */
  readonly withheld?: readonly Missing[];
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
  verified: 'verified through his own eyes',
  notVerified: 'the delegation is in force, but this has not been verified through his own eyes yet',
};

const TAKEN = {
  inForce: 'access withdrawn',
  notInForce: 'this is saved, but access has not been withdrawn yet',
  verified: 'verified: he sees nothing any more',
  notVerified: 'access is withdrawn, but this has not been verified through his own eyes yet',
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
  const sidecar = sidecarSeen(session);
  if (sidecar !== true || wait === false) return saved(session, change, sidecar);
  const waiting = openWaiting(out, 'waiting for the sidecar');
  const look = ({ failure }: Outcome) => {
    if (failure === undefined) return;
    waiting.clear();
    out.warn(`mandat: not yet: ${failure.message}; it is being tried again`);
  };
  const waited = await session
    .state((state) => waitForChange(state, change.written, change.began, wait * 1000, look))
    .finally(waiting.end);
  return told(session, change, waited, wait, await undone(session, change));
}

/** How the row stands after all, where it isn't as this command left it: somebody, or something in the table, has put it back. */
async function undone(session: Session, { verb, mailbox, delegate }: Change): Promise<string | undefined> {
  if (SAYS[verb] === GIVEN) return undefined;
  const row = await session.table((db) => rowOf(db.query, mailbox, delegate));
  if (row === undefined || (verb === 'suspend' && row.suspended)) return undefined;
  const how = verb === 'suspend' ? 'is no longer suspended' : `is in the table again, since ${row.createdAt}`;
  return `${did({ verb, mailbox, delegate })}, but the row ${how}: it has been put back, and ${delegate} has access, or is getting it`;
}

/** Undefined for a user who may write to the table and may not see mandat's own files. */
export function sidecarSeen(session: Session): boolean | undefined {
  try {
    if (!session.sidecarRuns()) return false;
    accessSync(session.files.state, constants.R_OK | constants.W_OK);
    return true;
  } catch {
    return undefined;
  }
}

const NO_SIDECAR = 'No sidecar is running: it takes effect when one does ("mandat run", or "mandat sync" once).';
const UNSEEN = 'Whether a sidecar runs, this user may not see: it takes effect when one does.';

/** The result of a change to the table that nobody waits for: what was done and, where no sidecar runs, when it will count. */
export function changed(session: Session, document: Readonly<Record<string, unknown>>, did: string): undefined {
  const sidecar = sidecarSeen(session);
  const when = sidecar === undefined ? `. ${UNSEEN}` : sidecar ? '' : `. ${NO_SIDECAR}`;
  session.out.result({ ...document, sidecar: sidecar ?? null }, did + when);
}

/** Without waiting: the row is there, and when it will count. */
function saved({ out }: Session, change: Change, sidecar: boolean | undefined): ExitStatus {
  const told = 'The sidecar has been told, and was not waited for: "mandat list" shows what has become of it.';
  const when = sidecar === undefined ? UNSEEN : sidecar ? told : NO_SIDECAR;
  const withheld = missingLines('it will not be in force even then', change.withheld);
  out.result(documentOf(change, sidecar ?? null), `${[`${did(change)}: saved. ${when}`, ...withheld].join('\n')}`);
  return EXIT.done;
}

function told({ out }: Session, change: Change, waited: Waited, wait: number, putBack: string | undefined): ExitStatus {
  if (putBack !== undefined) {
    out.result({ ...documentOf(change, true), putBack }, '');
    const hint = `"mandat doctor" shows whether the table's rules were changed; "mandat audit --mailbox ${change.mailbox}" shows who writes`;
    out.warn(sentence({ message: putBack, hint, rule: undefined }));
    return EXIT.failed;
  }
  const says = SAYS[change.verb];
  const { inForceMs, verifiedMs, outcome } = waited;
  const verified = verifiedMs !== undefined;
  const failure = verified ? undefined : failureFor(outcome, change.written.version);
  const notices = (verified ? (outcome?.notices ?? []) : []).filter(({ code }) => code !== 'no-session-cutting');
  const lines = [did(change)];
  const missing = missingLines('saved, and not in force yet', change.withheld);
  if (missing.length > 0) lines.push(...missing);
  else {
    if (inForceMs !== undefined) lines.push(`  ${says.inForce} after ${shownDuration(inForceMs)}`);
    if (verifiedMs !== undefined) lines.push(`  ${says.verified} after ${shownDuration(verifiedMs)}`);
  }
  out.result(documentOf(change, true, { inForceMs, verifiedMs, notices, failure }), lines.join('\n'));
  for (const { message } of notices) out.warn(`mandat: ${message}`);
  if (verified) return EXIT.done;
  const lacking = inForceMs === undefined ? says.notInForce : says.notVerified;
  const message = `${lacking}, ${failure === undefined ? `after ${wait} s` : `because: ${failure.message}`}`;
  const hint = [failure?.hint, 'the sidecar goes on trying: "mandat status" shows how it fares'].filter(Boolean);
  out.warn(sentence({ message, hint: hint.join('\n        '), rule: undefined }));
  return failure === undefined || failure.code === 'retry' ? EXIT.unreachable : EXIT.failed;
}

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
  { mailbox, delegate, withheld = [] }: Change,
  sidecar: boolean | null,
  became: Partial<Pick<Waited, 'inForceMs' | 'verifiedMs'> & Pick<Outcome, 'notices' | 'failure'>> = {},
) {
  const { inForceMs, verifiedMs, notices = [], failure } = became;
  return {
    mailbox,
    delegate,
    saved: true,
    /** Null: this user may not see whether one runs. */
    sidecar,
    withheld: withheld[0]?.sentence ?? null,
    missing: withheld,
    inForceMs: withheld.length === 0 ? rounded(inForceMs) : null,
    verifiedMs: withheld.length === 0 ? rounded(verifiedMs) : null,
    notices,
    failure: failure ?? null,
    /** What was taken and stands in the table again: a sentence. */
    putBack: null as string | null,
  };
}

function failureFor(outcome: Outcome | undefined, version: number): Outcome['failure'] {
  return outcome?.failure !== undefined && outcome.failure.version >= version ? outcome.failure : undefined;
}

const rounded = (ms: number | undefined) => (ms === undefined ? null : Math.round(ms));

/** All of it at once, with what to do: whoever mends one thing should not have to come back for the next. */
function missingLines(lead: string, withheld: readonly Missing[] = []): readonly string[] {
  return withheld.flatMap(({ sentence, remedy }, at) => [
    `  ${at === 0 ? `${lead}: ` : 'and '}${sentence}`,
    ...(remedy === '' ? [] : [`    -> ${remedy}`]),
  ]);
}

/** The site's policy as it counts now. Whether all has been withdrawn, a user who may not see mandat's own state isn't told. */
export async function policyNow({ config, state }: Session): Promise<Policy> {
  const policy = policyOf(config);
  try {
    return await state((db) => inEffect(policy, db));
  } catch (error) {
    if (failureOf(error).code === 'config') return policy;
    throw error;
  }
}

/** Everything that keeps a delegation from being in force although its row is there. */
export async function whyWithheld(
  db: DelegationDb,
  { rules }: Policy,
  mailbox: string,
  delegate: string,
): Promise<readonly Missing[]> {
  const [row] = await listDelegations(db, { mailbox, delegate });
  if (row === undefined) return []; // revoked in the same moment
  return conditions(row, rules, new Date().toISOString(), {}, { mailbox, delegate })
    .filter(({ holds }) => !holds)
    .map(({ sentence: broken, remedy }) => ({ sentence: broken, remedy }));
}
