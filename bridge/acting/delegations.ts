/** The delegations of mailboxes, as they are listed and changed on somebody's behalf. R1, R4, R14 to R17, R23, R47 to R49, R53. */
import type { SendMode } from '../../acl/delegation-facts.ts';
import { Failure } from '../shared/failure.ts';
import type { AddedDelegate } from '../store/table/delegates.ts';
import type { DelegationDb } from '../store/table/delegation-db.ts';
import { type Delegation, listDelegations } from '../store/table/delegation-list.ts';
import { grant, noSuchDelegation, revoke, setSuspended, type Written } from '../store/table/delegations.ts';
import { mailboxAt } from '../store/table/mailboxes.ts';
import { whoIsGranted } from './newcomer.ts';
import { type Missing, policyNow, whyHeld, whyWithheld } from './not-in-force.ts';
import { lookUpNewcomers } from './note-listed.ts';
import { mayDelegate } from './permitted.ts';
import { refuseImpersonal } from './personal-mailbox.ts';
import { RESPONSIBILITY_VERSION } from './responsibility.ts';
import type { Acting } from './site.ts';

export { delegationsOf, mailboxesOf } from './delegation-states.ts';

export type Verb = 'grant' | 'revoke' | 'suspend' | 'resume';

/** What was written, to be followed (progress.ts). */
export interface Changed {
  readonly verb: Verb;
  readonly mailbox: string;
  /** Their identifier. */
  readonly delegate: string;
  readonly written: Written;
  /** What keeps what was given from being in force although its row is there; empty when nothing does, and where something was taken. */
  readonly withheld: readonly Missing[];
}

export interface Pair {
  /** An address, folded (typed.ts). */
  readonly mailbox: string;
  /** An identifier or a login, as it is typed. */
  readonly delegate: string;
}

export interface Terms {
  readonly startsAt?: string | undefined;
  readonly endsAt?: string | undefined;
  readonly note?: string | undefined;
  readonly sendMode?: SendMode | undefined;
  /** Why, although the directory doesn't list the delegate. An admin's. */
  readonly force?: string | undefined;
}

/**
 * What can be said of a grant before anybody is asked to answer for it: whether they may, whether both are there, whether the mailbox is a
 * personal one. Returns the delegate's identifier. Fails `refused` or `absent`.
 */
export async function lookBeforeGrant(acting: Acting, { mailbox, delegate: typed }: Pair): Promise<string> {
  await acting.table((db) => mayDelegate(acting, db, [mailbox]));
  const delegate = await acting.delegate(typed);
  await lookAtMailbox(acting, mailbox);
  await lookUpNewcomers(acting, [{ mailbox, delegate }]);
  return delegate;
}

async function lookAtMailbox(acting: Acting, mailbox: string): Promise<void> {
  if (acting.actor.kind === 'admin') await acting.table((db) => mailboxAt(db, mailbox));
  refuseImpersonal(acting, [mailbox]);
}

/**
 * After {@link lookBeforeGrant}. `acknowledged`: the version of the responsibility text (responsibility.ts) that was shown and acknowledged.
 * Fails `refused` where the site asks for that and it is another one, and where the table's rules refuse.
 */
export async function writeGrant(
  acting: Acting,
  { mailbox, delegate }: Pair,
  terms: Terms,
  acknowledged: string | undefined,
  newcomer?: AddedDelegate,
): Promise<Changed> {
  refuseUnacknowledged(acting, acknowledged);
  refusePast(terms.endsAt);
  const { force: reason } = terms;
  const writer = { ...acting.writer, acknowledged, reason };
  const how = { ...terms, force: reason !== undefined, cluster: acting.config.server.cluster };
  return acting.writing(mailbox, async (db) => {
    const written = await grant(db, writer, mailbox, delegate, how, newcomer);
    return { verb: 'grant', mailbox, delegate, written, withheld: await withheldNow(acting, db, mailbox, delegate) };
  });
}

/**
 * All of it at once, as pages and programs ask for it: whoever the directory lists becomes a delegate by it (newcomer.ts).
 * Fails `refused` or `absent`; nothing is written then.
 */
