/**
 * Reconciling one mailbox. Level-triggered: what to do is computed from what should be and what is there, never from the event.
 *
 * 1. Read the mailbox's rows, their version, and the ledger.
 * 2. Desired: for each delegate in force, their rights and their sender rules (acl/desired.ts).
 * 3. Sort: who arrives, who stays, who leaves, at which account (pass.ts). What the guard holds stays untouched.
 * 4. First phase, what decides: sender rules that go, INBOX entries that go, sessions cut, then INBOX entries and rules that come,
 *    each intent in the ledger before the server is touched (first-phase.ts). "In force" is recorded.
 * 5. Second phase: observe the whole tree, record what stood there before (tree.ts).
 * 6. Whoever leaves: copies and own entries, subscriptions, a look as the delegate (second-phase-revoked.ts).
 * 7. Whoever is in force: entries where they fall short, subscriptions, cut, a look as the delegate (second-phase-granted.ts).
 * 8. "Verified" is recorded, or the failure with its hint. A failure for one delegate stops no other.
 *
 * Between steps the version is looked at: when the rows have changed, the pass ends as `superseded` and another begins.
 */

import { actorName, ownerOf } from '../../acl/actor.ts';
import { desired } from '../../acl/desired.ts';
import { deciding } from '../configured/retrying.ts';
import { telling } from '../notify/news-of-a-pass.ts';
import type { Pause } from '../safeguards/pause.ts';
import { inEffect } from '../safeguards/withdrawn.ts';
import type { Failure } from '../shared/failure.ts';
import { naming } from '../shared/other-login.ts';
import type { GoOn, Retry } from '../sidecar/schedule.ts';
import { settleFolders } from '../store/state/folders-seen.ts';
import { enterForce, leaveForce } from '../store/state/ledger.ts';
import { type Pair, pairsOf, standingFirst } from '../store/state/ledger-pairs.ts';
import { isInForce, type Notice, recordInForce, recordVerified } from '../store/state/outcomes.ts';
import { changedSince, type MailboxState, ownMailbox } from '../store/table/rows.ts';
import { record } from './acts.ts';
import { proveRest } from './cutting.ts';
import { newlyLeft } from './drift-left.ts';
import { INBOX, type OwnerView } from './driver-interfaces.ts';
import { beginRevokes, give, publishAll, publishRemaining, takeAway } from './first-phase.ts';
import type { Unseen } from './later-looks.ts';
import { seeAdministering, seeOthers } from './other-entries.ts';
import { currency, type Pass, Superseded, type Target, targets } from './pass.ts';
import { proveNewcomers } from './proven-newcomers.ts';
import { complete } from './second-phase.ts';
import type { Site } from './site.ts';

export interface Restraint {
  /** Logins whose disappearance the guard holds back. */
  readonly held: ReadonlySet<string>;
  /** False while a delegation table from the past, or one whose rules were changed, is obeyed only where it takes access away. */
  readonly mayGive: boolean;
  /** The table's version that this holds for: rows that have changed since are not obeyed yet. Undefined: any. */
  readonly asOf: number | undefined;
  /** While it is paused (pause.ts): these logins lose what they have, nobody gets anything, and nothing else is touched. */
  readonly only?: { readonly pause: Pause; readonly logins: ReadonlySet<string> } | undefined;
  /** Whether looks as delegates in force are left for later: who leaves is looked at here. */
  readonly later?: boolean | undefined;
}

export type Result =
  | {
      readonly kind: 'verified';
      readonly version: number;
      readonly address: string;
      readonly notices: readonly Notice[];
      /** Of these, what is left as somebody else has changed it and was not told of yet. */
      readonly drift?: readonly string[];
      /** When what was left because it had been put right too often may be put right again. */
      readonly againInMs?: number | undefined;
    }
  | { readonly kind: 'superseded' }
  /** It is paused: what may be taken away meanwhile is gone, the rest waits. */
  | { readonly kind: 'paused'; readonly version: number; readonly address: string }
  /** The first phase is done, the second gave way to others. */
  | { readonly kind: 'in-force'; readonly version: number; readonly address: string }
  /** All is done but the looks as the delegates ({@link Restraint.later}). */
  | { readonly kind: 'unseen'; readonly version: number; readonly address: string; readonly unseen: Unseen }
  | {
      readonly kind: 'failed';
      readonly version: number;
      readonly address: string;
      readonly failure: Failure;
      readonly retry: Retry;
    };

