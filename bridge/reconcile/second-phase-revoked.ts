/**
 * Second phase for a delegate who leaves: every other folder, because the server made copies of our entry in folders that were
 * born meanwhile; that their sessions have ended; then their subscriptions, then a look as the delegate on a fresh login. R49.
 */
import { NONE, type Rights } from '../../acl/rights.ts';
import { Failure, failureOf } from '../shared/failure.ts';
import { endPair } from '../store/state/ledger.ts';
import type { FolderName, Pair } from '../store/state/ledger-pairs.ts';
import { record } from './acts.ts';
import { cutAtRevoke, proveCut } from './cutting.ts';
import { asDelegate } from './delegate-sessions.ts';
import type { DelegateView } from './driver-interfaces.ts';
import { INBOX } from './driver-interfaces.ts';
import { tellLettingIn } from './foreign-rights.ts';
import type { Pass } from './pass.ts';
import { unsubscribeAll, unsubscribeDead } from './subscriptions.ts';
import { beforeIn, type Tree } from './tree.ts';

const ROUNDS = 4;

export async function completeRevoke(pass: Pass, owner: string, pair: Pair, tree: Tree): Promise<void> {
  if (await clearAll(pass, tree, pair)) await cutAtRevoke(pass, pair.login);
  await proveCut(pass, pair.login);
  await unlessGone(pass, pair, () =>
    asDelegate(
      pass,
      pair.login,
      async (view) => {
        await unsubscribeAll(pass, view, tree, pair);
        await seesNothing(pass, view, owner, pair, tree);
        await unsubscribeDead(view, owner);
      },
      true,
    ),
  );
  // Otherwise the ledger keeps the pair, and the next pass cuts or publishes again, or records that it is in force.
  if (pass.uncut.has(pair.login) || pass.unpublished.length + pass.unclosed.size > 0) return;
  await endPair(pass.site.state, pair.id);
  const detail = pass.unproven.has(pair.login) ? { sessions: 'not seen to end' } : {};
  await record(pass, [{ action: 'ended', login: pair.login, detail }]);
}

/** The whole tree; then folders that were born, with a copy, or renamed while we swept. Returns whether anything was changed. */
export async function clearAll(pass: Pass, tree: Tree, pair: Pair): Promise<boolean> {
  let names: readonly FolderName[] = tree.folders.map(({ name }) => name);
  let changed = false;
  for (let round = 1; round <= ROUNDS; round++) {
    if (await clear(tree, pair, names)) changed = true;
    names = await tree.newcomers();
    if (names.length === 0) return changed;
  }
  throw new Failure(
    'retry',
    `folders keep coming in ${pass.address}, so it is not certain that none of them lets ${pair.login} in`,
    'it will be tried again',
  );
}

/** Takes their entry out of these folders, or puts back what stood there before. Returns whether anything was changed. */
async function clear(tree: Tree, pair: Pair, names: readonly FolderName[]): Promise<boolean> {
  const there = new Set(names);
  const facts = tree.folders
    .filter(({ name }) => there.has(name))
    .map((folder) => [folder.name, { desired: undefined, effective: NONE, before: beforeIn(pair, folder) }] as const);
  return tree.applyAll(pair.login, new Map(facts));
}

/** When their account is gone, nobody can look, and nobody can log in. */
async function unlessGone(pass: Pass, pair: Pair, look: () => Promise<void>): Promise<void> {
  try {
    await look();
  } catch (error) {
    if (failureOf(error).rule !== 'NO_ACCOUNT') throw error;
    pass.notices.push({
      code: 'no-server-account',
      login: pair.login,
      message: `${pair.login} has no account on the IMAP server any more: there was nobody to look as`,
    });
  }
}

async function seesNothing(pass: Pass, view: DelegateView, owner: string, pair: Pair, tree: Tree): Promise<void> {
  for (let round = 1; round <= ROUNDS; round++) {
    const visible = await stillSeen(view, owner, pair, tree);
    if (visible.size === 0) return;
    const names = [...visible.keys()];
    await tree.newcomers();
    await tree.refresh(names);
    if (await clear(tree, pair, names)) continue; // somebody has set it anew
    if (!names.every((folder) => tree.has(folder))) continue; // it went while we looked
    tellLettingIn(pass, tree, pair.login, visible);
    return;
  }
  throw new Failure(
    'retry',
    `${pair.login} keeps seeing folders of ${pass.address}`,
    'is another program setting ACLs on the same mailbox?',
  );
}

/** Folders they see although nothing that stood before the grant explains it. */
async function stillSeen(
  view: DelegateView,
  owner: string,
  pair: Pair,
  tree: Tree,
): Promise<ReadonlyMap<FolderName, Rights>> {
  const listed = await view.listed(owner);
  const rights = await view.rights(owner, [...new Set([INBOX, ...listed])]);
  const restored = new Set(
    tree.folders.filter((folder) => beforeIn(pair, folder) !== undefined).map(({ name }) => name),
  );
  const inbox = restored.has(INBOX); // what stood on INBOX may be inherited by the whole tree
  return new Map([...rights].filter(([folder, seen]) => seen !== NONE && !restored.has(folder) && !inbox));
}
