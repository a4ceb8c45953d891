/** What is said of drift that is left as it was found: for the administrator, with what to do next, and for the trail when it is news. */

import type { FolderName } from '../store/state/ledger-pairs.ts';
import { type Notice, outcomeOf } from '../store/state/outcomes.ts';
import { MOST_REPAIRS, REPAIRS_WITHIN_MS } from '../store/state/repairs.ts';
import type { Drift, Left, WhyLeft } from './drift.ts';
import { listing } from './foreign-rights.ts';
import type { Pass } from './pass.ts';

export const DRIFT_CODES = ['drift-reported', 'repaired-too-often'] as const satisfies readonly Notice['code'][];
const CODES: Readonly<Record<WhyLeft, (typeof DRIFT_CODES)[number]>> = {
  report: 'drift-reported',
  again: 'repaired-too-often',
};

const SO_OFTEN = `${MOST_REPAIRS} times within ${REPAIRS_WITHIN_MS / 60_000} minutes`;
const NEXT: Readonly<Record<WhyLeft, string>> = {
  report:
    'it is left so, by [reconcile] on_drift = "report". To have it put right: give it back by hand, or set "repair" and restart the sidecar, or send it SIGHUP',
  again: `it was put right ${SO_OFTEN} and changed again each time, so it is left for now. Find the program that sets ACLs there too, and have it leave this entry alone; mandat tries again after ten minutes`,
};

/** So many folders are named in the trail. */
const NAMED = 20;

/** One notice for all folders with the same. */
export function tellLeft(pass: Pass, login: string, { left }: Drift): void {
  const groups = new Map<string, { readonly one: Left; readonly folders: FolderName[] }>();
  for (const [folder, one] of left) {
    const key = JSON.stringify([one.why, one.desired, one.found ?? null]);
    const group = groups.get(key) ?? { one, folders: [] };
    groups.set(key, group);
    group.folders.push(folder);
  }
  for (const { one, folders } of groups.values()) {
    const { why, desired, found } = one;
    const what =
      found === undefined
        ? `the entry of ${login} is gone from ${listing(folders)}, which gave ${desired}`
        : `the entry of ${login} gives ${found || 'nothing'} in ${listing(folders)} instead of ${desired}`;
    const message = `${what}: somebody else has changed it, and ${NEXT[why]}`;
    pass.notices.push({ code: CODES[why], login, message });
    const detail = { why: CODES[why], found: found ?? null, given: desired, count: folders.length };
    pass.driftLeft.push({ login, message, detail: { ...detail, folders: folders.slice(0, NAMED) } });
  }
}

/** Those that the last pass did not tell of. */
export async function newlyLeft({ site, mailboxId, driftLeft }: Pass): Promise<Pass['driftLeft']> {
  if (driftLeft.length === 0) return [];
  const before = (await outcomeOf(site.state, mailboxId))?.notices ?? [];
  return driftLeft.filter(({ message }) => !before.some((one) => one.message === message));
}
