/**
 * First phase: what decides. INBOX's entry and the sender rule, so that a grant is usable and a revoke effective in a round
 * trip each. Taking away goes before giving; a sender rule goes before the ACL entry when it is taken, after it when it is given.
 */

import { type DesiredDelegate, hasRule, rightsOn, type SenderRule } from '../../acl/desired.ts';
import { entryStep } from '../../acl/entry-plan.ts';
import type { Rights } from '../../acl/rights.ts';
import { adoptedOf, forgetAdoptions } from '../adoption/adoptions.ts';
import { rememberRevoke } from '../safeguards/table-from-the-past.ts';
import { type Failure, failureOf } from '../shared/failure.ts';
import { allOver, type GiveWay, giveBack, PORTION_ROWS, portions } from '../shared/portions.ts';
import { beginGrants, intendRights, setPhase } from '../store/state/ledger.ts';
import type { Pair } from '../store/state/ledger-pairs.ts';
import { readMailbox } from '../store/table/rows.ts';
import { cutAtRevoke, isCut } from './cutting.ts';
import { asOwner } from './delegate-sessions.ts';
import { openDrift } from './drift-gate.ts';
import { INBOX, type OwnerView, type SenderPublisher } from './driver-interfaces.ts';
import { knownFolders } from './known-folders.ts';
import { forgetOthers, othersKnown } from './other-entries.ts';
import { type Pass, Superseded, type Target } from './pass.ts';
import { clearAll } from './second-phase-revoked.ts';
import { patiently } from './slow-server.ts';
import { ENTRIES_AT_ONCE, readBefore, readTree } from './tree.ts';

/** A revoke is in the ledger before anything of it is done, and with it that the table has asked for it: killed in the midst of it, it goes on to its end. */
export async function beginRevokes({ site, mailbox }: Pass, work: readonly Target[]): Promise<void> {
  const begun = work.flatMap(({ leaving }) => leaving).filter(({ phase }) => phase !== 'revoking');
  if (begun.length === 0) return;
  await site.state.write(async (query) => {
    await rememberRevoke({ query }, mailbox.version);
    await setPhase({ query }, ids(begun), 'revoking', site.clock.now());
  });
}

/**
 * The owner's session is left open for the second phase. Undefined where the server need not be asked at all.
 * @param leaves whether this pass takes anything from anybody: it waits no longer for an answer then than ever, because sessions can be cut without
 */
export async function takeAway(pass: Pass, target: Target, leaves: boolean): Promise<OwnerView | undefined> {
  const concerned = target.leaving.length + target.staying.length + target.arriving.length;
  if (concerned === 0 && !(await othersKnown(pass, target.owner))) return undefined;
  const looks = pass.later !== undefined && target.arriving.length === 0;
  const opening = `the IMAP server to open the mailbox of ${target.owner}`;
  const opened = leaves
    ? asOwner(pass, target.owner, target.leaving.length > 0)
    : patiently(pass, opening, (patience) => asOwner(pass, target.owner, false, patience, looks));
  const owner = await opened.catch(async (error: unknown) => {
    const gone = failureOf(error).rule === 'NO_ACCOUNT' && target.staying.length + target.arriving.length === 0;
    // The entries can't be reached now, but the sessions that are open can.
    for (const pair of target.leaving) {
      if (!gone || !isCut(pair)) await cutAtRevoke(pass, pair.login);
    }
    if (!gone) throw error;
    leaveBehind(pass, target);
    await forgetOthers(pass, target.owner);
    return undefined;
  });
  if (owner === undefined) return undefined;
  try {
    for (const pair of target.leaving) {
      await applyInbox(owner, pair.login, undefined, pair);
      await cutAtRevoke(pass, pair.login);
    }
    if (target.leaving.length > 0) await closeTree(pass, target, owner);
    return owner;
  } catch (error) {
    owner.close(); // nobody else knows of it yet
    throw error;
  }
}

/**
 * Access is withdrawn only when every entry is gone: without inheritance each folder has its own, and with it those for special uses and those made since
 * the grant, which the server gave a copy. The sessions have been cut before; whoever has come back meanwhile is cut again. The second phase looks again.
 * A folder that can't be closed is noted: until it is, nothing counts as in force.
 */
