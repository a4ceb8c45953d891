/** Second phase for a delegate in force: the whole tree, their subscriptions, a look as the delegate. R10, R11, R29, R32, R46. */
import { type DesiredDelegate, rightsOn } from '../../acl/desired.ts';
import { negativeEntries } from '../../acl/entry-plan.ts';
import { missing, NONE, type Rights, without } from '../../acl/rights.ts';
import { Failure } from '../shared/failure.ts';
import { fact, setFact } from '../store/state/facts.ts';
import { noteVerifiedRights, recordCut, setPhase } from '../store/state/ledger.ts';
import type { FolderName, Pair } from '../store/state/ledger-pairs.ts';
import { record } from './acts.ts';
import { asDelegate } from './delegate-sessions.ts';
import { openDrift } from './drift-gate.ts';
import { tellLeft } from './drift-left.ts';
import type { DelegateView } from './driver-interfaces.ts';
import { INBOX } from './driver-interfaces.ts';
import { onInbox } from './first-phase.ts';
import { tellDeciding } from './foreign-rights.ts';
import { inReach, tellOutOfReach, tryApart } from './out-of-reach.ts';
import type { LaterLook, Pass } from './pass.ts';
import { inheritsAsShown, noteInherits, ownListAsShown } from './shown-lately.ts';
import { keeperAsSeen } from './subscription-list.ts';
import { subscribeTo } from './subscriptions.ts';
import { type Tree, wanted } from './tree.ts';

/** More rounds than the tree can honestly need: a folder that is made meanwhile needs one more. */
const ROUNDS = 4;

export async function completeGrant(
  pass: Pass,
  owner: string,
  delegate: DesiredDelegate,
  pair: Pair,
  tree: Tree,
): Promise<void> {
  const { site } = pass;
  const { policy } = site;
  const rights = wanted(tree, delegate.rights);
  tellTied(pass, delegate, tree);
  await site.gate.run(delegate.login, async () => {
    await tryApart(pass, owner, delegate, pair, tree);
    const inheritsHere = shownBefore(pass, owner, pair, tree);
    const asShown = inheritsHere !== undefined;
    if (asShown) await fillIn(delegate, tree, rights, inheritsHere ? (rights.get(INBOX) ?? NONE) : NONE);
    if (pair.phase !== 'verified' && !asShown) {
      await asDelegate(
        pass,
        delegate.login,
        async (view) => {
          await mustReach(view, owner);
          const reached = await inReach(view, owner, tree, rights);
          await fillIn(delegate, tree, reached, await inherited(pass, owner, rights, view));
          await subscribeTo(pass, view, tree, pair, [...reached.keys()], pair.cutDone);
        },
        policy.cutAtGrant && !pair.cutDone,
      );
    }
    if (pair.phase !== 'verified' && pass.later === undefined) await cutAtGrant(pass, pair);
    if (pass.later !== undefined) pass.later.push(await laterLook(pass, delegate, pair, tree, rights, asShown));
    else await lookAsDelegate(pass, owner, delegate, pair, tree, rights);
  });
  if (pass.later !== undefined) return;
  await setPhase(site.state, [pair.id], 'verified', site.clock.now());
  await noteVerifiedRights(site.state, pair, onInbox(tree.owner, delegate.rights));
  if (pair.phase !== 'verified') await record(pass, [{ action: 'verified', login: delegate.login }]);
}

/**
 * Of many who arrive the first has shown in a session of their own what entries give there, and whose list a subscription stands in. What is to be done
 * for the others needs none then before the look, which tells where they differ. Whether INBOX's entry is inherited; undefined: it takes a session.
 */
function shownBefore(pass: Pass, owner: string, pair: Pair, tree: Tree): boolean | undefined {
  if (pass.later === undefined || pair.phase === 'verified') return undefined;
  if (tree.folders.some(({ apart }) => apart !== undefined)) return undefined;
  const subscribes = pass.site.policy.autoSubscribe;
  if (subscribes && !(ownListAsShown(pass, owner) && pair.subscriptions.size === 0)) return undefined;
  return inheritsAsShown(pass, owner);
}

