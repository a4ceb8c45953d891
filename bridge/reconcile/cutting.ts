/**
 * The sessions of whoever leaves: ended in the first phase, and seen to have ended in the second, so that neither the BYE nor "access
 * withdrawn" waits for the look. Only what was seen counts as verified. R49.
 */
import { failureOf } from '../shared/failure.ts';
import { recordCut } from '../store/state/ledger.ts';
import type { Pair } from '../store/state/ledger-pairs.ts';
import type { Pass } from './pass.ts';

/** A cut that fails must not keep the other folders' entries alive: it is noted, and the pass as a whole is tried again. */
export async function cutAtRevoke(pass: Pass, login: string): Promise<void> {
  const { cutter } = pass.site;
  if (cutter === undefined) {
    pass.notices.push({
      code: 'no-session-cutting',
      login,
      message: `sessions that ${login} has open outlive the revoke: [sessions] is not configured`,
    });
    return;
  }
  try {
    const cut = await pass.site.gate.cut(login, () => cutter.cut(login));
    // Looked for from now on, while the pass goes on: where a process serves several, a client that comes back soon may get the same one.
    const ended = cut.ended();
    ended.catch(() => {}); // proveCut hears of it
    // A later cut takes the place of an earlier one: what that left is open before this one.
    pass.cuts.set(login, { ended, toSee: cut.toSee });
  } catch (error) {
    pass.failures.push(failureOf(error));
    pass.uncut.add(login);
  }
}

/** Waits until it is known whether the sessions from before the last cut are gone. One that goes on is a failure, like a cut that fails. */
export async function proveCut(pass: Pass, login: string): Promise<void> {
  const cut = pass.cuts.get(login);
  if (cut === undefined) return;
  pass.cuts.delete(login);
  try {
    if (await cut.ended) return;
    pass.unproven.add(login);
    pass.notices.push({
      code: 'cut-not-proven',
      login,
      message: `whether sessions that ${login} had open have ended was not seen: ${cut.toSee}`,
    });
  } catch (error) {
    pass.failures.push(failureOf(error));
    pass.uncut.add(login);
  }
}

/** Cuts of those whom nobody could look as, since the owner's account is gone. The ledger keeps them: once is enough. */
export async function proveRest(pass: Pass): Promise<void> {
  for (const login of [...pass.cuts.keys()]) await proveCut(pass, login);
  for (const pair of pass.gone) {
    if (!isCut(pair) && !pass.uncut.has(pair.login)) await recordCut(pass.site.state, pair.id);
  }
}

/** Whether the cut of this revoke has been done, in an earlier pass. */
export function isCut({ phase, cutDone }: Pair): boolean {
  return phase === 'revoking' && cutDone;
}