async function closeTree(pass: Pass, target: Target, owner: OwnerView): Promise<void> {
  const tree = await readTree(pass, owner, target);
  for (const pair of target.leaving) {
    try {
      if (await clearAll(pass, tree, await readBefore(pass, pair, tree))) await cutAtRevoke(pass, pair.login);
    } catch (error) {
      if (error instanceof Superseded) throw error;
      pass.unclosed.add(pair.login);
      pass.failures.push(failureOf(error));
    }
  }
}

/**
 * An account that the server no longer knows, and that nobody is to have: nobody gets into it. The ledger keeps its pairs, so that
 * they are looked for again at each sweep, should the account come back.
 */
function leaveBehind(pass: Pass, { owner, leaving }: Target): void {
  pass.gone.push(...leaving);
  for (const { login } of leaving) {
    pass.notices.push({
      code: 'no-server-account',
      login,
      message: `the IMAP server has no account ${owner} any more: what ${login} had there is out of reach, for them too`,
    });
  }
}

export async function give(pass: Pass, target: Target, owner: OwnerView): Promise<void> {
  const { site } = pass;
  const now = site.clock.now();
  const arriving = target.arriving.filter(({ login }) => !pass.strangers.has(login));
  const here = [...arriving, ...target.staying.map(({ delegate }) => delegate)].map(({ login }) => login);
  const adopted = await adoptedOf(site.state, pass.mailboxId, here);
  if (arriving.length > 0) {
    // Before the first write it is noted which folders are there, because a folder that is made after it may carry a copy of our
    // entry, which would pass for one that had stood there before (readBefore in tree.ts).
    const before = await knownFolders(pass, target, owner);
    const begun = arriving.map(({ login, rights }) => {
      // Where the mailbox has moved here, mail and all, from an account that is gone, our own entries have come along: they must
      // not pass for something that had stood there before.
      // Nor must what somebody has declared mandat's own: nothing stood before it.
      const moved = pass.gone.find((pair) => pair.login === login);
      const stood = moved === undefined ? owner.inbox.get(login) : moved.inboxBefore;
      return {
        mailboxId: pass.mailboxId,
        delegateId: pass.mailbox.rows?.delegateIds.get(login) ?? 0,
        address: pass.address,
        server: site.server.name,
        ownerLogin: target.owner,
        login,
        identifier: pass.identifiers.get(login),
        inboxBefore: adopted.has(login) ? undefined : stood,
        foldersBefore: before(login),
        given: [onInbox(owner, rights)],
        before: adopted.has(login) ? [] : moved?.before,
      };
    });
    await beginGrants(site.state, begun, now);
  }
  await forgetAdoptions(site.state, pass.mailboxId, [...adopted]);
  const back = target.staying.filter(({ pair }) => pair.phase === 'revoking').map(({ pair }) => pair);
  await setPhase(site.state, ids(back), 'granting', now);
  for (const { delegate, pair } of target.staying)
    await intendRights(site.state, pair, onInbox(owner, delegate.rights));
  for (const { delegate, pair } of target.staying) await mendInbox(pass, owner, delegate, pair);
  for (const some of portions(arriving, ENTRIES_AT_ONCE)) {
    await pass.stillCurrent();
    await allOver(some.map((delegate) => applyInbox(owner, delegate.login, delegate, undefined)));
  }
}

/** Who has it already may have lost it, or more of it, by another's hand. */
async function mendInbox(pass: Pass, owner: OwnerView, delegate: DesiredDelegate, pair: Pair): Promise<void> {
  const desired = onInbox(owner, delegate.rights);
  const found = owner.inbox.get(delegate.login);
  if (found === desired) return;
  const drift = openDrift(pass, pair, desired, owner.inherits);
  if (!(await drift.mayMend({ folder: INBOX, id: INBOX, isNew: false, found, desired }))) return;
  await applyInbox(owner, delegate.login, delegate, undefined, pass.stillCurrent);
  await drift.noteMended();
}

/** INBOX is no special folder. */
export function onInbox({ withheld, ties }: OwnerView, rights: Rights): Rights {
  return rightsOn({ specialUse: false, withheld, ties }, rights);
}