async function laterLook(
  pass: Pass,
  { login, rights: wanted }: DesiredDelegate,
  pair: Pair,
  tree: Tree,
  rights: ReadonlyMap<FolderName, Rights>,
  asShown: boolean,
): Promise<LaterLook> {
  const { site } = pass;
  const { policy } = site;
  // A pass that brings somebody has just seen to it.
  const looks = policy.autoSubscribe && pair.phase === 'verified';
  const all = !pair.subscriptionsUndone && pair.subscriptions.size === tree.folders.length;
  const left = looks && !all && !pair.subscriptionsUndone && (await keeperAsSeen(site)) === 'owner';
  const known = pair.subscriptionsUndone ? [] : pair.subscriptions.keys(); // what is undone takes a pass
  const subscribed = looks && !left ? new Set(known) : undefined;
  const given = onInbox(tree.owner, wanted);
  const subscribes = asShown && policy.autoSubscribe;
  const { folders } = tree;
  const cuts = pair.phase !== 'verified' && cutsAtGrant(pass, pair);
  return { pairId: pair.id, login, owner: tree.owner.login, folders, rights, given, subscribed, subscribes, cuts };
}

/** Rights that nobody withholds, and that the server gives only together with one that is. INBOX is looked at, which is no special folder. */
function tellTied(pass: Pass, { login, rights }: DesiredDelegate, tree: Tree): void {
  const inbox = tree.folders.find(({ name }) => name === INBOX);
  if (inbox === undefined) return;
  const lost = missing(without(rights, inbox.withheld ?? ''), rightsOn(inbox, rights));
  if (lost === '') return;
  pass.notices.push({
    code: 'tied-rights',
    login,
    message: `${lost} of ${rights} is not given to ${login}: the IMAP server gives it only together with ${inbox.withheld || 'a right that delegates never have'} (LISTRIGHTS)${inbox.withheld ? '; imap.allow_carrying_off = true gives both, and says what it risks' : ''}`,
  });
}

/** Before an entry is written into each folder that nobody could open. */
async function mustReach(view: DelegateView, owner: string): Promise<void> {
  const why = await view.unreachable(owner);
  if (why !== undefined) throw new Failure(why.yet ? 'retry' : 'config', why.message, why.hint);
}

/** What they have where no entry stands, by what the server says of it: noted for those who come after. */
async function inherited(
  pass: Pass,
  owner: string,
  rights: ReadonlyMap<FolderName, Rights>,
  view: DelegateView,
): Promise<Rights> {
  const there = await view.inherited(owner);
  const inherits = there === rights.get(INBOX) ? 'yes' : 'no';
  if ((await fact(pass.site.state, 'inherits')) !== inherits) await setFact(pass.site.state, 'inherits', inherits);
  if (inherits === 'yes' || there === NONE) noteInherits(pass, owner, inherits === 'yes');
  return there;
}

/** Entries where, by what is inherited, they would fall short or have too much. */
async function fillIn(
  { login }: DesiredDelegate,
  tree: Tree,
  rights: ReadonlyMap<FolderName, Rights>,
  inherited: Rights,
): Promise<void> {
  const apart = new Map(tree.folders.map((folder) => [folder.name, folder.apart]));
  const facts = [...rights].map(([folder, desired]) => {
    // A negative entry for them is an entry for them: nothing is inherited beside it.
    const inheriting = negativeEntries(tree.identifiers(folder), login).length === 0;
    const from = inheriting && apart.get(folder) === undefined ? inherited : NONE; // INBOX's entry ends where its namespace does
    return [folder, { desired, effective: tree.entry(folder, login) ?? from, before: undefined }] as const;
  });
  await tree.applyAll(login, new Map(facts));
}

/** On Dovecot a session that is open doesn't list a new share: their clients are made to look anew. Once per grant. */
async function cutAtGrant(pass: Pass, pair: Pair): Promise<void> {
  const { cutter, gate, state } = pass.site;
  if (cutter === undefined || !cutsAtGrant(pass, pair)) return;
  await gate.cut(pair.login, () => cutter.cut(pair.login));
  await recordCut(state, pair.id);
}