/** `goOn` is asked between the phases: false ends a pass there that takes nothing from anybody. */
export async function reconcileMailbox(
  site: Site,
  mailboxId: number,
  restraint: Restraint,
  goOn: GoOn = () => true,
): Promise<Result> {
  await goOn.letBy?.();
  const mailbox = await ownMailbox(site.table, mailboxId);
  if (restraint.asOf !== undefined && (await changedSince(site.table, mailboxId, restraint.asOf))) {
    return { kind: 'superseded' };
  }
  const pairs = await pairsOf(site.state, mailboxId);
  // Asked after the rows are read: what was written under changed rules is then known to be.
  const mayGive = restraint.mayGive && (await site.table.differences()).length === 0;
  const { only } = restraint;
  const kept = sendingOf(site, mailboxId, pairs, restraint.held);
  const want =
    only === undefined
      ? desired(mailbox.rows, await inEffect(site.policy, site.state), site.clock.now(), standingFirst(pairs), kept)
      : NOTHING;
  const held = only === undefined ? restraint.held : allBut(only.logins, site, mailboxId, pairs);
  // Who has it now: not who is on their way out, nor who has it at another account.
  const standing = pairs.filter(({ phase, ownerLogin }) => phase !== 'revoking' && ownerLogin === mailbox.rows?.login);
  const here = new Set(standing.map(({ login }) => login));
  const letBy = goOn.letBy ?? (async () => {});
  const current = currency(site, mailbox, only?.pause);
  const pass: Pass = {
    site,
    mailboxId,
    address: mailbox.rows?.address ?? pairs[0]?.address ?? `mailbox ${mailboxId}`,
    mailbox,
    onBehalf: ownerName(mailbox, pairs),
    identifiers: identifiersOf(mailbox, pairs),
    desired: mayGive ? want : withoutNewcomers(want, new Set([...here, ...kept]), mailbox.rows?.login),
    held,
    follow: only === undefined && mailbox.rows !== undefined,
    mayGive,
    notices: [],
    failures: [],
    unpublished: [],
    cuts: new Map(),
    unclosed: new Set(),
    uncut: new Set(),
    unproven: new Set(),
    others: new Set(),
    administering: new Map(),
    drift: new Map(),
    driftLeft: [],
    again: [],
    unsettled: new Set(),
    strangers: new Set(),
    keepers: new Set(),
    inherits: new Map(),
    gone: [],
    later: restraint.later === true ? [] : undefined,
    crowded: goOn.crowded ?? (() => false),
    letBy,
    stillCurrent: async () => {
      await letBy();
      await current();
    },
  };
  for (const login of restraint.held) pass.notices.push(heldNotice(login));
  const { version } = mailbox;
  const subject = { mailboxId, address: pass.address, version };
  const opened: OwnerView[] = [];
  const work = targets(pass, pairs);
  const revoking = work.some(({ leaving }) => leaving.length > 0);
  try {
    await beginRevokes(pass, work);
    await publishRemaining(pass, pairs);
    // Beside the owner's login; but what is taken away shares the server with nothing.
    const early = revoking ? undefined : proveNewcomers(pass, work);
    const views = new Map<Target, OwnerView>();
    const leaves = work.some(({ leaving }) => leaving.length > 0);
    for (const target of work) {
      const owner = await takeAway(pass, target, leaves);
      if (owner === undefined) continue;
      opened.push(owner);
      views.set(target, owner);
    }
    await (early ?? proveNewcomers(pass, work));
    for (const [target, owner] of views) {
      await seeOthers(pass, target, owner);
      seeAdministering(pass, target, [[INBOX, (login) => owner.inbox.get(login)]]);
      await give(pass, target, owner);
    }
    await publishAll(pass);
    if (pass.unpublished.length + pass.unclosed.size === 0)
      await settleFirst(pass, subject, { work, pairs }, only !== undefined);
    const givesOnly = views.size > 0 && !revoking;
    if (!goOn() && givesOnly && pass.failures.length + pass.unpublished.length === 0) {
      return { kind: 'in-force', version, address: pass.address };
    }
    for (const [target, owner] of views) await complete(pass, target, owner);
    await proveRest(pass);
    const [first, ...others] = [...pass.failures, ...pass.unpublished];
    if (first !== undefined) {
      return { kind: 'failed', version, address: pass.address, ...deciding([first, ...others], revoking) };
    }
    if (only !== undefined) return { kind: 'paused', version, address: pass.address };
    if (pass.later !== undefined && pass.later.length > 0) {
      const { address, onBehalf, identifiers, notices, unsettled, later: looks } = pass;
      return {
        kind: 'unseen',
        version,
        address,
        unseen: { ...subject, onBehalf, identifiers, notices, unsettled, looks },
      };
    }
    const news = await newlyLeft(pass);
    await site.state.write(async (query) => {
      await recordVerified({ query, server: site.state.server }, subject, pass.notices, site.clock.now());
      for (const owner of pass.unsettled) await settleFolders({ query }, site.server.name, owner);
      await record(
        pass,
        news.map(({ login, detail }) => ({ action: 'drift-left' as const, login, detail })),
        { query },
      );
    });
    const drift = news.map(({ message }) => message);
    const againInMs = pass.again.length === 0 ? undefined : Math.min(...pass.again);
    return { kind: 'verified', version, address: pass.address, notices: pass.notices, drift, againInMs };
  } catch (error) {
    if (error instanceof Superseded) return { kind: 'superseded' };
    const failures = [
      naming(error, `mandat mailbox set ${pass.address}`),
      ...pass.failures,
      ...pass.unpublished,
    ] as const;
    return { kind: 'failed', version, address: pass.address, ...deciding(failures, revoking) };
  } finally {
    for (const owner of opened) owner.close();
    await record(pass, []);
  }
}

