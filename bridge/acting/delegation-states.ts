/** Delegations and mailboxes as whoever acts may see them: what the row says, and what the servers have of it. R17, R25, R47, R53. */
import { type Actor, actorFault } from '../../acl/actor.ts';
import type { NotInForce } from '../../acl/delegation-facts.ts';
import type { Policy } from '../../acl/desired.ts';
import { describeNotInForce, verdict } from '../../acl/policy.ts';
import { failureOf } from '../shared/failure.ts';
import { phaseKey, phasesAmong } from '../store/state/ledger-pairs.ts';
import type { LedgerPhase } from '../store/state/state-db.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';
import { type Delegation, delegationPages, listDelegations } from '../store/table/delegation-list.ts';
import { type FoundMailbox, findMailboxes } from '../store/table/found-mailboxes.ts';
import { mailboxAt } from '../store/table/mailboxes.ts';
import { policyNow } from './not-in-force.ts';
import type { Acting } from './site.ts';

/** `granted`: the row says so; what the servers have of it, this user may not see. */
export const DELEGATION_STATES = [
  'in force',
  'being verified',
  'waiting',
  'granted',
  'not started',
  'ended',
  'suspended',
] as const;
export type DelegationState = (typeof DELEGATION_STATES)[number];

export interface SeenDelegation extends Delegation {
  readonly state: DelegationState;
  /** Why it isn't in force by what the row says, as a code for words in any language; null where it is. */
  readonly reason: NotInForce | null;
  /** The same, a sentence. */
  readonly why: string | null;
  /** Since when the server has it; null where it hasn't, or this user may not see. */
  readonly inForceSince: string | null;
  /** Seen as the delegate sees it. */
  readonly verified: boolean;
}

/** Of one mailbox, of one delegate (their identifier, or login), or all that whoever acts may see; by mailbox and identifier. */
export async function delegationsOf(
  acting: Acting,
  about: { readonly mailbox?: string | undefined; readonly delegate?: string | undefined } = {},
): Promise<readonly SeenDelegation[]> {
  const { actor } = acting;
  const { mailbox } = about;
  const delegate = about.delegate === undefined ? undefined : await acting.delegate(about.delegate);
  const found = await acting.table(async (db) => {
    // Who there is, an admin may ask; others hear of what is theirs.
    if (mailbox !== undefined && actor.kind === 'admin') await mailboxAt(db, mailbox);
    const rows = await listDelegations(db, { mailbox, delegate, ...theirs(actor) });
    return rows.filter((row) => concerns(actor, row));
  });
  const known = await knownPhases(acting, found);
  const policy = await policyNow(acting);
  const now = new Date().toISOString();
  return found.map((one) => ({ ...one, ...stateOf(one, policy, known, now) }));
}

/** All that an admin may see, in the same order and some at a time: nobody holds more than that of it. */
export async function* allDelegations(acting: Acting, db: DelegationDb): AsyncGenerator<readonly SeenDelegation[]> {
  const policy = await policyNow(acting);
  const now = new Date().toISOString();
  let mayRead = true;
  for await (const page of delegationPages(db)) {
    const known: Phases = mayRead ? await knownPhases(acting, page) : undefined;
    mayRead = known !== undefined; // it is said once that they may not
    yield page.map((one) => ({ ...one, ...stateOf(one, policy, known, now) }));
  }
}

/** What is asked of the table: no more than theirs, however many there are of others. */
function theirs(actor: Actor): { readonly owner?: string; readonly to?: string } {
  if (actor.kind === 'admin') return {};
  return actor.kind === 'delegate' ? { to: actor.identifier } : { owner: actor.identifier };
}

/** An owner sees who has their mailboxes, a delegate what has been delegated to them. */
function concerns(actor: Actor, { mailbox, delegate }: Delegation): boolean {
  if (actor.kind === 'delegate') return delegate.identifier === actor.identifier;
  return actorFault(actor, { kind: 'delegations', mailbox }) === undefined;
}