async function applyInbox(
  owner: OwnerView,
  login: string,
  desired: DesiredDelegate | undefined,
  pair: Pair | undefined,
  beforeIt: () => Promise<void> = async () => {},
): Promise<void> {
  const entry = owner.inbox.get(login);
  const step = entryStep({
    desired: desired && onInbox(owner, desired.rights),
    entry,
    // INBOX inherits from nobody: without an entry of their own they have what others left them, which isn't what is desired.
    effective: entry ?? ('' as DesiredDelegate['rights']),
    before: pair?.inboxBefore,
  });
  if (step.kind === 'none') return;
  await beforeIt();
  if (step.kind === 'set') await owner.set(INBOX, login, step.rights);
  if (step.kind === 'delete') await owner.remove(INBOX, login);
}

/** Rules to withdraw go at once; those of newcomers are added only when their INBOX entry stands. */
export async function publishRemaining(pass: Pass, pairs: readonly Pair[]): Promise<void> {
  const owner = pass.mailbox.rows?.login;
  const known = new Set([owner, ...pairs.filter(({ phase }) => phase !== 'revoking').map(({ login }) => login)]);
  await publish(
    pass,
    pass.desired.senders.filter(({ login }) => known.has(login)),
  );
}

export async function publishAll(pass: Pass): Promise<void> {
  await publish(
    pass,
    pass.desired.senders.filter(({ login }) => !pass.strangers.has(login)),
  );
}

/** An output that can't follow must not keep the mailbox open: it is noted, and nothing counts as in force before it has. */
async function publish(pass: Pass, rules: readonly SenderRule[]): Promise<void> {
  const { senders } = pass.site;
  if (senders === undefined) return;
  const held =
    pass.held.size === 0 || pass.follow
      ? []
      : senders.rules(pass.mailboxId).filter(({ login }) => pass.held.has(login));
  const all = [...rules, ...held.filter((rule) => !hasRule(rules, rule))];
  const left = await withdrawFromOthers(pass, senders, rules);
  const { failed = left } = await senders.publish(pass.mailboxId, all);
  pass.unpublished.splice(0, Number.POSITIVE_INFINITY, ...failed);
}

/**
 * An address that this mailbox has is no other's: also not of one that has left the table, while the guard holds who was in it. By what the table says of
 * that one now: this mailbox may have lost the address since it was read.
 */
async function withdrawFromOthers(
  { site: { table }, mailboxId }: Pass,
  senders: SenderPublisher,
  rules: readonly SenderRule[],
): Promise<readonly Failure[]> {
  const others = senders.othersAt([...new Set(rules.map(({ address }) => address))], mailboxId);
  let failures: readonly Failure[] = [];
  for (const id of new Set(others.map((rule) => rule.mailboxId))) {
    const { rows } = await readMailbox(table, id);
    const own = rows === undefined ? [] : [rows.address, ...rows.aliases];
    const lost = others.filter((rule) => rule.mailboxId === id && !own.includes(rule.address));
    if (lost.length === 0) continue;
    const { failed = [] } = await senders.publish(
      id,
      senders.rules(id).filter((rule) => !hasRule(lost, rule)),
    );
    failures = failed;
  }
  return failures;
}

/**
 * Rules of mailboxes that nobody knows any more, neither the table nor the ledger: what a pass would never come to. `unknown`: which of
 * some ids these are.
 */
export async function withdrawStale(
  senders: SenderPublisher | undefined,
  unknown: (ids: readonly number[]) => Promise<readonly number[]>,
  giveWay: GiveWay = giveBack,
): Promise<readonly Failure[]> {
  let failures: readonly Failure[] = [];
  for (let after = 0; senders !== undefined; ) {
    const page = senders.mailboxIds(after, PORTION_ROWS);
    for (const id of await unknown(page)) failures = (await senders.publish(id, [])).failed ?? [];
    after = page.at(-1) ?? after;
    if (page.length < PORTION_ROWS || !(await giveWay())) break;
  }
  return failures;
}

function ids(pairs: readonly Pair[]): readonly number[] {
  return pairs.map(({ id }) => id);
}