export async function grantDelegation(
  acting: Acting,
  { mailbox, delegate: typed, acknowledged, ...terms }: Pair & Terms & { readonly acknowledged?: string | undefined },
): Promise<Changed> {
  await acting.table((db) => mayDelegate(acting, db, [mailbox]));
  if (terms.force !== undefined && acting.actor.kind !== 'admin') {
    throw new Failure('refused', 'only an administrator delegates to somebody whom the directory does not list', '', {
      rule: 'MANDAT_ACTOR',
    });
  }
  const { identifier, newcomer } = await whoIsGranted(acting, typed, terms.force !== undefined);
  await lookAtMailbox(acting, mailbox);
  await lookUpNewcomers(acting, [{ mailbox, delegate: identifier }]);
  return writeGrant(acting, { mailbox, delegate: identifier }, terms, acknowledged, newcomer);
}

/** A delegation that ends before it begins to count is a mistake in a date. */
export function refusePast(endsAt: string | undefined, typed = endsAt): void {
  if (endsAt === undefined || endsAt > new Date().toISOString()) return;
  throw new Failure('config', `--ends ${typed}: this is past, the delegation would never be in force`, '', {
    rule: 'ENDS_IN_THE_PAST',
  });
}

function refuseUnacknowledged({ config }: Acting, version: string | undefined): void {
  if (version === RESPONSIBILITY_VERSION || (version === undefined && !config.grant.acknowledge)) return;
  throw new Failure(
    'refused',
    version === undefined
      ? 'a grant needs that the owner’s responsibility is acknowledged'
      : `the present version of the owner's responsibility is ${RESPONSIBILITY_VERSION}`,
    'read the text and acknowledge its present version',
    { rule: 'MANDAT_ACKNOWLEDGE', fault: version === undefined ? undefined : 'version' },
  );
}

/** R14: suspended is not ended. `written.unchanged` where it was so before. Fails `absent` when there is no such delegation. */
export async function suspendDelegation(acting: Acting, pair: Pair): Promise<Changed> {
  return setting(acting, 'suspend', pair);
}

export async function resumeDelegation(acting: Acting, pair: Pair): Promise<Changed> {
  return setting(acting, 'resume', pair);
}

async function setting(acting: Acting, verb: 'suspend' | 'resume', { mailbox, delegate: typed }: Pair) {
  await acting.table((db) => mayDelegate(acting, db, [mailbox]));
  const delegate = await acting.delegate(typed);
  return acting.writing(mailbox, async (db): Promise<Changed> => {
    const written = await setSuspended(db, acting.writer, mailbox, delegate, verb === 'suspend');
    const withheld = verb === 'resume' ? await withheldNow(acting, db, mailbox, delegate) : [];
    return { verb, mailbox, delegate, written, withheld };
  });
}

/** What is to end, for the question before it. R48. Fails `absent` when there is no such delegation. */
export async function delegationOf(acting: Acting, { mailbox, delegate: typed }: Pair): Promise<Delegation> {
  await acting.table((db) => mayDelegate(acting, db, [mailbox]));
  const delegate = await acting.delegate(typed);
  return acting.table(async (db) => {
    await mailboxAt(db, mailbox);
    const [row] = await listDelegations(db, { mailbox, delegate });
    if (row === undefined) throw noSuchDelegation(mailbox, delegate);
    return row;
  });
}

/** R49: for good, and at once. Fails `absent` when there is no such delegation: the second of two clicks. */
export async function revokeDelegation(acting: Acting, { mailbox, delegate: typed }: Pair): Promise<Changed> {
  await acting.table((db) => mayDelegate(acting, db, [mailbox]));
  const delegate = await acting.delegate(typed);
  const written = await acting.writing(mailbox, (db) => revoke(db, acting.writer, mailbox, delegate));
  return { verb: 'revoke', mailbox, delegate, written, withheld: [] };
}

async function withheldNow(acting: Acting, db: DelegationDb, mailbox: string, delegate: string) {
  return [...(await whyHeld(acting)), ...(await whyWithheld(db, await policyNow(acting), mailbox, delegate))];
}