/** Undefined for a user who may not read mandat's own state. */
type Phases = Awaited<ReturnType<typeof phasesAmong>> | undefined;

type Seen = Pick<SeenDelegation, 'state' | 'reason' | 'why' | 'inForceSince' | 'verified'>;

/** What the row says and what the server has seen of it. */
function stateOf(row: Delegation, { rules }: Policy, known: Phases, now: string): Seen {
  const judged = verdict(row, rules, now);
  if (!judged.inForce) {
    const reason = judged.why;
    return { state: outOfForce(reason), reason, why: describeNotInForce(reason), inForceSince: null, verified: false };
  }
  const holds = { reason: null, why: null };
  if (known === undefined) return { state: 'granted', ...holds, inForceSince: null, verified: false };
  const pair = known.get(phaseKey(row.mailbox.server, row.mailboxId, row.delegate.login));
  const inForceSince = pair?.phase === 'verified' || pair?.phase === 'in-force' ? pair.inForceAt : null;
  return { state: stateBySeen(pair?.phase), ...holds, inForceSince, verified: pair?.phase === 'verified' };
}

/** Of a delegation that is not in force, by the condition that fails. */
export function outOfForce(reason: NotInForce): DelegationState {
  return reason === 'not-started' ? 'not started' : reason === 'ended' ? 'ended' : 'suspended';
}

/** Of one that should be in force, by how far the server has been seen to have it. */
export function stateBySeen(phase: LedgerPhase | null | undefined): DelegationState {
  if (phase === 'verified') return 'in force';
  return phase === 'in-force' ? 'being verified' : 'waiting';
}

async function knownPhases({ warn, state }: Acting, rows: readonly Delegation[]): Promise<Phases> {
  const ids = rows.map(({ mailboxId }) => mailboxId);
  try {
    return await state((db) => phasesAmong(db, ids));
  } catch (error) {
    const { code, message } = failureOf(error);
    if (code !== 'config') throw error;
    warn(`mandat: the table as it stands, not what the servers have of it: ${message}`);
    return undefined;
  }
}

export type Closed = 'mailbox-kind' | 'mailbox-not-eligible' | 'domain-not-eligible' | 'owner-not-listed' | 'limit';

export interface OwnedMailbox extends FoundMailbox {
  /** How many delegates it may have. R15 */
  readonly limit: number;
  /** Why nobody can be added to it now; null where somebody can. R2, R15, R25 */
  readonly closed: Closed | null;
}

export const MOST_MAILBOXES = 200;

/** An owner's own; to an admin those that are asked for, of one `owner` or of all; of a delegate none. By address, at most {@link MOST_MAILBOXES} at a time. */
export async function mailboxesOf(
  acting: Acting,
  asked: {
    readonly part?: string | undefined;
    readonly after?: string | undefined;
    readonly owner?: string | undefined;
    readonly limit?: number;
  } = {},
): Promise<readonly OwnedMailbox[]> {
  const { actor } = acting;
  if (actor.kind === 'delegate') return [];
  const limit = Math.min(asked.limit ?? MOST_MAILBOXES, MOST_MAILBOXES);
  const owner = actor.kind === 'owner' ? actor.identifier : asked.owner;
  const found = await acting.table((db) => findMailboxes(db, { ...asked, owner, limit }));
  const { maxDelegates } = acting.config.policy;
  const { openDomains = true } = (await policyNow(acting)).rules;
  return found.map((one) => ({ ...one, limit: maxDelegates, closed: closedTo(one, maxDelegates, openDomains) }));
}

function closedTo(one: FoundMailbox, limit: number, openDomains: boolean): Closed | null {
  if (one.kind !== 'PER') return 'mailbox-kind';
  if (!one.eligible) return 'mailbox-not-eligible';
  if (!(one.domainEligible ?? openDomains)) return 'domain-not-eligible';
  if (one.ownerListed === false) return 'owner-not-listed';
  return one.delegates >= limit ? 'limit' : null;
}