const cutsAtGrant = ({ site }: Pass, pair: Pair) =>
  site.cutter !== undefined && site.policy.cutAtGrant && !pair.cutDone;

/** A fresh login as the delegate decides whether the grant is true; what falls short is mended and looked at again. */
async function lookAsDelegate(
  pass: Pass,
  owner: string,
  { login, rights: given }: DesiredDelegate,
  pair: Pair,
  tree: Tree,
  all: ReadonlyMap<FolderName, Rights>,
): Promise<void> {
  const drift = openDrift(pass, pair, onInbox(tree.owner, given), tree.owner.inherits);
  let touched = false;
  for (let round = 1; round <= ROUNDS; round++) {
    const mended = await asDelegate(pass, login, async (view) => {
      await mustReach(view, owner);
      const rights = await inReach(view, owner, tree, all);
      const listed = await view.listed(owner);
      const seen = await view.rights(owner, [...rights.keys()]);
      const differs = ([folder, desired]: readonly [FolderName, Rights]) =>
        (seen.get(folder) ?? NONE) !== desired || !listed.has(folder);
      let wrong = [...rights].filter(differs);
      if (wrong.length > 0) {
        await tree.newcomers(); // a folder that went meanwhile is nothing to mend
        wrong = wrong.filter(([folder]) => tree.has(folder));
      }
      let changed = false;
      const unlisted: (readonly [FolderName, Rights])[] = [];
      drift.forget((folder) => tree.entry(folder, login) === all.get(folder));
      try {
        for (const [folder, desired] of inboxFirst(wrong)) {
          const effective = seen.get(folder) ?? NONE;
          const found = tree.entry(folder, login);
          if (effective === desired) unlisted.push([folder, desired]);
          else if (found === desired)
            continue; // somebody else's entry decides
          else if (!(await drift.mayMend({ folder, id: tree.id(folder), isNew: tree.isNew(folder), found, desired })))
            continue;
          else if (await tree.apply(folder, login, { desired, effective, before: undefined })) changed = true;
        }
      } finally {
        await drift.noteMended();
      }
      wrong = wrong.filter(([folder]) => !drift.left.has(folder));
      const [first] = unlisted;
      if (!changed && first !== undefined && !touched) {
        await tree.touch(first[0], login, first[1]); // one is enough for the whole tree
        touched = changed = true;
      }
      if (!changed) {
        const differ = wrong.map(([folder, desired]) => ({ folder, desired, seen: seen.get(folder) ?? NONE }));
        if (differ.length > 0) tellDeciding(pass, tree, login, differ, await decidedElsewhere(view, owner, rights));
        tellOutOfReach(pass, owner, tree, rights);
        // What could not be seen before it was mended could not be subscribed to either.
        if (pair.phase === 'verified' || round > 1) await subscribeTo(pass, view, tree, pair, [...rights.keys()], true);
      }
      return changed;
    });
    if (!mended) return tellLeft(pass, login, drift);
    if (pair.phase === 'verified') await record(pass, [{ action: 'repaired', login }]);
  }
  throw new Failure(
    'retry',
    `what ${login} sees of ${pass.address} keeps changing`,
    'is another program setting ACLs on the same mailbox?',
  );
}

/** What is left in INBOX decides what is left below it. */
function inboxFirst<T>(folders: readonly (readonly [FolderName, T])[]): readonly (readonly [FolderName, T])[] {
  return [...folders].sort(([one], [other]) => Number(other === INBOX) - Number(one === INBOX));
}

/** What they may where no entry of the mailbox's stands, if neither INBOX's entry nor its lack explains it: the site decides. */
async function decidedElsewhere(
  view: DelegateView,
  owner: string,
  rights: ReadonlyMap<FolderName, Rights>,
): Promise<Rights | undefined> {
  const inherited = await view.inherited(owner);
  return inherited === NONE || inherited === rights.get(INBOX) ? undefined : inherited;
}
