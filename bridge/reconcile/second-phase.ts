/** The second phase at one account: the whole tree read, whoever leaves and whoever stays brought in line, other people's entries noted. */
import { failureOf } from '../shared/failure.ts';
import { pairsOf } from '../store/state/ledger-pairs.ts';
import type { OwnerView } from './driver-interfaces.ts';
import { noteOthers, seeAdministering, tellAdministering } from './other-entries.ts';
import { subscribeOwner } from './owner-subscriptions.ts';
import { type Pass, Superseded, type Target } from './pass.ts';
import { completeGrant } from './second-phase-granted.ts';
import { completeRevoke } from './second-phase-revoked.ts';
import { readAllBefore, readTree } from './tree.ts';

export async function complete(pass: Pass, target: Target, owner: OwnerView): Promise<void> {
  const tree = await readTree(pass, owner, target);
  await seeCarriedOff(pass, owner);
  const pairs = (await pairsOf(pass.site.state, pass.mailboxId)).filter(
    ({ ownerLogin, login }) => ownerLogin === target.owner && !pass.held.has(login),
  );
  const leavers = pairs.filter(({ phase }) => phase === 'revoking');
  seeAdministering(
    pass,
    target,
    tree.folders.map(({ name }) => [name, (login) => tree.entry(name, login)]),
  );
  if (leavers.length < pairs.length) await subscribeOwner(pass, owner, pairs, tree);
  const taken: string[] = [];
  const inOrder = [...leavers, ...pairs.filter((pair) => !leavers.includes(pair))];
  if (inOrder.some(({ foldersBefore }) => foldersBefore !== undefined)) await pass.stillCurrent();
  for (const pair of await readAllBefore(pass, inOrder, tree)) {
    // Where nothing is asked or written for it now, nobody waits for it.
    if (pass.later === undefined || pair.phase !== 'verified') await pass.stillCurrent();
    const delegate = [...target.staying.map((stay) => stay.delegate), ...target.arriving].find(
      ({ login }) => login === pair.login,
    );
    try {
      if (delegate === undefined) await completeRevoke(pass, target.owner, pair, tree);
      else if (pass.unpublished.length === 0) await completeGrant(pass, target.owner, delegate, pair, tree);
      if (delegate !== undefined && pass.unpublished.length === 0) taken.push(delegate.login);
    } catch (error) {
      if (error instanceof Superseded) throw error;
      pass.failures.push(failureOf(error));
    }
  }
  await noteOthers(pass, target.owner, tree);
  for (const login of taken) await tellAdministering(pass, login, tree);
}

/** What has left the owner's tree no later look at it would see: it is named as long as it lies elsewhere. */
async function seeCarriedOff(pass: Pass, owner: OwnerView): Promise<void> {
  for (const folder of await owner.carriedOff()) {
    pass.notices.push({
      code: 'carried-off',
      login: owner.login,
      message: `the folder ${folder} is in somebody else's mailbox and gives ${owner.login} the rights of its owner: it looks as if it had been carried off out of ${pass.address}. An administrator of the mail server can rename it back`,
    });
  }
}
