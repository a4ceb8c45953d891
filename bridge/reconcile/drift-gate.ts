/** Which of a delegate's differing entries a pass may put right (drift.ts), and which it leaves. */
import type { Rights } from '../../acl/rights.ts';
import type { FolderName, Pair } from '../store/state/ledger-pairs.ts';
import { MOST_REPAIRS, noteRepairs, REPAIRS_WITHIN_MS, repairsOf } from '../store/state/repairs.ts';
import type { Drift, Left, WhyLeft } from './drift.ts';
import { INBOX } from './driver-interfaces.ts';
import type { Pass } from './pass.ts';

/** @param rights what the pair should have in INBOX now */
export function openDrift(pass: Pass, pair: Pair, rights: Rights, inherits: boolean): Drift {
  const known = pass.drift.get(pair.id);
  if (known !== undefined) return known;
  const { state, server, policy } = pass.site;
  const whose = { server: server.name, owner: pair.ownerLogin, login: pair.login };
  const asLeft = pair.phase === 'verified' && pair.verifiedRights === rights;
  const left = new Map<FolderName, Left>();
  const mended = new Set<string>();
  let repairs: ReadonlyMap<string, readonly number[]> | undefined;

  const whyLeft = async (key: string): Promise<WhyLeft | undefined> => {
    if (policy.onDrift === 'report') return 'report';
    repairs ??= await repairsOf(state, whose);
    const [first, ...others] = repairs.get(key) ?? [];
    if (first === undefined || others.length + 1 < MOST_REPAIRS) return undefined;
    pass.again.push(Math.max(0, first + REPAIRS_WITHIN_MS - Date.now()));
    return 'again';
  };
  const drift: Drift = {
    login: pair.login,
    left,
    forget: (isRight) => {
      for (const folder of left.keys()) if (isRight(folder)) left.delete(folder);
    },
    mayMend: async ({ folder, id, isNew, found, desired }) => {
      if (!asLeft || isNew) return true;
      // What is inherited from INBOX isn't made up for folder by folder: it is told as INBOX's.
      const above = found === undefined && inherits && folder !== INBOX ? left.get(INBOX) : undefined;
      if (above !== undefined) {
        left.set(folder, above);
        return false;
      }
      const key = folder === INBOX ? INBOX : id; // by its name before its id is known
      const why = await whyLeft(key);
      if (why === undefined) mended.add(key);
      else left.set(folder, { why, desired, found });
      return why === undefined;
    },
    noteMended: async () => {
      if (mended.size === 0) return;
      await noteRepairs(state, whose, [...mended]);
      mended.clear();
      repairs = undefined;
    },
  };
  pass.drift.set(pair.id, drift);
  return drift;
}