async function settleFirst(
  pass: Pass,
  subject: Parameters<typeof recordInForce>[1],
  { work, pairs }: { readonly work: readonly Target[]; readonly pairs: readonly Pair[] },
  isPaused: boolean,
): Promise<void> {
  const { site } = pass;
  const now = site.clock.now();
  // A pass that began to take it away and didn't come to here has recorded nothing of it: in_force_at stands as it stood.
  const leavers = work
    .flatMap(({ leaving }) => leaving)
    .filter(({ phase, inForceAt }) => phase !== 'revoking' || inForceAt !== null);
  const withdrawn = leavers.map(({ login }) => ({ action: 'withdrawn' as const, login }));
  const left = leavers.map(({ id }) => id);
  if (isPaused) {
    // The mailbox isn't as the table has it; what is to be told is told when it is.
    return site.state.write(async (query) => {
      await leaveForce({ query }, left);
      await record(pass, withdrawn, { query });
    });
  }
  const tell = await telling(pass, now);
  // As most are found: what would be written stands there already.
  const moves = pairs.some(({ phase }) => phase === 'granting' || phase === 'revoking');
  const comes = work.some(({ arriving }) => arriving.length > 0);
  if (tell === undefined && !moves && !comes && leavers.length === 0 && !site.hasActed())
    if (await isInForce(site.state, subject)) return;
  // One transaction: whoever waits for it waits for one commit.
  await site.state.write(async (query) => {
    await recordInForce({ query, server: site.state.server }, subject, now);
    await tell?.(query);
    await leaveForce({ query }, left);
    const entered = await enterForce({ query, server: site.state.server }, pass.mailboxId, now);
    const outcomes = [...withdrawn, ...entered.map((login) => ({ action: 'in-force' as const, login }))];
    await record(pass, outcomes, { query });
  });
}

/** Of a pass that only takes away by name. */
const NOTHING: Pass['desired'] = { delegates: [], withheld: [], senders: [] };

/** All who have something here, or may send from here, but these. */
function allBut(
  logins: ReadonlySet<string>,
  { senders }: Site,
  mailboxId: number,
  pairs: readonly Pair[],
): ReadonlySet<string> {
  const all = [...pairs, ...(senders?.rules(mailboxId) ?? [])].map(({ login }) => login);
  return new Set(all.filter((login) => !logins.has(login)));
}

/** Of these logins, who sends by what mandat has given them. In the midst of a grant their rule tells. */
function sendingOf(
  { senders }: Site,
  mailboxId: number,
  pairs: readonly Pair[],
  logins: ReadonlySet<string>,
): readonly string[] {
  const hasRule = (login: string) => senders?.rules(mailboxId).some((rule) => rule.login === login) === true;
  return pairs
    .filter(({ login }) => logins.has(login))
    .filter(({ phase, login }) => (phase === 'granting' ? hasRule(login) : phase !== 'revoking'))
    .map(({ login }) => login);
}

function ownerName({ rows }: MailboxState, pairs: readonly Pair[]): string | null {
  const login = rows?.login ?? pairs[0]?.ownerLogin;
  if (login === undefined) return null;
  return actorName({ kind: 'owner', identifier: ownerOf({ owner: rows?.owner ?? null, login }) });
}

/** By login: as the table has them, and of those who have left it as the ledger has them. */
function identifiersOf({ rows }: MailboxState, pairs: readonly Pair[]): ReadonlyMap<string, string> {
  return new Map([
    ...pairs.map(({ login, identifier }) => [login, identifier ?? login] as const),
    ...(rows?.delegations ?? []).map(({ id, delegate }) => [delegate.login, id] as const),
  ]);
}

function heldNotice(login: string): Notice {
  const message = `the delegation to ${login} has disappeared together with many others and is held, in case it was an accident: "mandat sync --force" lets them go`;
  return { code: 'held', login, message };
}

function withoutNewcomers(
  want: Pass['desired'],
  known: ReadonlySet<string>,
  owner: string | undefined,
): Pass['desired'] {
  return {
    ...want,
    delegates: want.delegates.filter(({ login }) => known.has(login)),
    senders: want.senders.filter(({ login }) => login === owner || known.has(login)),
  };
}
